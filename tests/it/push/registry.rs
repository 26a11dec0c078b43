//! The registry's protocol against a server that plays one: logins, tokens, redirects, failures, digests.

use std::time::{Duration, Instant};

use dashdeploy::io::logins::Login;
use dashdeploy::io::registry::{Registry, RegistryErrorKind, sha256};

use super::fake::{Fake, Reply};
use super::{PASSWORD, http, me};

const MANIFEST: &str = r#"{"schemaVersion":2,"config":{"digest":"sha256:aa"}}"#;
const BASIC: &str = "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";

fn manifest() -> Reply {
    Reply::json(200, MANIFEST).with("Docker-Content-Digest", &sha256(MANIFEST.as_bytes()))
}

fn registry(fake: &Fake, login: Option<Login>) -> Registry {
    Registry::new(http(), &fake.host(), login).unwrap()
}

#[tokio::test]
async fn digests_and_manifests_are_found_proven_and_copied() {
    let fake = Fake::start(|asked| match (asked.method.as_str(), asked.target.as_str()) {
        ("GET", "/v2/") => Reply::status(200),
        (_, "/v2/acme/x/manifests/none") => Reply::status(404),
        ("PUT", _) => Reply::status(201).with("Docker-Content-Digest", &sha256(&asked.body)),
        ("HEAD", "/v2/acme/x/manifests/silent") => Reply::status(200),
        _ => manifest(),
    });
    let registry = registry(&fake, None);
    registry.ping().await.unwrap();
    let digest = sha256(MANIFEST.as_bytes());
    assert_eq!(registry.digest("acme/x", "v1").await.unwrap().as_deref(), Some(digest.as_str()));
    assert_eq!(
        registry.digest("acme/x", "silent").await.unwrap(),
        Some(digest.clone()),
        "read from the bytes"
    );
    assert_eq!(registry.digest("acme/x", "none").await.unwrap(), None);
    assert_eq!(registry.manifest("acme/x", "none").await.unwrap(), None);
    let found = registry.manifest("acme/x", "v1").await.unwrap().unwrap();
    assert_eq!((found.digest.as_str(), &found.bytes[..]), (digest.as_str(), MANIFEST.as_bytes()));
    registry.tag("acme/x", "v2", &found).await.unwrap();
    let put = fake.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
    assert_eq!((put.target.as_str(), &put.body[..]), ("/v2/acme/x/manifests/v2", MANIFEST.as_bytes()));
    assert_eq!(put.header("content-type"), Some("application/json"));
    assert_eq!(put.header("user-agent"), Some(concat!("dashdeploy/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn a_manifest_that_is_not_its_digest_is_refused() {
    let other = sha256(b"other");
    let told = other.clone();
    let fake = Fake::start(move |_| Reply::json(200, MANIFEST).with("Docker-Content-Digest", &told));
    let error = registry(&fake, None).manifest("x", "v1").await.unwrap_err();
    assert_eq!(error.kind, RegistryErrorKind::Unexpected);
    let real = sha256(MANIFEST.as_bytes());
    assert!(error.message.contains(&other) && error.message.contains(&real), "{error}");
    let fake = Fake::start(|_| Reply::json(200, MANIFEST));
    assert!(registry(&fake, None).manifest("x", &other).await.is_err(), "asked for by digest");
}

#[tokio::test]
async fn a_token_is_fetched_once_with_the_login_and_anew_when_it_ran_out() {
    let mut good = "one";
    let mut uses = 0;
    let fake = Fake::start(move |asked| {
        if asked.target.starts_with("/token") {
            return Reply::json(200, &format!(r#"{{"token":"{good}","expires_in":60}}"#));
        }
        if asked.header("authorization") != Some(&format!("Bearer {good}")) {
            let host = asked.header("host").unwrap();
            let realm = format!(
                "Bearer realm=\"http://{host}/token\",service=\"fake\",scope=\"repository:acme/x:pull\""
            );
            return Reply::status(401).with("WWW-Authenticate", &realm);
        }
        uses += 1;
        if uses == 2 {
            good = "two";
        }
        manifest()
    });
    let registry = registry(&fake, Some(me()));
    for _ in 0..3 {
        registry.digest("acme/x", "v1").await.unwrap().unwrap();
    }
    let tokens: Vec<_> =
        fake.asked().into_iter().filter(|asked| asked.target.starts_with("/token")).collect();
    assert_eq!(tokens.len(), 2, "one for each token");
    assert_eq!(tokens[0].target, "/token?service=fake&scope=repository%3Aacme%2Fx%3Apull");
    assert_eq!(tokens[0].header("authorization"), Some(BASIC));
    assert_eq!(
        fake.count("HEAD", "/v2/"),
        5,
        "the login goes to the token server, the token to the registry"
    );
    assert!(
        fake.asked()
            .iter()
            .all(|asked| asked.target.starts_with("/token") || asked.header("authorization") != Some(BASIC))
    );
    let pushing = self::registry(&fake, Some(me())).for_pushing();
    pushing.digest("acme/x", "v1").await.unwrap().unwrap();
    let last = fake.asked().into_iter().rfind(|asked| asked.target.starts_with("/token")).unwrap();
    assert!(last.target.ends_with("scope=repository%3Aacme%2Fx%3Apull%2Cpush"), "{}", last.target);
    let shown = format!("{registry:?}");
    assert!(!shown.contains(PASSWORD) && !shown.contains("Bearer") && !shown.contains("two"), "{shown}");
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let fake = Fake::start(|asked| {
        if asked.is("POST", "/token") {
            let body = String::from_utf8_lossy(&asked.body).into_owned();
            let good = body.contains("grant_type=refresh_token") && body.contains("refresh_token=idt%26x");
            return if good { Reply::json(200, r#"{"access_token":"t"}"#) } else { Reply::status(400) };
        }
        match asked.header("authorization") {
            Some("Bearer t") => manifest(),
            _ => {
                let realm = format!("Bearer realm=\"http://{}/token\"", asked.header("host").unwrap());
                Reply::status(401).with("WWW-Authenticate", &realm)
            }
        }
    });
    registry(&fake, Some(Login::identity("idt&x"))).digest("x", "v1").await.unwrap().unwrap();
    let error = registry(&fake, Some(Login::identity("wrong"))).digest("x", "v1").await.unwrap_err();
    assert_eq!(error.kind, RegistryErrorKind::Denied, "{error}");
}

#[tokio::test]
async fn a_login_goes_to_no_other_owner_and_over_no_redirect() {
    let fake = Fake::start(|_| {
        Reply::status(401).with("WWW-Authenticate", "Bearer realm=\"https://tokens.invalid/token\"")
    });
    let error = registry(&fake, Some(me())).digest("x", "v1").await.unwrap_err();
    assert!(error.message.contains("tokens.invalid") && error.message.contains("another owner"), "{error}");
    let plain = Fake::start(|_| {
        Reply::status(401).with("WWW-Authenticate", "Bearer realm=\"http://tokens.invalid/token\"")
    });
    let error = registry(&plain, None).digest("x", "v1").await.unwrap_err();
    assert!(error.message.contains("without TLS"), "{error}");

    let elsewhere = Fake::start(|_| manifest());
    let target = format!("http://{}/elsewhere", elsewhere.host());
    let fake = Fake::start(move |asked| match asked.header("authorization") {
        Some(BASIC) => Reply::status(307).with("Location", &target),
        _ => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"x\""),
    });
    registry(&fake, Some(me())).manifest("x", "v1").await.unwrap().unwrap();
    assert_eq!(elsewhere.count("GET", "/elsewhere"), 1);
    assert!(elsewhere.asked().iter().all(|asked| asked.header("authorization").is_none()));
    let round = Fake::start(|_| Reply::status(302).with("Location", "/again"));
    assert!(registry(&round, None).digest("x", "v1").await.unwrap_err().message.contains("without end"));
}

#[tokio::test]
async fn a_refused_login_names_the_registry_and_the_mend_and_not_itself() {
    let fake = Fake::start(|_| {
        let body =
            format!(r#"{{"errors":[{{"code":"UNAUTHORIZED","message":"no entry with {PASSWORD}"}}]}}"#);
        Reply::json(401, &body).with("WWW-Authenticate", "Basic realm=\"x\"")
    });
    let error = registry(&fake, Some(me())).digest("x", "v1").await.unwrap_err();
    assert_eq!(error.kind, RegistryErrorKind::Denied);
    let error = registry(&fake, Some(me())).manifest("x", "v1").await.unwrap_err();
    assert!(error.message.contains(&fake.host()) && error.message.contains("refuses the login"), "{error}");
    assert!(error.message.contains("no entry") && !format!("{error:?}").contains(PASSWORD), "{error:?}");
    assert!(error.hint.unwrap().contains("DASHDEPLOY_REGISTRY_PASSWORD"));
    let error = registry(&fake, None).digest("x", "v1").await.unwrap_err();
    assert!(error.message.contains("none is known"), "{error}");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_is_told() {
    let mut count = 0;
    let fake = Fake::start(move |_| {
        count += 1;
        match count {
            1 => Reply::status(500),
            2 => Reply::status(429).with("Retry-After", "1"),
            3 => Reply::Torn(String::new()),
            _ => manifest(),
        }
    });
    let begun = Instant::now();
    registry(&fake, None).digest("x", "v1").await.unwrap().unwrap();
    assert_eq!(fake.count("HEAD", "/v2/x"), 4);
    assert!(begun.elapsed() >= Duration::from_secs(1), "Retry-After is obeyed");
    let fake = Fake::start(|_| {
        let body = r#"{"errors":[{"code":"DOWN","message":"the disk is gone"}]}"#;
        Reply::json(500, body).with("X-Request-Id", "req-7")
    });
    let error = registry(&fake, None).manifest("x", "v1").await.unwrap_err();
    assert_eq!((fake.count("GET", "/v2/x"), error.kind), (4, RegistryErrorKind::Unavailable));
    for word in ["500", "the disk is gone", "req-7", &fake.host()] {
        assert!(error.message.contains(word), "{word}: {error}");
    }
    let fake = Fake::start(|_| Reply::status(400));
    assert!(registry(&fake, None).digest("x", "v1").await.is_err());
    assert_eq!(fake.asked().len(), 1, "a wrong request is not repeated");
}

#[tokio::test]
async fn an_answer_without_end_and_a_registry_that_is_not_there_are_errors() {
    let fake = Fake::start(|_| Reply::Now(200, Vec::new(), vec![b' '; 9 << 20]));
    let error = registry(&fake, None).manifest("x", "v1").await.unwrap_err();
    assert!(error.message.contains("8 MiB"), "{error}");
    let port = crate::support::free_port();
    let registry = Registry::new(http(), &format!("localhost:{port}"), None).unwrap();
    let error = registry.digest("x", "v1").await.unwrap_err();
    assert_eq!(error.kind, RegistryErrorKind::Unavailable);
    assert!(error.message.contains(&format!("localhost:{port}")) && error.hint.is_some(), "{error:?}");
}
