//! Deploys to a Docker host through the program itself: bad versions under a steady load of requests, and the way back.

mod engine {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    use crate::support::{Project, docker, docker_text, engine, figure, free_port, get, http};

    /// An API that is told by its image which version it is, and what is wrong with it.
    const SERVER: &str = r#"import http.server, signal, sys, threading
VERSION, WRONG = "one", ""
if WRONG == "crash":
    sys.exit("no such module: billing")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sick = WRONG == "sick" or (WRONG == "smoke" and self.path == "/api/version")
        self.send_response(500 if sick else 200)
        self.end_headers()
        self.wfile.write(VERSION.encode())
    def log_message(self, *_):
        print("asked for", self.path, flush=True)
server = http.server.ThreadingHTTPServer(("", 8000), Answer)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"#;

    /// The API behind its page, which is the only one with a port of the host.
    fn shop(name: &str) -> (Project, u16) {
        let (project, port) = (Project::empty(name), free_port());
        let configuration = format!(
            "project: {}
services:
  api:
    build: {{ kind: dockerfile, context: api }}
    port: 8000
    publish: false
    health: /api/health
  web:
    build: {{ kind: static, context: web }}
    publish: {port}
    proxy: {{ /api: api }}
smoke:
  - {{ service: web, path: /api/version, contains: o }}
environments:
  server: {{ target: docker }}
ci: false
",
            project.name
        );
        project.write("dashdeploy.yaml", &configuration);
        project.write("web/index.html", "<!doctype html><title>Shop</title><h1>Shop</h1>\n");
        project.write(
            "api/Dockerfile",
            "FROM python:3.11-slim\nCOPY server.py /server.py\nUSER 10001\nCMD [\"python\", \"/server.py\"]\n",
        );
        project.write("api/server.py", SERVER);
        (project, port)
    }

    /// Requests one after the other, from several clients, until it is stopped.
    struct Load {
        stop: Arc<AtomicBool>,
        asked: Arc<AtomicU64>,
        failed: Arc<AtomicU64>,
        clients: Vec<std::thread::JoinHandle<()>>,
    }

    impl Load {
        fn start(port: u16) -> Self {
            let (stop, asked, failed) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
            let client = |_| {
                let (stop, asked, failed) = (Arc::clone(&stop), Arc::clone(&asked), Arc::clone(&failed));
                std::thread::spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        let answer = http(port, "GET", "/api/anything", "");
                        asked.fetch_add(1, Ordering::SeqCst);
                        if !answer.is_ok_and(|answer| answer.status == 200) {
                            failed.fetch_add(1, Ordering::SeqCst);
                        }
                        std::thread::sleep(Duration::from_millis(10));
                    }
                })
            };
            let clients = (0..3).map(client).collect();
            Self { stop, asked, failed, clients }
        }

        /// How many were sent, and how many of them failed.
        fn end(self) -> (u64, u64) {
            self.stop.store(true, Ordering::SeqCst);
            for client in self.clients {
                client.join().unwrap();
            }
            (self.asked.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst))
        }
    }

    /// A deploy, with nobody looking.
    fn deploy(project: &Project, code: i32) -> crate::support::Ran {
        let flags = ["deploy", "--yes", "-e", "server", "--wait-timeout", "15", "--verify-timeout", "4"];
        project.run_with(&flags, &[("DASHDEPLOY_STABLE_FOR", "1")]).exits(code)
    }

    #[test]
    fn a_bad_version_is_taken_back_with_its_evidence_and_nobody_notices_a_switch() {
        let test = "deploy::docker::engine::a_bad_version_is_taken_back_with_its_evidence_and_nobody_notices_a_switch";
        if !engine(test) {
            return;
        }
        let (project, port) = shop("switch");
        deploy(&project, 0);
        assert_eq!(get(port, "/api/version").body, "one");
        let served = project.container("api");

        let load = Load::start(port);
        for (wrong, evidence) in [
            ("crash", &["api", "no such module: billing", "code 1"][..]),
            ("sick", &["api", "asked for /api/health"]),
            ("smoke", &["/api/version", "500", "taken back"]),
        ] {
            project
                .write("api/server.py", &SERVER.replace("\"one\", \"\"", &format!("\"two\", \"{wrong}\"")));
            let ran = deploy(&project, 4);
            for word in evidence {
                assert!(ran.stderr.contains(word), "{wrong}: no `{word}` in\n{}", ran.all());
            }
            assert_eq!(get(port, "/api/version").body, "one", "{wrong}");
            assert_eq!(project.container("api"), served, "{wrong}: the former container serves");
        }
        let (bad, failed) = load.end();
        figure(&format!("docker: {failed} of {bad} requests failed while three bad versions came and went"));
        assert_eq!(failed, 0);

        let load = Load::start(port);
        project.write("api/server.py", &SERVER.replace("\"one\"", "\"two\""));
        deploy(&project, 0);
        assert_eq!(get(port, "/api/version").body, "two");
        let back = ["rollback", "--yes", "-e", "server"];
        project.run_with(&back, &[("DASHDEPLOY_STABLE_FOR", "1")]).exits(0);
        assert_eq!(get(port, "/api/version").body, "one");
        let (good, failed) = load.end();
        figure(&format!("docker: {failed} of {good} requests failed through an update and a rollback"));
        assert_eq!(failed, 0);

        let history = project.run(&["history", "-e", "server", "--json"]).exits(0).json();
        let releases = history["result"]["releases"].as_array().unwrap();
        let outcomes: Vec<&str> = releases.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        assert_eq!(
            outcomes,
            ["done", "done", "rolled_back", "rolled_back", "rolled_back", "done"],
            "{history}"
        );
        // What was stopped by hand is seen, and mended.
        project.run(&["status", "--check", "-e", "server"]).exits(0);
        docker(&["stop", "-t", "0", &project.container("api")]);
        project.run(&["status", "--check", "-e", "server"]).exits(3);
        deploy(&project, 0);
        project.run(&["destroy", "--yes", "-e", "server"]).exits(0);
        let left = docker_text(&[
            "ps",
            "-aq",
            "--filter",
            &format!("label=dev.dashdeploy.project={}", project.name),
        ]);
        assert_eq!(left, "");
    }
}
