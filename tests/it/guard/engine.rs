//! With an engine: before anything is sent, pushed or written.

use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dashdeploy::build::layers::{ImageLook, look_into};
use dashdeploy::guard::{Guard, Variable};
use dashdeploy::io::docker::{EngineSettings, connect};
use secrecy::SecretString;

use super::{assert_hidden, canary, found, project};
use crate::support::{Project, docker, docker_text, engine};

#[test]
fn a_context_with_secrets_is_refused_with_all_of_them_before_anything_is_sent() {
    if !engine("a context with secrets is refused") {
        return;
    }
    let project = project("guard-context", "FROM scratch\nCOPY . /\n");
    let secret = canary();
    project.write("app/.env", &format!("LOG_LEVEL=info\nAPI_KEY='{secret}'\n"));
    project.write("app/config.json", &serde_json::json!({ "a": 1, "key": secret }).to_string());
    project.write("app/src/main.py", &format!("import x\nKEY = \"{}\"\n", STANDARD.encode(&secret)));
    project.write("app/readme.md", "nothing");
    let secrets = [("API_KEY", secret.as_str())];
    let ran = project.run_with(&["build", "--json"], &secrets).exits(8);
    assert_eq!(
        found(&ran),
        [
            ("guard-secret-file".to_owned(), "app/.env:2:1".to_owned()),
            ("guard-known-value".to_owned(), "app/config.json:1:15".to_owned()),
            ("guard-known-value".to_owned(), "app/src/main.py:2:8".to_owned()),
        ]
    );
    assert_hidden(&ran);
    let ran = project.run_with(&["build"], &secrets).exits(8);
    assert!(ran.stderr.contains("app/src/main.py:2:8") && ran.stderr.contains("/.env"), "{}", ran.stderr);
    assert_hidden(&ran);
    let images = docker_text(&["images", "-q", &format!("{}-api", project.name)]);
    assert_eq!(images, "");

    // What is left out needs no look; what is allowed passes, and says why in the file.
    project.write("app/.dockerignore", ".env\n");
    let ran = project.run_with(&["build", "--json"], &secrets).exits(8);
    let key = ran.json()["error"]["findings"][0]["key"].as_str().map(str::to_owned);
    let key = key.or_else(|| ran.json()["findings"][0]["key"].as_str().map(str::to_owned)).unwrap();
    let fingerprint = key.strip_prefix("guard.allow.").unwrap();
    let ran = project
        .run_with(&["build", "-v", "--allow", fingerprint, "--reason", "a key for the \"tests\""], &secrets)
        .exits(0);
    assert_hidden(&ran);
    assert!(
        project
            .read("dashdeploy.yaml")
            .contains(&format!("\"{fingerprint}\": \"a key for the \\\"tests\\\"\""))
    );
    project.run_with(&["build", "-q"], &secrets).exits(0);
    docker(&["rmi", "-f", &docker_text(&["images", "-q", &format!("{}-api", project.name)])]);
}

#[test]
fn a_build_argument_never_carries_a_secret() {
    if !engine("a build argument never carries a secret") {
        return;
    }
    let project = Project::empty("guard-args");
    let text = format!(
        "project: {}\nservices:\n  api:\n    image: nginx:1.27-alpine\n    secrets: {{ API_KEY: required }}\n  web:\n    build: {{ kind: vite, context: web }}\n    env: {{ VITE_KEY: \"x-${{env:OTHER}}\" }}\n",
        project.name
    );
    project.write("dashdeploy.yaml", &text);
    project.write("web/package.json", "{ \"scripts\": { \"build\": \"true\" } }");
    project.write("web/package-lock.json", "{}");
    let secret = canary();
    let ran = project.run_with(&["build", "--json"], &[("API_KEY", &secret), ("OTHER", &secret)]).exits(8);
    assert_eq!(found(&ran), [("guard-build-argument".to_owned(), "dashdeploy.yaml:8:22".to_owned())]);
    assert_hidden(&ran);
}

#[tokio::test]
async fn a_secret_is_found_in_every_part_of_an_image() {
    if !engine("a secret is found in every part of an image") {
        return;
    }
    let connected = connect(&EngineSettings::from_env()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let secret = ["c4n4ry-", "Xq7z", "-0fTheM1ne"].concat();
    let variable = Variable { name: "K".into(), value: SecretString::from(secret.clone()), declared: true };
    let guard = Guard::new("canary", vec![variable], std::collections::BTreeMap::new());
    std::fs::write(dir.path().join("file.txt"), format!("one\ntwo {}\n", STANDARD.encode(&secret))).unwrap();
    let build = |name: &str, text: &str, arguments: &[&str]| {
        std::fs::write(dir.path().join("Dockerfile"), text).unwrap();
        let tag = format!("t{}-{name}", std::process::id());
        let folder = dir.path().display().to_string();
        let all = [
            &["build", "-q", "--label", "dev.dashdeploy.test=guard", "-t", &tag],
            arguments,
            &[folder.as_str()],
        ]
        .concat();
        docker_text(&all);
        tag
    };
    let base = "FROM debian:bookworm-slim\n";
    let deleted = format!("{base}COPY file.txt /app/file.txt\nRUN rm /app/file.txt\n");
    let env = format!("{base}ENV A_KEY={secret}\n");
    let argument = format!("{base}ARG TOKEN\nRUN echo $TOKEN > /dev/null\n");
    let label = format!("{base}LABEL note=\"x {secret}\"\n");
    let link = format!("{base}RUN ln -s /x/{secret} /link && mkdir /{secret}\n");
    let clean = format!("{base}RUN echo fine > /file\n");
    let mut images = Vec::new();
    for (name, text, arguments, wanted) in [
        ("layer", &deleted, vec![], Some("/app/file.txt")),
        ("env", &env, vec![], Some("config.Env[")),
        ("arg", &argument, vec!["--build-arg".to_owned(), format!("TOKEN={secret}")], Some("history[")),
        ("label", &label, vec![], Some("config.Labels.note")),
        ("link", &link, vec![], Some("/•••")),
        ("clean", &clean, vec![], None),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let image = build(name, text, &arguments);
        let found =
            look_into(&connected.docker, &ImageLook { image: &image, base: &[] }, &guard).await.unwrap();
        images.push(image);
        let places: Vec<String> =
            found.iter().filter_map(|f| f.place.as_ref()).map(|p| p.file.clone()).collect();
        match wanted {
            Some(wanted) => assert!(places.iter().any(|place| place.contains(wanted)), "{name}: {places:?}"),
            None => assert_eq!(found, [], "{name}"),
        }
        assert!(!format!("{found:?}").contains(&secret), "{name}");
        if name == "layer" {
            let place = found[0].place.as_ref().unwrap();
            assert_eq!((place.line, place.column), (2, 5));
            assert!(found[0].message.contains("COPY file"), "{}", found[0].message);
        }
    }
    for image in images {
        docker(&["rmi", "-f", &image]);
    }
    let missing = ImageLook { image: "no-such-image-here", base: &[] };
    assert!(look_into(&connected.docker, &missing, &guard).await.is_err());
}

/// A registry that only writes down whether anybody sent anything.
#[test]
fn an_image_with_a_secret_is_not_pushed() {
    if !engine("an image with a secret is not pushed") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, told) = std::sync::mpsc::channel::<String>();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut head = [0; 2048];
            let read = stream.read(&mut head).unwrap_or(0);
            let line = String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or_default().to_owned();
            let status = if line.starts_with("GET /v2/ ") { "200 OK" } else { "404 Not Found" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            let _ = tell.send(line);
        }
    });
    let secret = canary();
    let project = project(
        "guard-push",
        "FROM debian:bookworm-slim\nRUN printf c4n4ry/ > /a && printf 'ä\"Xq7'\"'&+z-0fTheM1ne\" >> /a\n",
    );
    let secrets = [("API_KEY", secret.as_str())];
    project.run_with(&["build", "-q"], &[]).exits(0);
    let ran = project.run_with(&["push", "--json", "--registry", &address], &secrets).exits(8);
    assert!(
        found(&ran).iter().any(|(code, place)| code == "guard-known-value" && place == "/a:1:1"),
        "{:?}",
        ran.all()
    );
    let sent: Vec<String> =
        told.try_iter().filter(|line| !line.starts_with("GET") && !line.starts_with("HEAD")).collect();
    assert_eq!(sent, [""; 0]);
    docker(&["rmi", "-f", &docker_text(&["images", "-q", &format!("{}-api", project.name)])]);
}

#[test]
fn a_page_with_a_secret_in_its_source_map_is_not_written() {
    if !engine("a page with a secret in its source map is not written") {
        return;
    }
    let project = Project::empty("guard-page");
    let text = format!(
        "project: {}\nservices:\n  web:\n    build: {{ kind: static, context: site }}\n",
        project.name
    );
    project.write("dashdeploy.yaml", &text);
    project.write("site/index.html", "<p>hello</p>");
    project.write("site/a.js", "console.log(1)");
    project.run(&["build", "-q"]).exits(0);
    assert_eq!(project.read(".dashdeploy/dist/web/a.js"), "console.log(1)");

    // Made in the image, as bundlers do: no file of the context has it.
    let secret = canary();
    let map = serde_json::json!({ "version": 3, "sourcesContent": [format!("const k = {};", serde_json::Value::from(secret.as_str()))] });
    let encoded = STANDARD.encode(map.to_string()).chars().rev().collect::<String>();
    let dockerfile = project.read("deploy/web/Dockerfile");
    let end = dockerfile.rfind("\nFROM ").unwrap();
    let stage = &dockerfile[end..];
    let from = stage.find("\nCOPY").unwrap() + end;
    let line = format!("\nRUN echo {encoded} | rev | base64 -d > /usr/share/nginx/html/a.js.map\n");
    let last = dockerfile[from..].rfind("\nUSER").map_or(dockerfile.len(), |at| from + at);
    project.write(
        "deploy/web/Dockerfile",
        &format!("{}\nUSER root{line}{}", &dockerfile[..last], &dockerfile[last..]),
    );
    project.write("site/a.js", "console.log(2)");
    let ran = project.run_with(&["build", "--json"], &[("SOME_KEY", &secret)]).exits(8);
    let found = found(&ran);
    assert_eq!(found.len(), 1, "{}", ran.all());
    assert_eq!((found[0].0.as_str(), found[0].1.starts_with("a.js.map:1:")), ("guard-known-value", true));
    assert_hidden(&ran);
    assert_eq!(project.read(".dashdeploy/dist/web/a.js"), "console.log(1)", "the former files stay");
    let names: Vec<_> = std::fs::read_dir(project.path().join(".dashdeploy/dist"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(names, ["web"], "nothing is left beside them");
}
