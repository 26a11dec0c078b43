//! The registry, asked without a network; and pushed to by the local Docker Engine, where there is one.

use super::*;

fn call(method: &str, url: &str, body: &[u8]) -> Call {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: Vec::new(),
        body: body.to_vec(),
    }
}

fn ask(registry: &mut Registry, method: &str, url: &str, body: &[u8]) -> Reply {
    registry.answer(&call(method, url, body), Moment::ZERO)
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn push(registry: &mut Registry, repository: &str, bytes: &[u8]) -> String {
    let named = digest(bytes);
    let reply = ask(registry, "POST", &format!("/v2/{repository}/blobs/uploads/?digest={named}"), bytes);
    assert_eq!((reply.status, header(&reply, "docker-content-digest")), (201, Some(named.as_str())));
    named
}

#[test]
fn blobs_are_sent_in_parts_or_at_once_or_taken_over() {
    let mut registry = Registry::new(RegistryOptions::default());
    let begun = ask(&mut registry, "POST", "/v2/shop/blobs/uploads/", b"");
    assert_eq!(begun.status, 202);
    let at = header(&begun, "location").unwrap().to_owned();
    let part = ask(&mut registry, "PATCH", &at, b"hello ");
    assert_eq!((part.status, header(&part, "range")), (202, Some("0-5")));
    let mut wrong = call("PATCH", &at, b"world");
    wrong.headers.push(("content-range".to_owned(), "3-7".to_owned()));
    assert_eq!(registry.answer(&wrong, Moment::ZERO).status, 416);
    let named = digest(b"hello world");
    assert_eq!(ask(&mut registry, "PUT", &format!("{at}?digest={named}"), b"world").status, 201);
    let url = format!("/v2/shop/blobs/{named}");
    let head = ask(&mut registry, "HEAD", &url, b"");
    assert_eq!((head.status, header(&head, "content-length")), (200, Some("11")));
    assert_eq!(ask(&mut registry, "GET", &url, b"").body, b"hello world");
    let mount = format!("/v2/other/blobs/uploads/?mount={named}&from=shop");
    assert_eq!(ask(&mut registry, "POST", &mount, b"").status, 201);
    assert_eq!(
        ask(&mut registry, "POST", &format!("/v2/shop/blobs/uploads/?digest={named}"), b"x").status,
        400
    );
    assert_eq!(ask(&mut registry, "GET", "/v2/none/blobs/sha256:0", b"").status, 404);
}

#[test]
fn a_manifest_needs_its_blobs_and_keeps_its_bytes() {
    let mut registry = Registry::new(RegistryOptions::default());
    let config = push(&mut registry, "shop", br#"{"config": {"Labels": {"fake.script": "{}"}}}"#);
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let body = |layer: &str| {
        format!(
            r#"{{"schemaVersion": 2, "config": {{"digest": "{config}"}}, "layers": [{{"digest": "{layer}"}}]}}"#
        )
    };
    let put = |registry: &mut Registry, reference: &str, body: &str| {
        let mut put = call("PUT", &format!("/v2/shop/manifests/{reference}"), body.as_bytes());
        put.headers.push(("content-type".to_owned(), kind.to_owned()));
        registry.answer(&put, Moment::ZERO)
    };
    let layer = digest(b"layer");
    assert_eq!(put(&mut registry, "v1", &body(&layer)).status, 400, "its layer is not there");
    push(&mut registry, "shop", b"layer");
    let pushed = put(&mut registry, "v1", &body(&layer));
    let named = digest(body(&layer).as_bytes());
    assert_eq!((pushed.status, header(&pushed, "docker-content-digest")), (201, Some(named.as_str())));
    let got = ask(&mut registry, "GET", &format!("/v2/shop/manifests/{named}"), b"");
    assert_eq!(header(&got, "content-type"), Some(kind));
    assert_eq!(got.body, body(&layer).into_bytes());
    assert_eq!(put(&mut registry, &digest(b"other"), &body(&layer)).status, 400);
    let found = registry.options.store.image("shop", "v1").unwrap();
    assert_eq!((found.digest.as_str(), found.labels["fake.script"].as_str()), (named.as_str(), "{}"));
    assert_eq!(ask(&mut registry, "DELETE", "/v2/shop/manifests/v1", b"").status, 202);
    assert_eq!(ask(&mut registry, "GET", "/v2/shop/manifests/v1", b"").status, 404);
}

/// The local engine speaks to the registry over a port; `/usr/bin/docker` is its own client.
#[test]
#[cfg_attr(test, allow(clippy::disallowed_methods))]
fn docker_engine_pushes_and_pulls() {
    let docker = |arguments: &[&str], input: &[u8]| {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let pipes = || Stdio::piped();
        let started =
            Command::new("docker").args(arguments).stdin(pipes()).stdout(pipes()).stderr(pipes()).spawn();
        let mut child = started.map_err(|error| error.to_string())?;
        child.stdin.take().unwrap().write_all(input).map_err(|error| error.to_string())?;
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    };
    if let Err(why) = docker(&["info"], b"") {
        eprintln!("SKIPPED docker_engine_pushes_and_pulls: no Docker Engine: {why}");
        return;
    }
    let options = RegistryOptions { store: Arc::new(Store::by_permit()), ..RegistryOptions::default() };
    let store = Arc::clone(&options.store);
    let lab = crate::Lab::start(vec![Box::new(Registry::new(options))], crate::Options::default()).unwrap();
    let host = lab.variables()[0].1.clone();
    let image = format!("{host}/shop:v1");
    // An image with no files: an archive of two empty blocks.
    docker(&["import", "--change", "LABEL fake=yes", "-", &image], &[0; 1024]).unwrap();
    let refused = docker(&["push", &image], b"").unwrap_err();
    assert!(refused.contains("app repository not found"), "{refused}");
    store.permit("shop");
    let pushed = docker(&["push", &image], b"");
    let again = docker(&["push", &image], b"");
    let untagged = docker(&["rmi", &image], b"");
    let pulled = docker(&["pull", &image], b"");
    let removed = docker(&["rmi", &image], b"");
    let (pushed, again) = (pushed.unwrap(), again.unwrap());
    let found = store.image("shop", "v1").unwrap();
    assert!(pushed.contains(&found.digest) && again.contains(&found.digest), "{pushed}\n{again}");
    assert_eq!(found.labels["fake"], "yes");
    assert!(untagged.is_ok() && removed.is_ok() && pulled.unwrap().contains(&found.digest));
}

#[test]
fn who_has_no_password_or_no_app_is_refused() {
    let options = RegistryOptions {
        store: Arc::new(Store::by_permit()),
        passwords: vec!["s3cret".to_owned()],
        room: 10,
        ..RegistryOptions::default()
    };
    let store = Arc::clone(&options.store);
    let mut registry = Registry::new(options);
    let refused = ask(&mut registry, "GET", "/v2/", b"");
    assert_eq!((refused.status, header(&refused, "www-authenticate").is_some()), (401, true));
    let mut with = |password: &str, method: &str, url: &str, body: &[u8]| {
        let mut call = call(method, url, body);
        let basic = STANDARD.encode(format!("x:{password}"));
        call.headers.push(("authorization".to_owned(), format!("Basic {basic}")));
        registry.answer(&call, Moment::ZERO)
    };
    assert_eq!(with("wrong", "GET", "/v2/", b"").status, 401);
    assert_eq!(with("s3cret", "GET", "/v2/", b"").status, 200);
    assert_eq!(with("s3cret", "POST", "/v2/shop/blobs/uploads/", b"").status, 404);
    store.permit("shop");
    let begun = with("s3cret", "POST", "/v2/shop/blobs/uploads/", b"");
    assert_eq!(begun.status, 202);
    let at = header(&begun, "location").unwrap();
    assert_eq!(with("s3cret", "PATCH", at, b"more than ten bytes").status, 413);
    let at_once = format!("/v2/shop/blobs/uploads/?digest={}", digest(b"more than ten bytes"));
    assert_eq!(with("s3cret", "POST", &at_once, b"more than ten bytes").status, 413);
    assert_eq!(with("s3cret", "POST", "/v2/SHOP/blobs/uploads/", b"").status, 400);
}
