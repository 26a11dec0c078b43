//! A network whose packages come with certificates of its own: builds trust them by a secret, and no image holds them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use dashdeploy_contract::*;

use super::lab::Lab;
use super::{python, with_health};
use crate::render::projects;
use crate::support::{docker_text, engine, free_port, skip};

const AUTHORITY: &str = "dd-private-authority-8412";

/// Makes an authority and a server's certificate, and serves the folder with it on a port of this machine.
struct Network {
    server: Child,
    port: u16,
}

impl Network {
    /// None where this machine has no `openssl`.
    fn new(lab: &Lab) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            return None;
        }
        let folder = lab.dir.path().join("network");
        std::fs::create_dir_all(&folder).unwrap();
        sh(
            &folder,
            &format!(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={AUTHORITY} -keyout ca.key -out ca.pem
                 openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
                 printf 'subjectAltName=DNS:localhost' > names
                 openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem"
            ),
        );
        let port = free_port();
        let server = Command::new("openssl")
            .args(["s_server", "-quiet", "-WWW", "-accept", &format!("127.0.0.1:{port}")])
            .args(["-cert", "server.pem", "-key", "server.key"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { server, port })
    }

    fn url(&self, file: &str) -> String {
        format!("https://localhost:{}/{file}", self.port)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[track_caller]
fn sh(folder: &Path, script: &str) {
    let output = Command::new("sh").args(["-euc", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A package for pip and one for npm that only this network has. Each needs another from the public index, so that a
/// build that trusts the network's certificates alone fails too.
fn packages(lab: &Lab, network: &Network) -> Project {
    lab.write(
        "probe-1.0/pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
         [project]\nname = \"probe\"\nversion = \"1.0\"\n[tool.setuptools]\npy-modules = [\"probe\"]\n",
    );
    lab.write("probe-1.0/probe.py", "X = 1\n");
    lab.write(
        "package/package.json",
        r#"{"name": "probe", "version": "1.0.0", "dependencies": {"is-number": "7.0.0"}}"#,
    );
    sh(lab.dir.path(), "tar czf network/probe-1.0.tar.gz probe-1.0; tar czf network/probe-1.0.0.tgz package");
    let requirement = format!("uvicorn==0.54.0\nprobe @ {}\n", network.url("probe-1.0.tar.gz"));
    lab.write("api/requirements.txt", &requirement);
    lab.write("api/a.py", "import probe\n");
    let package = network.url("probe-1.0.0.tgz");
    lab.write(
        "web/package.json",
        &format!(r#"{{"name": "x", "version": "1.0.0", "dependencies": {{"probe": "{package}"}}}}"#),
    );
    lab.write("web/server.js", "require('probe/package.json')\n");
    let api = python("api", BuildKind::Fastapi, projects::pip(&["requirements.txt"]), "a:app");
    let node = Recipe::Node(NodeRecipe {
        version: "20".to_owned(),
        manager: NodeManager::Npm,
        locked: false,
        script: None,
        start: vec!["node".to_owned(), "server.js".to_owned()],
    });
    let web = projects::build(BuildKind::Node, "web", "web/Dockerfile", node);
    projects::project(vec![api, with_health(projects::service("web", web, Some(3000)), "/")])
}

#[test]
fn certificates_of_the_network_are_trusted_and_left_out_of_every_layer() {
    const TEST: &str = "certificates_of_the_network_are_trusted_and_left_out_of_every_layer";
    if !engine(TEST) {
        return;
    }
    let lab = Lab::new("certificates");
    let Some(network) = Network::new(&lab) else { return skip(TEST, "no openssl on PATH") };
    let project = packages(&lab, &network);
    let authority = lab.dir.path().join("network/ca.pem");
    let canary = std::fs::read_to_string(&authority).unwrap().lines().nth(1).unwrap().to_owned();
    let secret = format!("id=dashdeploy_ca,src={}", authority.display());
    std::fs::write(lab.dir.path().join("network/empty"), "").unwrap();
    let empty = format!("id=dashdeploy_ca,src={}", lab.dir.path().join("network/empty").display());
    // Of pip alone: npm would go on trying for minutes.
    for without in [&["--network=host"][..], &["--network=host", "--secret", &empty]] {
        let log = lab.build_with(&project, "api", without).unwrap_err().to_lowercase();
        assert!(log.contains("certificate"), "{log}");
    }
    for service in ["api", "web"] {
        let with = ["--network=host", "--secret", &secret];
        for target in [&[][..], &["--target=packages"]] {
            let image = lab
                .build_with(&project, service, &[&with, target].concat())
                .unwrap_or_else(|log| panic!("{service} {target:?}:\n{log}"));
            let found = holds(&lab, &image, &[&canary, AUTHORITY]);
            assert!(
                !found,
                "{service} {target:?}: a layer, the configuration or the history holds the authority"
            );
            assert!(holds(&lab, &image, &[&image]), "the search finds nothing");
            // The next build takes the name, and what has none is not found again.
            docker_text(&["rmi", "-f", &image]);
        }
    }
}

/// True where the saved image holds one of the words.
fn holds(lab: &Lab, image: &str, words: &[&str]) -> bool {
    let file = lab.dir.path().join("saved.tar");
    docker_text(&["save", "-o", &file.display().to_string(), image]);
    let words = words.iter().flat_map(|word| ["-e", word]);
    let grep = Command::new("grep").args(["-qaF"]).args(words).arg(file).status().unwrap();
    assert!(matches!(grep.code(), Some(0 | 1)), "grep: {grep}");
    grep.success()
}
