//! A way to the engine that can be cut at any call, before it arrives or before its reply does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bollard::Docker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

const NEVER: usize = usize::MAX;

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) docker: Docker,
    state: Arc<State>,
}

struct State {
    socket: String,
    /// Writing calls since [`Proxy::cut_at`].
    calls: AtomicUsize,
    cut_at: AtomicUsize,
    lose_reply: AtomicBool,
    dead: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn open() -> Option<Self> {
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        let socket = match host.strip_prefix("unix://") {
            Some(path) => path.to_owned(),
            None if host.is_empty() => "/var/run/docker.sock".to_owned(),
            None => return None,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            socket,
            calls: AtomicUsize::new(0),
            cut_at: AtomicUsize::new(NEVER),
            lose_reply: AtomicBool::new(false),
            dead: watch::Sender::new(false),
        });
        tokio::spawn(serve(listener, state.clone()));
        let docker = Docker::connect_with_http(&address, 60, bollard::API_DEFAULT_VERSION).unwrap();
        Some(Self { docker: docker.negotiate_version().await.unwrap(), state })
    }

    /// Cuts at the n-th writing call from now on, counted from 1.
    pub(crate) fn cut_at(&self, call: usize, lose_reply: bool) {
        self.state.calls.store(0, Ordering::SeqCst);
        self.state.lose_reply.store(lose_reply, Ordering::SeqCst);
        self.state.cut_at.store(call, Ordering::SeqCst);
    }

    pub(crate) fn kill(&self) {
        self.state.dead.send_replace(true);
    }

    pub(crate) fn revive(&self) {
        self.state.cut_at.store(NEVER, Ordering::SeqCst);
        self.state.dead.send_replace(false);
    }

    /// Waits until the way is cut.
    pub(crate) async fn cut(&self) {
        self.state.dead.subscribe().wait_for(|dead| *dead).await.unwrap();
    }
}

async fn death(dead: &mut watch::Receiver<bool>) {
    drop(dead.wait_for(|dead| *dead).await);
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if !*state.dead.borrow() {
            tokio::spawn(pass(client, state.clone()));
        }
    }
}

async fn pass(mut client: TcpStream, state: Arc<State>) {
    let mut engine = UnixStream::connect(&state.socket).await.unwrap();
    let mut dead = state.dead.subscribe();
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut losing = false;
    loop {
        tokio::select! {
            () = death(&mut dead) => return,
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let writes = asked.starts_with(b"POST ") || asked.starts_with(b"DELETE ");
                if writes && state.calls.fetch_add(1, Ordering::SeqCst) + 1 == state.cut_at.load(Ordering::SeqCst) {
                    losing = state.lose_reply.load(Ordering::SeqCst);
                    if !losing {
                        state.dead.send_replace(true);
                        return;
                    }
                }
                if engine.write_all(&asked[..count]).await.is_err() { return }
            }
            read = engine.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if losing {
                    state.dead.send_replace(true);
                    return;
                }
                if client.write_all(&answered[..count]).await.is_err() { return }
            }
        }
    }
}
