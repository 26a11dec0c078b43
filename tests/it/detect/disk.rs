//! The tree on disk: links, special files, broken and hostile content, size.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

const FASTAPI: &[u8] = b"from fastapi import FastAPI\napp = FastAPI()\n";

#[test]
fn links_pipes_and_odd_names_are_neither_followed_nor_fatal() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.py"), FASTAPI).unwrap();
    fs::write(root.join("requirements.txt"), "fastapi\nuvicorn\n").unwrap();
    fs::write(root.join("app.py"), FASTAPI).unwrap();
    symlink("..", root.join("loop")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink(outside.path().join("secret.py"), root.join("linked.py")).unwrap();
    symlink("missing", root.join("Dockerfile")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe.py")).status().unwrap().success());
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"bad\xff.py")), FASTAPI).unwrap();
    fs::create_dir_all(root.join("env311/lib")).unwrap();
    fs::write(root.join("env311/pyvenv.cfg"), "home = /usr\n").unwrap();
    fs::write(root.join("env311/lib/app.py"), FASTAPI).unwrap();
    let tree = DiskTree::open(root).unwrap();
    let paths: Vec<&str> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["Dockerfile", "app.py", "linked.py", "loop", "out", "requirements.txt"]);
    assert!(tree.read("linked.py", 1000).is_none() && tree.read("../x", 1000).is_none());
    assert!(tree.notes().iter().any(|note| note.message.contains("not valid UTF-8")));
    assert_eq!(app(only(&look(&tree).0)), "app:app");
}

#[test]
fn a_folder_that_cannot_be_read_is_a_note() {
    // A folder deeper than the limit and a vanished root are the portable cases; root reads every folder.
    assert!(DiskTree::open(std::path::Path::new("/nonexistent-dashdeploy")).is_err());
    let folder = tempfile::tempdir().unwrap();
    let deep = (0..60).fold(folder.path().to_owned(), |path, at| path.join(format!("d{at}")));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("app.py"), FASTAPI).unwrap();
    fs::write(folder.path().join("main.py"), FASTAPI).unwrap();
    let tree = DiskTree::open(folder.path()).unwrap();
    assert_eq!(tree.entries().len(), 1);
}

#[test]
fn odd_encodings_and_broken_files_are_survived() {
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("fastapi\r\nuvicorn\r\n".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let trees: [&[(&str, &[u8])]; 2] = [
        &[
            ("requirements.txt", &utf16),
            ("app.py", b"\xef\xbb\xbf# caf\xc3\xa9\r\nfrom fastapi import FastAPI\r\napp = FastAPI()\r\n"),
            ("old.py", b"# -*- coding: latin-1 -*-\n# caf\xe9 '''\nx = 1\n"),
            ("binary.py", b"\x7fELF\0\0\0"),
        ],
        &[
            ("package.json", b"{ not json"),
            ("pyproject.toml", b"[project\nname = "),
            ("docker-compose.yml", b"services: [\n  - &a *a"),
            ("requirements.txt", b"fastapi\nuvicorn\n-r requirements.txt\n"),
            ("Dockerfile", b"\xff\xfe\xfd"),
            ("app.py", b"from fastapi import FastAPI\ndef broken(:\n  '''\n"),
            ("b.py", b"from fastapi import FastAPI\napp = FastAPI()\nx = ((((((\n"),
            (".env.example", b"=\n#=\nA\n A = b\n'=\"\n"),
        ],
    ];
    for files in trees {
        let tree = MemoryTree::new("sample", files.iter().map(|(path, content)| (*path, content.to_vec())));
        let (detection, _) = look(&tree);
        assert_eq!(only(&detection).port, Some(8000), "{:#?}", detection.rejected);
    }
}

#[test]
fn hostile_names_do_not_break_the_file() {
    let ui = r#"{"name":"x","scripts":{"build":"vite build"},"devDependencies":{"vite":"7"}}"#;
    let (detection, text) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        (
            "my-app/app.py",
            "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/health')\ndef h(): ...\n",
        ),
        ("a\n  evil: true # \u{202e}/package.json", ui),
        ("a\n  evil: true # \u{202e}/index.html", "x"),
        ("-rm/package.json", ui),
        ("-rm/index.html", "x"),
        ("it's \"a\" #1: {b}/package.json", ui),
        ("it's \"a\" #1: {b}/index.html", "<div id=\"root\" data-x='${services.api.url}'></div>"),
        (
            ".env.example",
            "NAME=a: b # c\nLIST=[1, 2]\nYES=yes\nTPL=${services.api.url}\nDB=sqlite:///data/${X}\n",
        ),
    ]);
    assert_eq!(detection.services.len(), 2, "{text}");
    assert_eq!(service(&detection, "web").build.context, "it's \"a\" #1: {b}");
    let api = service(&detection, "api");
    assert_eq!((app(api), api.env["YES"].value.as_str()), ("app:app", "yes"));
    let Recipe::Python(recipe) = &api.build.recipe else { panic!() };
    // `my-app` cannot be imported, so it is where imports start.
    assert_eq!(recipe.source_root.as_deref(), Some("my-app"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::with_cases(1000) })]

    /// Files put together from pieces of real ones, and from noise: no panic, and nothing proposed that the reader refuses.
    #[test]
    fn whatever_is_found_is_accepted(list in proptest::collection::vec((path(), content()), 1..12)) {
        let tree = MemoryTree::new("sample", list);
        look(&tree);
    }
}

fn path() -> impl proptest::prelude::Strategy<Value = String> {
    use proptest::prelude::*;
    let folder = prop::sample::select(vec![
        "", "", "", "a/", "web/", "src/", "a/b/", "a-b/", "é/", "data/", "x y/", "a'b/",
    ]);
    let name = prop::sample::select(NAMES);
    (folder, name).prop_map(|(folder, name)| format!("{folder}{name}"))
}

fn content() -> impl proptest::prelude::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop_oneof![9 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => ".{0,8}"];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

const NAMES: &[&str] = &[
    "requirements.txt",
    "pyproject.toml",
    "package.json",
    "app.py",
    "main.py",
    "urls.py",
    "manage.py",
    "wsgi.py",
    "Procfile",
    "Dockerfile",
    "docker-compose.yml",
    ".env.example",
    ".env",
    ".gitignore",
    "index.html",
    "index.js",
    "vite.config.ts",
    "uv.lock",
    "package-lock.json",
    ".python-version",
    ".nvmrc",
    "runtime.txt",
    "config.json",
    "settings.toml",
    "x.csv",
];

const PIECES: &[&str] = &[
    "from fastapi import FastAPI, APIRouter\n",
    "from flask import Flask\n",
    "app = FastAPI()\n",
    "app = Flask(__name__)\n",
    "def create_app():\n    app = FastAPI()\n    return app\n",
    "if __name__ == '__main__':\n",
    "@app.get('/health')\n",
    "@app.get(\"/a//b/health\")\n",
    "router = APIRouter(prefix='/${x}')\n",
    "app.include_router(router, prefix='/é')\n",
    "app.include_router(app)\nrouter.include_router(router)\n",
    "open('a b/c', 'w')\n",
    "open('data/x', 'w')\n",
    "open('-x/y', 'w')\n",
    "open('é/y', 'w')\n",
    "open(f'{x}', 'w')\n",
    "sqlite3.connect('x.db')\n",
    "os.environ['A_KEY']\n",
    "os.getenv('DATABASE_URL', 'sqlite:///./y.db')\n",
    "uvicorn.run(app, port=99999)\n",
    "uvicorn.run(app, port=1)\n",
    "'''",
    "\"",
    "(",
    ")",
    "`${",
    "}",
    "\\",
    "#",
    "//",
    "/*",
    "\u{202e}",
    "\u{0}",
    "\r\n",
    "é",
    "fetch('/api/x')\n",
    "app.listen(0)\n",
    "app.listen(80)\n",
    "import.meta.env.VITE_API_URL || 'http://x/${y}'\n",
    "outDir: '../x', root: './a'\n",
    "proxy: { '/^x': 1, '/api': 'y' }\n",
    r#"{"name":"@a/B","scripts":{"build":"vite build","start":"node $X"},"dependencies":{"vite":"1","express":"1"}}"#,
    r#"{"name":"x","scripts":{"build":"vite build"},"engines":{"node":">=0"},"dependencies":{"vite":"1"}}"#,
    r#"{"name":"x","scripts":{"start":"X='$Y' node a.js"},"dependencies":{"koa":"1"}}"#,
    "[project]\nname = '9'\nrequires-python = '>=3.2,<3.6'\ndependencies = ['fastapi']\n",
    "fastapi\nflask\nuvicorn\n",
    "2.7\n",
    "3.6\n",
    "v99\n",
    "FROM python:3.1\n",
    "FROM nginx\n",
    "EXPOSE 0\n",
    "EXPOSE 70000\n",
    "VOLUME /\n",
    "VOLUME /app\n",
    "VOLUME /a:b\n",
    "WORKDIR /\n",
    "COPY requirements.txt package.json ./\n",
    "CMD [\"x\", \"--port\", \"0\"]\n",
    "web: uvicorn app:app --port 70000\n",
    "worker: python x.py\n",
    "services:\n  A_b:\n    build: { context: ., target: '$x' }\n    ports: ['0:0']\n    volumes: ['v:/etc', 'w:/d']\n",
    "    environment: { 'A.B': 1, X_KEY: y, Y: '${z}', Z: 'a\u{1}' }\n",
    "A=b\n",
    "API_KEY=\n",
    "# OPT=1\n",
    "URL=http://localhost\n",
    "CORS_ORIGINS=[\"x\"]\n",
    "VITE_API_URL=/${x}\n",
    "LOG_LEVEL=\u{1}\n",
    "D=data/${x}\n",
    "data/*\n",
    "!data/\\x\n",
    "data/[a\n",
    "\"dir\": \"data/x\"\n",
    "path = 'storage/y'\n",
    "<div id=\"root\" x='${y}'>\n",
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')\n",
    "application = 1\n",
    "from django.urls import path, include\n",
    "path('health', x), path('a/', include('urls'))\n",
    "import streamlit\n",
];

#[test]
fn names_that_no_import_statement_can_hold_are_no_applications() {
    let (detection, _) = files(&[
        ("app.py", "from fastapi import FastAPI\n\u{202e}app = FastAPI()\n"),
        ("my-app.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')\n"),
        ("a-b/wsgi.py", "application = 1\n"),
        ("\u{e9}/wsgi.py", "application = 1\n"),
    ]);
    assert!(detection.services.is_empty(), "{:#?}", detection.services);
}

#[test]
fn the_same_tree_gives_the_same_words() {
    let first = example("small-cap-dashboard");
    let second = example("small-cap-dashboard");
    assert_eq!(first, second);
    let text = |order: bool| {
        let mut list = vec![
            ("requirements.txt", "fastapi\nuvicorn"),
            ("a.py", "from fastapi import FastAPI\napp = FastAPI()"),
            ("b.py", "from fastapi import FastAPI\napp = FastAPI()"),
        ];
        if order {
            list.reverse();
        }
        files(&list).1
    };
    assert_eq!(text(true), text(false));
}

/// 20,000 files, among them one of 50 MB: a second in a release build; ten are allowed to a debug build on a busy machine.
#[test]
fn a_large_tree_takes_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("requirements.txt"), "fastapi\nuvicorn\n").unwrap();
    for at in 0..200 {
        let package = root.join(format!("pkg{at}"));
        fs::create_dir(&package).unwrap();
        for file in 0..100 {
            let text = format!("import os\n\nVALUE = os.environ.get('V{file}', 'x')\n\n\ndef f{file}(x):\n    return x + {at}\n").repeat(4);
            fs::write(package.join(format!("m{file}.py")), text).unwrap();
        }
    }
    fs::write(root.join("main.py"), FASTAPI).unwrap();
    fs::File::create(root.join("huge.json")).unwrap().set_len(50 * 1024 * 1024).unwrap();
    let start = Instant::now();
    let (detection, _) = look(&DiskTree::open(root).unwrap());
    let taken = start.elapsed();
    assert_eq!(app(only(&detection)), "main:app");
    let allowed = if cfg!(debug_assertions) { 10 } else { 1 };
    assert!(taken < Duration::from_secs(allowed), "{taken:?}");
}
