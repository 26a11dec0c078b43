//! A server on loopback that answers as a test says and keeps what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }
}

/// What is answered.
pub enum Reply {
    /// Status, headers, body.
    Now(u16, Vec<(String, String)>, Vec<u8>),
    /// The head and so much of a body, then the connection is reset.
    Torn(String),
    /// The head and so much of a body; then it waits until the other side is gone.
    Held(String),
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::Now(status, Vec::new(), Vec::new())
    }

    pub fn json(status: u16, body: &str) -> Self {
        Self::Now(status, Vec::new(), body.as_bytes().to_vec()).with("Content-Type", "application/json")
    }

    pub fn with(self, name: &str, value: &str) -> Self {
        match self {
            Self::Now(status, mut headers, body) => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Now(status, headers, body)
            }
            other => other,
        }
    }
}

type Answers = dyn FnMut(&Asked) -> Reply + Send;

/// The server. It ends with the test's process.
pub struct Fake {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// How many held connections the other side ended.
    gone: Arc<Mutex<usize>>,
}

impl Fake {
    pub fn start(answers: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, gone) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let answers: Arc<Mutex<Box<Answers>>> = Arc::new(Mutex::new(Box::new(answers)));
        let (kept, ended) = (Arc::clone(&asked), Arc::clone(&gone));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, kept, ended) = (Arc::clone(&answers), Arc::clone(&kept), Arc::clone(&ended));
                std::thread::spawn(move || serve(stream, &answers, &kept, &ended));
            }
        });
        Self { port, asked, gone }
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self, method: &str, part: &str) -> usize {
        self.asked().iter().filter(|asked| asked.is(method, part)).count()
    }

    pub fn gone(&self) -> usize {
        *self.gone.lock().unwrap()
    }
}

fn serve(stream: TcpStream, answers: &Mutex<Box<Answers>>, kept: &Mutex<Vec<Asked>>, ended: &Mutex<usize>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(asked) = read(&mut reader) {
        kept.lock().unwrap().push(asked.clone());
        let reply = (answers.lock().unwrap())(&asked);
        match reply {
            Reply::Now(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} Status\r\n");
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
                let body = if asked.method == "HEAD" { Vec::new() } else { body };
                if stream.write_all(&[head.as_bytes(), &body].concat()).is_err() {
                    return;
                }
            }
            Reply::Torn(text) | Reply::Held(text) if text.is_empty() => return,
            Reply::Torn(text) => {
                let _ = stream.write_all(partial(&text).as_bytes());
                return;
            }
            Reply::Held(text) => {
                let _ = stream.write_all(partial(&text).as_bytes());
                // The other side says nothing more: this ends when it is gone.
                let _ = reader.read(&mut [0; 1]);
                *ended.lock().unwrap() += 1;
                return;
            }
        }
    }
}

/// One chunk of an answer that has more.
fn partial(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n", text.len())
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let mut asked =
        Asked { method: words.next()?.to_owned(), target: words.next()?.to_owned(), ..Asked::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        asked.headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = asked.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}
