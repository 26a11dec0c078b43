//! The content key on a real engine: what is built again and what is not.

mod engine {
    use std::fs;
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use bollard::query_parameters::RemoveImageOptionsBuilder;
    use dashdeploy::build::BuildOptions;
    use dashdeploy_contract::{Event, NoEvents};

    use crate::build::{Lab, MARK};

    fn started(lab: &Lab) -> usize {
        lab.events.count(|event| matches!(event, Event::BuildStarted { .. }))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_what_goes_into_the_image_has_it_built_again() {
        let Some(lab) = Lab::new("key").await else { return };
        lab.write("ctx/src/a", format!("{:?}", std::time::SystemTime::now()));
        lab.write("ctx/README.md", "1");
        let options = BuildOptions { cache_dir: Some(lab.path().join("cache")), ..lab.options() };
        let text = "FROM debian:bookworm-slim\nCOPY src /src/\nRUN true\n";
        let build = async |text: &str| {
            let before = started(&lab);
            let image = lab.build_with(vec![lab.request("api", text)], &options).await.unwrap().remove(0);
            (image.id, started(&lab) - before)
        };
        let (first, runs) = build(text).await;
        assert_eq!(runs, 1);
        assert_eq!(build(text).await, (first.clone(), 0));
        lab.write("ctx/README.md", "2");
        assert_eq!(build(text).await, (first.clone(), 0), "no step copies it");
        assert_eq!(build(&format!("# why\n\n{text}")).await, (first.clone(), 0), "a comment");
        let touched = fs::File::options().write(true).open(lab.path().join("ctx/src/a")).unwrap();
        touched.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
        assert_eq!(build(text).await, (first.clone(), 0), "another time, the same content");
        lab.write("ctx/src/b", "new");
        let (second, runs) = build(text).await;
        assert!(second != first && runs == 1);
        // An edit that keeps size and time: BuildKit alone would take the file for unchanged.
        let kept = fs::metadata(lab.path().join("ctx/src/b")).unwrap().modified().unwrap();
        lab.write("ctx/src/b", "old");
        fs::File::options()
            .write(true)
            .open(lab.path().join("ctx/src/b"))
            .unwrap()
            .set_modified(kept)
            .unwrap();
        let check = format!("{text}RUN test \"$(cat /src/b)\" = old\n");
        build(&check).await;
        // The image is gone: what is remembered of the files does not stand for it.
        let force = RemoveImageOptionsBuilder::new().force(true).build();
        lab.engine.remove_image(&format!("{}-api:latest", lab.name), Some(force), None).await.unwrap();
        assert_eq!(build(&check).await.1, 1);
        for again in [
            BuildOptions { no_cache: true, ..options.clone() },
            BuildOptions { cache_dir: None, ..options.clone() },
        ] {
            let image = lab.build_with(vec![lab.request("api", &check)], &again).await.unwrap().remove(0);
            assert_eq!(image.cached, !again.no_cache);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn another_base_image_has_it_built_again() {
        let Some(lab) = Lab::new("base").await else { return };
        let base = async |text: &str| {
            let mut request =
                lab.request("base", &format!("FROM debian:bookworm-slim\nRUN echo {text} > /base\n"));
            request.reference = format!("{}-base:1", lab.name);
            lab.build(vec![request]).await.unwrap().remove(0);
        };
        let text = format!("ARG TAG=1\nFROM {}-base:$TAG\nRUN cp /base /copy\n", lab.name);
        let build = async || lab.build(vec![lab.request("api", &text)]).await.unwrap().remove(0);
        let now = format!("{:?}", std::time::SystemTime::now()).replace(['{', '}', ' ', ':', ','], "");
        base(&format!("one-{now}")).await;
        let first = build().await;
        assert_eq!(build().await.id, first.id);
        base(&format!("two-{now}")).await;
        let second = build().await;
        assert!(second.id != first.id && !second.cached);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_changes_while_it_is_sent_leaves_no_key() {
        let Some(lab) = Lab::new("moving").await else { return };
        for index in 0..400 {
            lab.write(&format!("ctx/{index}"), vec![0; 200_000]);
        }
        let path = lab.path().join("ctx/399");
        let done = Arc::new(AtomicBool::new(false));
        let writer = std::thread::spawn({
            let done = Arc::clone(&done);
            move || {
                let mut round = 0_u64;
                while !done.load(Ordering::Relaxed) {
                    round += 1;
                    let mut bytes = vec![1; 200_000];
                    bytes[..8].copy_from_slice(&round.to_le_bytes());
                    // In place: the file never has another length.
                    use std::os::unix::fs::FileExt as _;
                    fs::File::options().write(true).open(&path).unwrap().write_all_at(&bytes, 0).unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let request = || lab.request("api", "FROM scratch\nCOPY . /\n");
        let moving = lab.build(vec![request()]).await;
        done.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        let moving = moving.unwrap().remove(0);
        assert_eq!(moving.key, None, "the key would not stand for what was sent");
        let still = lab.build(vec![request()]).await.unwrap().remove(0);
        assert!(still.key.is_some() && still.id != moving.id);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_image_says_which_commit_it_was_built_from() {
        let Some(lab) = Lab::new("commit").await else { return };
        let git = |arguments: &[&str]| {
            let identity =
                ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
            let output = Command::new("git")
                .arg("-C")
                .arg(lab.path())
                .args(identity)
                .args(arguments)
                .output()
                .unwrap();
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        lab.write("ctx/a", format!("{:?}", std::time::SystemTime::now()));
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "one"]);
        let commit = git(&["rev-parse", "HEAD"]);
        let build =
            async || lab.build(vec![lab.request("api", "FROM scratch\nCOPY . /\n")]).await.unwrap().remove(0);
        let clean = build().await;
        assert_eq!(clean.revision.as_deref(), Some(commit.as_str()));
        let labels = lab.engine.inspect_image(&clean.id.0).await.unwrap().config.unwrap().labels.unwrap();
        assert_eq!((&labels["org.opencontainers.image.revision"], &labels[MARK]), (&commit, &lab.name));
        lab.write("other", "not in the context");
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "two"]);
        assert_eq!(build().await.id, clean.id, "another commit of the same sources is no other image");
        lab.write("ctx/a", "dirty");
        assert_eq!(build().await.revision, Some(format!("{}-dirty", git(&["rev-parse", "HEAD"]))));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stage_that_two_images_share_runs_once() {
        let Some(lab) = Lab::new("shared").await else { return };
        lab.write("ctx/a", format!("{:?}", std::time::SystemTime::now()));
        let text = "FROM debian:bookworm-slim AS common\nCOPY a /a\nRUN sleep 2 && date +%s%N > /stamp\n\
                    FROM common AS one\nRUN echo one\nFROM common AS two\nRUN echo two\n";
        let request = |target: &str| {
            let mut request = lab.request(target, text);
            request.target = Some(target.to_owned());
            request
        };
        let images = lab.build(vec![request("one"), request("two")]).await.unwrap();
        let mut stamps = Vec::new();
        for image in &images {
            let container = lab.container(&image.id.0).await;
            stamps.push(lab.file(&container, "/stamp").await);
            lab.remove(&container).await;
        }
        assert_eq!(stamps[0], stamps[1], "the shared step ran twice");
        assert!(!stamps[0].is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn several_platforms_and_caches_are_refused_where_the_engine_has_no_room_for_them() {
        let Some(lab) = Lab::new("platforms").await else { return };
        let info = lab.engine.info().await.unwrap();
        let containerd = dashdeploy::io::docker::is_containerd_store(&info);
        let request = || vec![lab.request("api", "FROM scratch\nCOPY . /\n")];
        lab.write("ctx/a", "1");
        let several = BuildOptions { platform: Some("linux/amd64,linux/arm64".into()), ..lab.options() };
        let cache = BuildOptions { cache_to: vec!["type=local,dest=/x".parse().unwrap()], ..lab.options() };
        for (options, word) in [(several, "several platforms"), (cache, "cache of type `local`")] {
            match dashdeploy::build::build_all(&lab.engine, request(), &options, Arc::new(NoEvents)).await {
                Ok(_) => assert!(containerd, "{word}"),
                Err(failure) => {
                    assert!(failure.message.contains(word), "{failure:?}");
                    assert!(failure.hint.unwrap().contains("containerd"));
                }
            }
        }
    }
}
