//! The ignore rules beside the docker command's own: the same tree and the same ignore file, built by both, listed, compared.

mod engine {
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use bollard::models::ContainerCreateBody;
    use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
    use futures_util::StreamExt as _;

    use crate::build::{Lab, MARK};

    const DOCKERFILE: &str = "FROM scratch\nCOPY . /ctx/\n";

    const TREE: &[&str] = &[
        ".dockerignore",
        ".env",
        ".env.example",
        ".git/HEAD",
        "README.md",
        "a",
        "b/a",
        "b/c/a",
        "b/c/d.py",
        "b/c/node_modules/x/index.js",
        "docs/README.md",
        "docs/guide/intro.md",
        "main.py",
        "node_modules/x/index.js",
        "odd/a b",
        "odd/é.txt",
        "odd/[x]",
        "odd/a*b",
        "odd/#c",
        "src/deep/er/x.pyc",
        "src/deep/er/x.py",
        "src/main.py",
        "tests/unit/t.py",
    ];

    const RULES: &[&str] = &[
        "",
        "node_modules\n.git\n.env*\n!.env.example\n",
        "**/node_modules\n**/*.pyc\n",
        "*\n!src\n!main.py\nsrc/**/*.pyc\n",
        "*\n!src/deep/er/x.py\n",
        "*\n!**/*.py\n",
        "*\n!b/c\nb/c/node_modules\n",
        "**\n!docs/**\ndocs/guide\n",
        "docs\n!docs/guide\n",
        "docs/*\n!docs/README.md\n",
        "/a\n./b/../main.py\n",
        "b/\n",
        "**/a\n",
        "*/a\n",
        "?\n",
        "[a-c]\n",
        "odd/\\[x\\]\nodd/a\\*b\n",
        "odd/a b\n odd/é.txt \nodd/#c\n# README.md\n",
        "\u{feff}a\r\nmain.py\r\n\r\n",
        "**/README.md\n!docs/README.md\n",
        "b**\n",
        "**.py\n",
        "b/**/a\n",
        "src/**\n!src/deep/**/x.py\n",
        "!main.py\nmain.py\n",
        "*.md\n!README*.md\nREADME.md\n",
        ".\n",
        "*\n",
        ".*\n",
        "tests/*/t.py\n",
    ];

    /// The docker command that knows the current rules: buildx as a plug-in of its own, where the environment names it.
    fn peer() -> Option<PathBuf> {
        std::env::var_os("DOCKER_BUILDX").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn build_by_peer(peer: &Path, lab: &Lab, tag: &str) {
        let dockerfile = lab.path().join("Peer.Dockerfile");
        std::fs::write(&dockerfile, DOCKERFILE).unwrap();
        let output = Command::new(peer)
            .args(["build", "--load", "-q", "-t", tag, "--label", &format!("{MARK}={}", lab.name), "-f"])
            .args([dockerfile, lab.path().join("ctx")])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_files_are_sent_as_by_docker() {
        let Some(lab) = Lab::new("ignore").await else { return };
        let Some(peer) = peer() else {
            eprintln!("SKIPPED: the_same_files_are_sent_as_by_docker: DOCKER_BUILDX is not set");
            return;
        };
        for path in TREE {
            lab.write(&format!("ctx/{path}"), path);
        }
        let (mut wrong, mut lengths) = (Vec::new(), Vec::new());
        let random = random_rules(20);
        let all: Vec<&str> = RULES.iter().copied().chain(random.iter().map(String::as_str)).collect();
        for rules in &all {
            lab.write("ctx/.dockerignore", rules);
            let ours = lab.build(vec![lab.request("ours", DOCKERFILE)]).await.unwrap().remove(0);
            let ours = paths(&lab, &ours.id.0).await;
            let tag = format!("{}-peer", lab.name);
            build_by_peer(&peer, &lab, &tag);
            let theirs = paths(&lab, &tag).await;
            lengths.push(theirs.len());
            if ours != theirs {
                let more: Vec<_> = ours.iter().filter(|path| !theirs.contains(path)).collect();
                let less: Vec<_> = theirs.iter().filter(|path| !ours.contains(path)).collect();
                wrong.push(format!("{rules:?}: only ours {more:?}, only theirs {less:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), all.len(), wrong.join("\n"));
        assert!(
            lengths[0] > TREE.len() && lengths.contains(&0),
            "the lists do not depend on the rules: {lengths:?}"
        );
    }

    /// Rules put together from parts; the same in every run.
    fn random_rules(count: usize) -> Vec<String> {
        const PARTS: &[&str] = &[
            "*",
            "**",
            "**/",
            "/",
            "a",
            "b",
            "b/c",
            "src",
            "/**",
            "/*",
            "*.py",
            "docs",
            "deep",
            "?",
            "[a-m]*",
            "README.md",
            "node_modules",
            ".*",
        ];
        let mut state = 0x5DEE_CE66_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut line = |first: bool| {
            let exception = if !first && next(3) == 0 { "!" } else { "" };
            let parts: String = (0..=next(3)).map(|_| PARTS[next(PARTS.len())]).collect();
            format!("{exception}{parts}\n")
        };
        (0..count).map(|_| (0..4).map(|index| line(index == 0)).collect()).collect()
    }

    /// The paths below `/ctx` in an image, as the engine's own archive lists them.
    async fn paths(lab: &Lab, image: &str) -> Vec<String> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["x".into()]),
            labels: Some([(MARK.to_owned(), lab.name.clone())].into()),
            ..Default::default()
        };
        let container = lab.engine.create_container(None, body).await.unwrap().id;
        let options = DownloadFromContainerOptionsBuilder::new().path("/ctx/.").build();
        let mut bytes = Vec::new();
        {
            let mut stream = std::pin::pin!(lab.engine.download_from_container(&container, Some(options)));
            while let Some(chunk) = stream.next().await {
                bytes.extend_from_slice(&chunk.unwrap());
            }
        }
        lab.engine.remove_container(&container, None).await.unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned());
        let mut paths: Vec<String> = entries
            .map(|path| path.to_string_lossy().trim_start_matches("./").trim_end_matches('/').to_owned())
            .collect();
        paths.retain(|path| !path.is_empty());
        paths.sort();
        paths
    }
}
