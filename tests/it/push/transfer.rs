//! What the engine and the registry may do to a transfer, played by servers: broken, refused, denied, other digests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy::io::docker::{Engine, EngineSettings, connect};
use dashdeploy::io::registry::sha256;
use dashdeploy::push::{ImageGuard, PushFailureKind, PushImage, PushOptions, Refusal, push_all};
use dashdeploy_contract::{Event, EventSink, ImageId, LayerState, Name, NoEvents};

use super::fake::{Asked, Fake, Reply};
use super::{Fixed, PASSWORD, http, me};
use crate::support::eventually;

fn id() -> String {
    sha256(b"the image")
}

fn manifest(configuration: &str) -> String {
    format!(r#"{{"schemaVersion":2,"config":{{"digest":"{configuration}"}}}}"#)
}

/// An engine that has the one image and answers a push as told.
async fn engine(mut push: impl FnMut(&Asked) -> Reply + Send + 'static) -> (Fake, Engine) {
    let fake = Fake::start(move |asked| {
        if asked.target.contains("/push?") {
            push(asked)
        } else if asked.target.ends_with("/version") {
            Reply::json(200, r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Version":"20.10.24"}"#)
        } else if asked.target.ends_with("/info") {
            Reply::json(200, "{}")
        } else if asked.target.ends_with("/json") {
            Reply::json(200, &format!(r#"{{"Id":"{}","RepoDigests":[]}}"#, id()))
        } else {
            Reply::status(201)
        }
    });
    let host = Some(format!("tcp://{}", fake.host()));
    let settings = EngineSettings { host, ..EngineSettings::default() };
    let engine = connect(&settings).await.unwrap();
    (fake, engine)
}

/// A registry that has nothing until the engine pushed, then this manifest.
fn registry(pushed: &Arc<AtomicUsize>, text: String) -> Fake {
    let pushed = Arc::clone(pushed);
    Fake::start(move |_| match pushed.load(Ordering::SeqCst) {
        0 => Reply::status(404),
        _ => Reply::json(200, &text).with("Docker-Content-Digest", &sha256(text.as_bytes())),
    })
}

fn done(digest: &str) -> String {
    format!(
        "{}\n{}\n{}\n",
        r#"{"status":"Pushing","progressDetail":{"current":300,"total":200},"id":"aa"}"#,
        r#"{"status":"Pushed","progressDetail":{},"id":"aa"}"#,
        format_args!(r#"{{"progressDetail":{{}},"aux":{{"Tag":"x","Digest":"{digest}","Size":5}}}}"#),
    )
}

fn image() -> PushImage {
    PushImage { service: Name::parse("api").unwrap(), name: "shop-api".into(), id: ImageId(id()) }
}

fn options(registry: &Fake) -> PushOptions {
    PushOptions {
        registry: format!("{}/acme", registry.host()),
        tags: Vec::new(),
        logins: Arc::new(Fixed(Some(me()))),
        guard: None,
        http: http(),
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<Event>>);

impl EventSink for Kept {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[tokio::test]
async fn a_broken_transfer_is_begun_again_and_every_layer_is_told() {
    let pushed = Arc::new(AtomicUsize::new(0));
    let text = manifest(&id());
    let registry = registry(&pushed, text.clone());
    let (flag, mut attempt) = (Arc::clone(&pushed), 0);
    let (fake, engine) = engine(move |_| {
        attempt += 1;
        match attempt {
            1 => Reply::Torn("{\"status\":\"Preparing\",\"id\":\"aa\"}\n".into()),
            2 => Reply::json(200, r#"{"errorDetail":{"message":"connection reset by peer"},"error":"x"}"#),
            _ => {
                flag.store(1, Ordering::SeqCst);
                Reply::json(200, &done(&sha256(text.as_bytes())))
            }
        }
    })
    .await;
    let events = Arc::new(Kept::default());
    let sink: Arc<dyn EventSink> = events.clone();
    let done = push_all(&engine, vec![image()], &options(&registry), sink).await.unwrap().remove(0);
    assert_eq!(done.digest, sha256(manifest(&id()).as_bytes()));
    assert_eq!(done.repo_digest, format!("{}/acme/shop-api@{}", registry.host(), done.digest));
    assert_eq!((done.existed, done.bytes, done.layers), (false, 200, 1), "never more than there is");
    let events = events.0.lock().unwrap();
    let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert_eq!(count(|event| matches!(event, Event::PushRetried { .. })), 2);
    assert!(events.iter().any(|event| matches!(
        event,
        Event::PushLayer { state: LayerState::Sent, bytes: 200, total: 200, .. }
    )));
    assert!(!format!("{events:?}").contains(PASSWORD));
    assert_eq!(fake.count("POST", "/push?"), 3);
    assert_eq!(fake.count("POST", "/tag?"), 1);
    let push = fake.asked().into_iter().find(|asked| asked.is("POST", "/push?")).unwrap();
    let tag = ImageId(id()).content_tag();
    assert_eq!(push.target, format!("/v1.41/images/{}/acme/shop-api/push?tag={tag}", registry.host()));
    assert!(push.header("x-registry-auth").is_some_and(|value| value.len() > 40));
}

#[tokio::test]
async fn what_the_engine_says_stays_is_not_tried_again() {
    for (said, kind, word) in [
        (
            "denied: requested access to the resource is denied",
            PushFailureKind::Denied,
            "DASHDEPLOY_REGISTRY_PASSWORD",
        ),
        ("name unknown: no such repository", PushFailureKind::Failed, "create the repository"),
        ("something new", PushFailureKind::Failed, "run this again"),
    ] {
        let registry = registry(&Arc::default(), manifest(&id()));
        let body = format!(r#"{{"errorDetail":{{"message":"{said} for {PASSWORD}"}},"error":"x"}}"#);
        let (fake, engine) = engine(move |_| Reply::json(200, &body)).await;
        let failure =
            push_all(&engine, vec![image()], &options(&registry), Arc::new(NoEvents)).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.message.contains(said) && failure.message.contains(&registry.host()), "{failure:?}");
        assert!(failure.hint.as_ref().unwrap().contains(word), "{failure:?}");
        assert!(!format!("{failure:?}").contains(PASSWORD), "{failure:?}");
        assert_eq!(fake.count("POST", "/push?"), 1);
    }
    let registry = registry(&Arc::default(), String::new());
    let (fake, engine) =
        engine(|_| Reply::json(404, r#"{"message":"An image does not exist locally with the tag"}"#)).await;
    let failure =
        push_all(&engine, vec![image()], &options(&registry), Arc::new(NoEvents)).await.unwrap_err();
    assert!(
        failure.message.contains("does not exist locally") && fake.count("POST", "/push?") == 1,
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_digest_that_is_not_the_engine_s_and_an_image_that_is_not_ours_are_errors() {
    let pushed = Arc::new(AtomicUsize::new(0));
    let registry_ = registry(&pushed, manifest(&id()));
    let flag = Arc::clone(&pushed);
    let told = sha256(b"told");
    let body = done(&told);
    let (_fake, engine_) = engine(move |_| {
        flag.store(1, Ordering::SeqCst);
        Reply::json(200, &body)
    })
    .await;
    let failure =
        push_all(&engine_, vec![image()], &options(&registry_), Arc::new(NoEvents)).await.unwrap_err();
    let real = sha256(manifest(&id()).as_bytes());
    assert!(failure.message.contains(&told) && failure.message.contains(&real), "{failure:?}");

    // The tag is there before, and stands for another image.
    let other = sha256(b"another image");
    let registry_ = registry(&Arc::new(AtomicUsize::new(1)), manifest(&other));
    let (fake, engine_) = engine(|_| Reply::status(500)).await;
    let failure =
        push_all(&engine_, vec![image()], &options(&registry_), Arc::new(NoEvents)).await.unwrap_err();
    assert!(failure.message.contains(&other) && failure.message.contains(&id()), "{failure:?}");
    assert_eq!(fake.count("POST", "/"), 0, "nothing is tagged, nothing is sent");
    assert!(registry_.asked().iter().all(|asked| asked.method != "PUT"));

    // The same image under the tag: one look, one proof, nothing sent.
    let registry_ = registry(&Arc::new(AtomicUsize::new(1)), manifest(&id()));
    let done = push_all(&engine_, vec![image()], &options(&registry_), Arc::new(NoEvents)).await.unwrap();
    assert!(done[0].existed && fake.count("POST", "/") == 0);
    assert_eq!(registry_.asked().len(), 2);
}

#[derive(Debug)]
struct Strict;

#[async_trait]
impl ImageGuard for Strict {
    async fn inspect(&self, image: &PushImage) -> Result<(), Refusal> {
        let message = format!("{} holds a key", image.name);
        Err(Refusal {
            message,
            evidence: vec!["layer 2: app/id_rsa".into()],
            hint: Some("remove it".into()),
            findings: Vec::new(),
        })
    }
}

#[tokio::test]
async fn a_guard_is_asked_before_anything_is_sent() {
    let registry = registry(&Arc::default(), String::new());
    let (fake, engine) = engine(|_| Reply::status(500)).await;
    let options = PushOptions { guard: Some(Arc::new(Strict)), ..options(&registry) };
    let failure = push_all(&engine, vec![image()], &options, Arc::new(NoEvents)).await.unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (PushFailureKind::Refused, "shop-api holds a key"));
    assert_eq!(failure.evidence, ["layer 2: app/id_rsa"]);
    assert_eq!(fake.count("POST", "/"), 0);
}

#[tokio::test]
async fn dropping_the_push_ends_the_transfer() {
    let registry = registry(&Arc::default(), String::new());
    let (fake, engine) = engine(|_| Reply::Held("{\"status\":\"Preparing\",\"id\":\"aa\"}\n".into())).await;
    let options = options(&registry);
    let push = push_all(&engine, vec![image()], &options, Arc::new(NoEvents));
    let begun = async {
        while fake.count("POST", "/push?") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tokio::select! {
        result = push => panic!("it ended by itself: {result:?}"),
        () = begun => {}
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    eventually("the connection is closed", 3, || fake.gone() == 1);
}

#[tokio::test]
async fn a_registry_of_this_machine_and_an_engine_elsewhere_do_not_meet() {
    let (_fake, mut engine) = engine(|_| Reply::status(500)).await;
    engine.address = "tcp://10.0.0.9:2375".to_owned();
    let registry = registry(&Arc::default(), String::new());
    let failure =
        push_all(&engine, vec![image()], &options(&registry), Arc::new(NoEvents)).await.unwrap_err();
    assert!(failure.message.contains("10.0.0.9") && failure.hint.is_some(), "{failure:?}");
    assert!(registry.asked().is_empty());
}
