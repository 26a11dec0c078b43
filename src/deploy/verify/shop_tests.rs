//! A shop of one API and one page, served on loopback by a server whose answers are a table that may change by the time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dashdeploy_contract::conformance::sample;
use dashdeploy_contract::{
    Bound, Health, LogFeed, LogQuery, Observed, ServiceAddress, Smoke, TargetError, Text,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const BUILD: &str = r#"<head><meta name="dashdeploy-build" content="b7"></head><div id="root">"#;

/// What a method and a path are answered with, one after the other, the last for ever.
type Table = BTreeMap<&'static str, Vec<String>>;

#[derive(Default)]
struct Seen(Mutex<Vec<Event>>);

impl EventSink for Seen {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// What the platform tells, one after the other, the last for ever.
struct Platform(Mutex<BTreeMap<Name, Vec<Served>>>);

#[async_trait]
impl Reader for Platform {
    async fn observe(&self, _: &Bound) -> Result<Observed, TargetError> {
        Ok(Observed::default())
    }

    async fn health(&self, _: &Bound, _: &Name) -> Result<Health, TargetError> {
        Ok(Health::Healthy)
    }

    async fn served(&self, _: &Bound, service: &Name) -> Result<Served, TargetError> {
        let mut told = self.0.lock().unwrap();
        let told = told.get_mut(service).ok_or_else(|| TargetError::unsupported("fake", "tell"))?;
        Ok(if told.len() > 1 { told.remove(0) } else { told[0].clone() })
    }

    async fn logs(&self, _: &Bound, _: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        Err(TargetError::unsupported("fake", "logs"))
    }
}

fn reply(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// Serves the table; what is not in it is 404.
async fn serve(mut table: Table) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut seen = vec![0; 4096];
            let read = stream.read(&mut seen).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&seen[..read]).into_owned();
            let asked: Vec<&str> = head.split_whitespace().take(2).collect();
            let answer = match table.get_mut(asked.join(" ").as_str()) {
                Some(answers) if answers.len() > 1 => answers.remove(0),
                Some(answers) => answers[0].clone(),
                None => reply(404, "Content-Type: text/plain\r\n", "no such\u{1b}[2J path"),
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn good() -> Table {
    BTreeMap::from([
        ("GET /api/health", vec![reply(200, "", "ok")]),
        ("OPTIONS /api/health", vec![reply(204, "Access-Control-Allow-Origin: http://web.example\r\n", "")]),
        ("GET /", vec![reply(200, "Content-Type: text/html\r\n", BUILD)]),
    ])
}

struct Shop {
    release: Release,
    platform: Platform,
    pages: BTreeMap<Name, PageMark>,
    outside: Outside,
    events: Arc<Seen>,
    patience: Duration,
    secrets: SecretStore,
}

/// A shop whose page calls the API at another origin, and that is served well but for what differs.
async fn shop(differs: &[(&'static str, Vec<String>)]) -> Shop {
    let mut table = good();
    table.extend(differs.iter().cloned());
    let port = serve(table).await;
    let mut release = sample("docker");
    release.wiring.same_origin.clear();
    for service in ["api", "web"] {
        let url = Some(format!("http://{service}.example"));
        release.wiring.services.insert(name(service), ServiceAddress { url, ..ServiceAddress::default() });
    }
    let page = release.bound.services.get_mut(&name("web")).unwrap();
    page.env.insert("VITE_API_BASE_URL".to_owned(), Text::parse("${services.api.url}").unwrap());
    let told = release.images.iter().map(|(service, image)| {
        (service.clone(), vec![Served { images: vec![image.id.0.clone()], ..Served::default() }])
    });
    let platform = Platform(Mutex::new(told.collect()));
    let pages = BTreeMap::from([(name("web"), PageMark::of(BUILD.as_bytes()))]);
    let outside = Outside::new(vec![format!("*.example=http://127.0.0.1:{port}").parse().unwrap()]);
    Shop {
        release,
        platform,
        pages,
        outside,
        events: Arc::default(),
        patience: Duration::ZERO,
        secrets: SecretStore::default(),
    }
}

impl Shop {
    async fn verify(&self) -> Result<(), Box<Evidence>> {
        let events: Arc<dyn EventSink> = Arc::clone(&self.events) as Arc<dyn EventSink>;
        let (release, reader, outside, pages) = (&self.release, &self.platform, &self.outside, &self.pages);
        Verification {
            release,
            reader,
            outside,
            pages,
            events,
            patience: self.patience,
            secrets: &self.secrets,
        }
        .run()
        .await
    }

    fn smokes(mut self, path: &str, status: u16, contains: Option<&str>) -> Self {
        let smoke = Smoke {
            service: name("api"),
            path: path.to_owned(),
            status,
            contains: contains.map(str::to_owned),
        };
        self.release.bound.smoke.push(smoke);
        self
    }

    fn tells(self, service: &str, served: Vec<Served>) -> Self {
        self.platform.0.lock().unwrap().insert(name(service), served);
        self
    }

    fn told(&self) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::CheckPassed { service, check, .. } => Some(format!("{service}: {check}")),
            Event::Warning { message } => Some(format!("warning: {message}")),
            Event::Notice { message } => Some(format!("notice: {message}")),
            _ => None,
        };
        let mut told: Vec<String> = self.events.0.lock().unwrap().iter().filter_map(line).collect();
        told.sort();
        told
    }
}

async fn fails(shop: Shop, service: &str, check: &str, reason: &str) -> Box<Evidence> {
    let evidence = shop.verify().await.unwrap_err();
    assert_eq!(
        (evidence.service.as_str(), evidence.check.as_deref()),
        (service, Some(check)),
        "{evidence:?}"
    );
    assert!(evidence.reason.contains(reason), "{}", evidence.reason);
    let failed = |event: &Event| matches!(event, Event::CheckFailed { check: name, .. } if name == check);
    assert!(shop.events.0.lock().unwrap().iter().any(failed));
    evidence
}

#[tokio::test]
async fn everything_is_looked_at_and_passes() {
    let shop = shop(&[]).await.smokes("/api/health", 200, Some("ok")).smokes("/none", 404, None);
    shop.verify().await.unwrap();
    let expected = [
        "api: digest",
        "api: preflight OPTIONS http://api.example/api/health from http://web.example",
        "api: smoke test GET http://api.example/api/health",
        "api: smoke test GET http://api.example/none",
        "web: build id b7",
        "web: digest",
        "web: health GET http://web.example/",
    ];
    assert_eq!(shop.told(), expected);
}

#[tokio::test]
async fn a_smoke_test_says_what_was_expected_and_what_was_found() {
    let evidence = fails(
        shop(&[]).await.smokes("/x", 200, None),
        "api",
        "smoke test GET http://api.example/x",
        "it answered 404 instead of 200: no such [2J path",
    )
    .await;
    assert_eq!(
        evidence.answer.as_deref(),
        Some("status 404, content-type: text/plain"),
        "nothing that a terminal obeys"
    );
    let there = reply(301, "Location: https://other.example/y\r\n", "");
    let moved = shop(&[("GET /m", vec![there])]).await.smokes("/m", 200, None);
    fails(
        moved,
        "api",
        "smoke test GET http://api.example/m",
        "leads to https://other.example/y, instead of 200",
    )
    .await;
    let other = shop(&[]).await.smokes("/api/health", 200, Some("fine"));
    fails(other, "api", "smoke test GET http://api.example/api/health", "does not contain `fine`: ok").await;
}

#[tokio::test]
async fn the_digest_is_that_of_every_copy_by_either_name() {
    let image = |digest: String| Served { images: vec![digest], ..Served::default() };
    let mut pushed = shop(&[]).await;
    let digest = format!("sha256:{}", "ab".repeat(32));
    pushed.release.images.get_mut(&name("api")).unwrap().digest = Some(format!("r.example/api@{digest}"));
    for told in [digest.clone(), format!("r.example/api@{digest}")] {
        pushed = pushed.tells("api", vec![image(told)]);
        pushed.verify().await.unwrap();
    }
    let id = pushed.release.images[&name("api")].id.0.clone();
    let two = Served { images: vec![id, format!("sha256:{}", "cd".repeat(32))], ..Served::default() };
    let evidence = fails(pushed.tells("api", vec![two]), "api", "digest", "a copy runs sha256:cdcdcd").await;
    assert!(evidence.reason.ends_with(&format!("and {digest} was deployed")), "{}", evidence.reason);
    let stopped = shop(&[]).await.tells("api", vec![Served::default()]);
    fails(stopped, "api", "digest", "nothing runs").await;
}

#[tokio::test]
async fn a_page_is_the_build_that_was_made() {
    let old = reply(200, "", &BUILD.replace("b7", "b6"));
    fails(shop(&[("GET /", vec![old])]).await, "web", "build id b7", "is build b6, and b7 was deployed")
        .await;
    let other = reply(200, "Age: 7\r\n", "<html>");
    fails(shop(&[("GET /", vec![other])]).await, "web", "build id b7", "; a cache answered (age: 7)").await;
    let text = reply(200, "Content-Type: text/plain\r\n", BUILD);
    fails(shop(&[("GET /", vec![text])]).await, "web", "build id b7", "is served as `text/plain`").await;
    let moved = reply(302, "Location: /login\r\n", "");
    fails(
        shop(&[("GET /", vec![moved])]).await,
        "web",
        "build id b7",
        "it answered 302, which leads to /login,",
    )
    .await;
}

#[tokio::test]
async fn a_page_of_another_origin_must_be_let_in() {
    let preflight = "preflight OPTIONS http://api.example/api/health from http://web.example";
    let cases = [
        (reply(200, "", ""), "it allows no other origin"),
        (
            reply(200, "Access-Control-Allow-Origin: http://localhost:5173\r\n", ""),
            "it allows the origin http://localhost:5173, and the page's is http://web.example",
        ),
        (reply(405, "Access-Control-Allow-Origin: *\r\n", ""), "the preflight was answered 405"),
    ];
    for (answer, reason) in cases {
        fails(shop(&[("OPTIONS /api/health", vec![answer])]).await, "api", preflight, reason).await;
    }
    let any = reply(200, "Access-Control-Allow-Origin: *\r\n", "");
    shop(&[("OPTIONS /api/health", vec![any])]).await.verify().await.unwrap();
    let mut routed = shop(&[("OPTIONS /api/health", vec![reply(405, "", "")])]).await;
    routed.release.wiring.same_origin.insert(name("web"));
    routed.verify().await.unwrap();
}

#[tokio::test]
async fn what_is_late_is_looked_at_again_until_patience_ends() {
    let late = [(
        "GET /api/health",
        vec![reply(503, "", "starting"), reply(503, "", "starting"), reply(200, "", "")],
    )];
    let other = Served { images: vec!["sha256:old".to_owned()], ..Served::default() };
    let mut patient = shop(&late).await;
    let now = patient.platform.0.lock().unwrap()[&name("api")][0].clone();
    patient = patient.tells("api", vec![other.clone(), now]);
    patient.patience = Duration::from_secs(5);
    let began = std::time::Instant::now();
    patient.verify().await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
    let mut never = shop(&late).await.tells("api", vec![other]);
    never.patience = Duration::from_millis(1500);
    fails(never, "api", "digest", "a copy runs sha256:old").await;
}

#[tokio::test]
async fn a_certificate_that_is_not_there_yet_is_a_warning_and_leads_round_the_domain() {
    let image = sample("docker").images[&name("api")].id.0.clone();
    let waits = |url: Option<&str>| Served {
        images: vec![image.clone()],
        url: url.map(str::to_owned),
        certificate: Some("api.shop.test needs a CNAME to x.example".to_owned()),
        ..Served::default()
    };
    let own = |mut shop: Shop| {
        shop.release.bound.domains.insert(name("api"), "api.shop.test".to_owned());
        let url = Some("https://api.shop.test".to_owned());
        shop.release.wiring.services.insert(name("api"), ServiceAddress { url, ..ServiceAddress::default() });
        shop
    };
    let round = own(shop(&[]).await).tells("api", vec![waits(Some("http://api.example"))]);
    round.verify().await.unwrap();
    let warning = "warning: the certificate of api.shop.test is not active yet: api.shop.test needs a CNAME to x.example; \
                   http://api.example is looked at instead";
    assert!(round.told().contains(&warning.to_owned()), "{:?}", round.told());
    assert!(round.told().contains(&"api: health GET http://api.example/api/health".to_owned()));
    let nowhere = own(shop(&[]).await).tells("api", vec![waits(None)]).smokes("/api/health", 200, None);
    nowhere.verify().await.unwrap();
    let told = nowhere.told();
    assert!(told.iter().any(|line| line.ends_with("it is not looked at from outside")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("the smoke test of /api/health was not made")), "{told:?}");
}

#[tokio::test]
async fn an_address_that_the_platform_gave_is_looked_at_before_one_that_was_foreseen() {
    let mut given = shop(&[]).await;
    let id = given.release.images[&name("api")].id.0.clone();
    let told =
        |url: &str| Served { images: vec![id.clone()], url: Some(url.to_owned()), ..Served::default() };
    given.release.wiring.services.shift_remove(&name("api"));
    given = given.tells("api", vec![told("http://api.example/")]);
    given.verify().await.unwrap();
    let health = |host: &str| format!("api: health GET http://{host}.example/api/health");
    assert!(given.told().contains(&health("api")), "{:?}", given.told());
    let preflight = |line: &String| line.contains("preflight");
    assert!(!given.told().iter().any(preflight), "nobody was told an address that was not known");
    let other = shop(&[("OPTIONS /api/health", vec![reply(404, "", "")])]).await;
    let other = other.tells("api", vec![told("http://api-x1y2.example")]);
    other.verify().await.unwrap();
    let told = other.told();
    assert!(told.contains(&health("api-x1y2")), "{told:?}");
    assert!(
        told.iter().any(|line| line.starts_with("notice: whether the page of `web` may ask `api`")),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_asked_fails_with_the_reason() {
    let mut gone = shop(&[]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    gone.outside = Outside::new(vec![format!("*.example=http://127.0.0.1:{closed}").parse().unwrap()]);
    let evidence =
        fails(gone, "web", "build id b7", "http://web.example/ cannot be asked: no connection").await;
    assert_eq!(evidence.answer, None);
    let silent = shop(&[]).await;
    silent.platform.0.lock().unwrap().clear();
    fails(silent, "web", "digest", "this target cannot do that").await;
}

#[tokio::test]
async fn a_secret_that_a_service_answers_with_is_not_told() {
    let mut shop =
        shop(&[("GET /api/health", vec![reply(500, "Server: canary-9\r\n", "key canary-9 is wrong")])]).await;
    shop.secrets.insert(&name("api"), "KEY", secrecy::SecretString::from("canary-9"));
    let check = "health GET http://api.example/api/health";
    let evidence = fails(shop, "api", check, "it answered 500: key ••• is wrong").await;
    assert_eq!(evidence.answer.as_deref(), Some("status 500, server: •••"));
}
