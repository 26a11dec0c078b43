//! Engines without sessions: the engine behind a proxy that refuses them, as filters before a socket do.

mod engine {
    use std::path::{Path, PathBuf};

    use dashdeploy::build::{BuildOptions, build_all};
    use dashdeploy::io::docker::{EngineSettings, connect};
    use dashdeploy_contract::{Event, EventSink};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{UnixListener, UnixStream};

    use crate::build::{Kept, Lab};

    /// Passes everything on but sessions.
    async fn proxy(listener: UnixListener, engine: PathBuf) {
        while let Ok((mut client, _)) = listener.accept().await {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut head = vec![0; 64 << 10];
                let read = client.read(&mut head).await.unwrap_or(0);
                let refused =
                    [b"POST /session".as_slice(), b"POST /grpc"].iter().any(|path| head.starts_with(path));
                if refused {
                    let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
                    return;
                }
                let Ok(mut server) = UnixStream::connect(engine).await else { return };
                let _ = server.write_all(&head[..read]).await;
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_engine_without_sessions_gets_one_stream() {
        let Some(lab) = Lab::new("sessionless").await else { return };
        let Some(socket) = lab.address.strip_prefix("unix://") else {
            return crate::support::skip("an_engine_without_sessions", "the engine has no socket");
        };
        let path = lab.path().join("proxy");
        tokio::spawn(proxy(UnixListener::bind(&path).unwrap(), Path::new(socket).to_owned()));
        let host = Some(format!("unix://{}", path.display()));
        let engine = connect(&EngineSettings { host, ..EngineSettings::default() }).await.unwrap();
        lab.write("ctx/a", "1");
        lab.write("ctx/.dockerignore", "hidden\n");
        lab.write("ctx/hidden", "2");
        let options = BuildOptions { address: Some(engine.address.clone()), ..BuildOptions::default() };
        let kept = Arc::new(Kept::default());
        let build = async |text: &str| {
            let sink = Arc::clone(&kept) as Arc<dyn EventSink>;
            build_all(&engine.docker, vec![lab.request("api", text)], &options, sink).await
        };
        let text = "FROM debian:bookworm-slim\nCOPY . /ctx/\nRUN test -e /ctx/a && test ! -e /ctx/hidden && echo was here\n";
        let image = build(text).await.unwrap().remove(0);
        assert!(image.key.is_some());
        assert_eq!(build(text).await.unwrap()[0].id, image.id);
        let said = |word: &str| {
            kept.count(|event| matches!(event, Event::Detail { message } if message.contains(word)))
        };
        assert_eq!(said("one stream"), 1, "said once, and the second build is not run");
        assert_eq!(
            kept.count(|event| matches!(event, Event::BuildLog { line, .. } if line == "was here")),
            1
        );
        let failure = build("FROM debian:bookworm-slim\nRUN exit 3\n").await.unwrap_err();
        assert!(failure.message.contains("code: 3") || failure.exit_code == Some(3), "{failure:?}");
        let mut request = lab.request("api", text);
        request.secrets.insert("TOKEN", "value".to_owned().into());
        let refused =
            build_all(&engine.docker, vec![request], &options, Arc::new(Kept::default())).await.unwrap_err();
        assert!(refused.message.contains("build secrets need"), "{refused:?}");
    }
}
