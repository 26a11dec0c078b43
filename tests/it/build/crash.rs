//! An engine that is killed during a build, and a large tree under load. The engine here is one of the test's own: in a network
//! of its own, with its own folders.

mod engine {
    use std::fs;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use dashdeploy::build::{BuildOptions, build_all};
    use dashdeploy::io::docker::{Engine, EngineSettings, connect};
    use dashdeploy_contract::{Event, EventSink};

    use crate::build::Lab;
    use crate::support::skip;

    struct Daemon {
        dir: PathBuf,
        child: Child,
    }

    impl Daemon {
        fn start(dir: PathBuf) -> std::io::Result<Self> {
            let log = fs::File::options().create(true).append(true).open(dir.join("log"))?;
            let flag = |name: &str, path: &str| format!("--{name}={}", dir.join(path).display());
            let child = Command::new("unshare")
                .args([
                    "--net",
                    "--mount",
                    "--",
                    "dockerd",
                    "--bridge=none",
                    "--iptables=false",
                    "--storage-driver=vfs",
                ])
                .args([flag("data-root", "data"), flag("exec-root", "exec"), flag("pidfile", "pid")])
                .arg(format!("--host=unix://{}", dir.join("sock").display()))
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()?;
            Ok(Self { dir, child })
        }

        async fn connect(&self) -> Option<Engine> {
            let host = format!("unix://{}", self.dir.join("sock").display());
            let settings = EngineSettings { host: Some(host), ..EngineSettings::default() };
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(60) {
                if let Ok(engine) = connect(&settings).await {
                    return Some(engine);
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            eprintln!("{}", fs::read_to_string(self.dir.join("log")).unwrap_or_default());
            None
        }

        fn kill(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            // Its containerd dies a moment later, and the next daemon must not take that one for alive.
            let helper =
                fs::read_to_string(self.dir.join("exec/containerd/containerd.pid")).unwrap_or_default();
            let alive = PathBuf::from(format!("/proc/{}", helper.trim()));
            let _ = Command::new("kill").args(["-9", helper.trim()]).stderr(Stdio::null()).status();
            while !helper.is_empty() && alive.exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = fs::remove_file(self.dir.join("pid"));
            let _ = fs::remove_dir_all(self.dir.join("exec"));
        }
    }

    impl Drop for Daemon {
        fn drop(&mut self) {
            self.kill();
        }
    }

    /// Says when files are on their way.
    struct Sending(AtomicBool);

    impl EventSink for Sending {
        fn emit(&self, event: Event) {
            if matches!(event, Event::BuildContext { bytes, .. } if bytes > 0) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_engine_gives_a_clear_end_and_the_next_run_works() {
        let Some(lab) = Lab::new("killed").await else { return };
        let dir = lab.path().join("engine");
        fs::create_dir(&dir).unwrap();
        let Ok(mut daemon) = Daemon::start(dir.clone()) else {
            return skip("a_killed_engine_gives_a_clear_end", "no unshare or no dockerd");
        };
        let Some(engine) = daemon.connect().await else {
            return skip("a_killed_engine_gives_a_clear_end", "no second engine can be started here");
        };
        for index in 0..60 {
            lab.write(&format!("ctx/{index}"), vec![index; 4 << 20]);
        }
        let events = Arc::new(Sending(AtomicBool::new(false)));
        let options = BuildOptions { address: Some(engine.address.clone()), ..BuildOptions::default() };
        let request = || vec![lab.request("api", "FROM scratch\nCOPY . /\n")];
        let killing = async {
            while !events.0.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            daemon.kill();
            Instant::now()
        };
        let sink = Arc::clone(&events) as Arc<dyn EventSink>;
        let (built, killed) = tokio::join!(build_all(&engine.docker, request(), &options, sink), killing);
        let failure = built.unwrap_err();
        eprintln!("{:?} after the kill: {failure}", killed.elapsed());
        assert!(killed.elapsed() < Duration::from_secs(5));
        assert!(failure.message.starts_with("the connection to the engine broke"), "{failure:?}");
        assert!(failure.hint.as_ref().unwrap().contains("dashdeploy doctor"), "{failure:?}");
        let again = Daemon::start(dir).unwrap();
        let engine = again.connect().await.expect("the engine starts again");
        let built =
            build_all(&engine.docker, request(), &options, Arc::new(dashdeploy_contract::NoEvents)).await;
        assert!(built.unwrap()[0].size > 200 << 20);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_large_tree_is_sent_ten_times_in_a_row_under_load() {
        let Some(lab) = Lab::new("tree").await else { return };
        let done = Arc::new(AtomicBool::new(false));
        let burners: Vec<_> = (0..std::thread::available_parallelism().unwrap().get())
            .map(|_| {
                let done = Arc::clone(&done);
                std::thread::spawn(move || {
                    let mut number = 1_u64;
                    while !done.load(Ordering::Relaxed) {
                        number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005));
                    }
                })
            })
            .collect();
        for round in 0..10 {
            // Every file another in every round: BuildKit asks for all of them at once.
            for folder in 0..200 {
                let dir = lab.path().join(format!("ctx/{folder}"));
                fs::create_dir_all(&dir).unwrap();
                for file in 0..100 {
                    fs::write(dir.join(file.to_string()), format!("{round} {folder} {file}")).unwrap();
                }
            }
            let request = lab.request("api", "FROM scratch\nCOPY . /\n");
            let built = lab.build(vec![request]).await;
            assert!(built.is_ok(), "round {round}: {built:?}");
        }
        done.store(true, Ordering::Relaxed);
        burners.into_iter().for_each(|burner| burner.join().unwrap());
        let all = lab.events.count(|event| matches!(event, Event::BuildContext { files: 20_000, .. }));
        assert_eq!(all, 10, "in every round all files travel");
    }
}
