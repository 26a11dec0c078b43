//! What stands beside the code: Dockerfiles, Procfiles, files the application reads, secrets.

use super::stacks::{FASTAPI, FLASK, PAGE, VITE};
use super::*;

#[test]
fn own_dockerfiles_are_kept_for_the_service_they_build() {
    let (detection, _) = files(&[
        (
            "docker-compose.yml",
            "services:\n  api:\n    build: { context: ., dockerfile: docker/api.Dockerfile }\n    ports: [\"9000:9000\"]\n    environment:\n      MODE: fast\n      API_KEY: ${API_KEY}\n    volumes: [\"store:/srv/data\", \"./x:/y\"]\n  db:\n    image: postgres:16\nvolumes: { store: }\n",
        ),
        (
            "docker/api.Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /srv\nCOPY requirements.txt .\nCOPY app app\nCMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"9000\"]\n",
        ),
        ("Dockerfile.dev", "FROM python:3.11\n"),
        ("requirements.txt", "fastapi\nuvicorn\n"),
        (
            "app/main.py",
            "from fastapi import FastAPI\nfrom app import x\napp = FastAPI()\nopen('data/a', 'w')\n",
        ),
        ("web/package.json", VITE),
        ("web/index.html", PAGE),
        (
            "web/Dockerfile",
            "FROM node:20 AS build\nCOPY package.json ./\nCOPY . .\nFROM nginx:1.27\nCOPY --from=build /app/dist /usr/share/nginx/html\nEXPOSE 80\n",
        ),
        ("web/src/a.ts", "fetch(import.meta.env.VITE_API_URL + '/x')"),
    ]);
    let api = service(&detection, "api");
    assert_eq!(
        (api.build.kind, api.build.dockerfile.as_str()),
        (BuildKind::Dockerfile, "docker/api.Dockerfile")
    );
    assert_eq!((api.port, api.env["MODE"].value.as_str()), (Some(9000), "fast"));
    assert_eq!(api.secrets["API_KEY"].requirement, Requirement::Optional);
    assert_eq!(api.volumes.values().next().map(String::as_str), Some("/srv/data"));
    assert_eq!(app(api.generated.as_deref().unwrap()), "app.main:app");
    let web = service(&detection, "web");
    assert_eq!((web.build.context.as_str(), web.port, web.publish), ("web", Some(80), Some(4173)));
    assert!(detection.notes.iter().any(|note| note.message.contains("VITE_API_URL")));
    assert!(detection.notes.iter().any(|note| note.message.contains("postgres:16")));
    assert!(detection.rejected.iter().any(|rejected| rejected.candidate.contains("Dockerfile.dev")));
}

#[test]
fn what_dashdeploy_wrote_is_not_taken_for_the_users() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("app.py", FASTAPI),
        (
            "deploy/api/Dockerfile",
            "# Written by dashdeploy from dashdeploy.yaml\nFROM python:3.9-slim\nCOPY requirements.txt .\nEXPOSE 1234\n",
        ),
        (
            "docker-compose.yml",
            "# Written by dashdeploy from dashdeploy.yaml\nservices: { api: { build: . } }\n",
        ),
    ]);
    assert_eq!((only(&detection).build.kind, only(&detection).port), (BuildKind::Fastapi, Some(8000)));
    assert!(detection.notes.iter().all(|note| !note.message.contains("is yours")));
}

#[test]
fn a_procfile_names_the_application_and_the_workers() {
    let (detection, text) = files(&[
        (
            "Procfile",
            "web: uvicorn svc.second:api --port $PORT\nworker: python -m svc.worker --fast\nrelease: python migrate.py\nclock: sh -c 'a && b'\n",
        ),
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("svc/first.py", FASTAPI),
        (
            "svc/second.py",
            "from fastapi import FastAPI\napi = FastAPI()\nimport sqlite3\nsqlite3.connect('data/x.db')\n",
        ),
        ("svc/worker.py", ""),
    ]);
    assert_eq!(app(service(&detection, "api")), "svc.second:api");
    assert_eq!(
        service(&detection, "worker").command.as_deref().map(|c| c.join(" ")).as_deref(),
        Some("python -m svc.worker --fast")
    );
    assert_eq!(detection.services.len(), 2);
    // Both use the same files, so both write to the same volume.
    assert!(text.contains("data: { size: 1Gi, writers: many }"), "{text}");
}

#[test]
fn files_beside_the_code_are_kept() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\nsqlalchemy\n"),
        (
            "main.py",
            "import os\nfrom fastapi import FastAPI\nURL = os.getenv('DATABASE_URL', 'sqlite:///./shop.db')\napp = FastAPI()\n",
        ),
    ]);
    assert_eq!(only(&detection).env["DATABASE_URL"].value, "sqlite:////data/shop.db");
    let (detection, _) = files(&[
        ("requirements.txt", "flask\ngunicorn\n"),
        ("app.py", &format!("{FLASK}import sqlite3\nsqlite3.connect('app.db')\nopen('logs/a.log', 'a')\n")),
    ]);
    let links = &only(&detection).build.links;
    assert_eq!((links["app.db"].as_str(), links["logs"].as_str()), ("/data/app.db", "/data"));
    // What is only read stays in the image.
    let (detection, _) = files(&[
        ("requirements.txt", "flask\ngunicorn\npandas\n"),
        (
            "app.py",
            &format!("{FLASK}import pandas\npandas.read_csv('data/model.csv')\nopen('data/x.json')\n"),
        ),
        ("data/model.csv", "a,b\n"),
    ]);
    assert!(only(&detection).volumes.is_empty());
}

#[test]
fn streamlit_pages_are_served() {
    let (detection, _) = files(&[
        ("requirements.txt", "streamlit\npandas\n"),
        ("app.py", "import streamlit as st\nst.title('x')\n"),
    ]);
    let found = only(&detection);
    assert_eq!((found.port, found.health.as_deref()), (Some(8501), Some("/_stcore/health")));
    assert_eq!(found.command.as_ref().map(|c| c[..3].join(" ")).as_deref(), Some("streamlit run app.py"));
}

#[test]
fn secrets_values_never_reach_the_file_or_the_notes() {
    let (detection, text) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("app.py", FASTAPI),
        (".env", "API_TOKEN=zzcanaryzz\n"),
        (
            ".env.example",
            "API_TOKEN=zzcanaryzz\nDSN=https://zzcanaryzz@sentry.example/1\nBROKER=amqp://u:zzcanaryzz@h/\n",
        ),
        (
            "docker-compose.yml",
            "services:\n  x:\n    build: .\n    environment:\n      - PASSWORD=zzcanaryzz\n",
        ),
    ]);
    let everything = format!("{text}{:?}", detection.notes) + &format!("{:?}", detection.services);
    assert!(!everything.contains("zzcanaryzz"), "{everything}");
    assert!(detection.notes.iter().any(|note| note.warning && note.message.contains("not ignored by Git")));
}

#[test]
fn tools_are_no_services_and_their_passing_files_are_no_data() {
    let (detection, _) = files(&[
        ("setup.py", "setup(entry_points='''\n[console_scripts]\nx=x.cli:main\n''')"),
        ("x/__main__.py", "from x.cli import main\nmain()\n"),
        ("x/cli.py", "def main(): ...\n"),
        (
            "tool/package.json",
            r#"{"name":"t","bin":"x.js","scripts":{"start":"node x.js"},"dependencies":{"express":"4"}}"#,
        ),
    ]);
    assert!(detection.services.is_empty(), "{:#?}", detection.services);
    let writes = "import os\nopen('Dockerfile', 'w')\nopen('requirements.txt', 'w')\nos.mkdir('bin')\nopen('seen.csv', 'w')\n";
    let (detection, _) =
        files(&[("requirements.txt", "flask\ngunicorn\n"), ("app.py", &format!("{FLASK}{writes}"))]);
    assert_eq!(only(&detection).build.links.keys().collect::<Vec<_>>(), ["seen.csv"]);
}

#[test]
fn every_volume_of_an_own_dockerfile_is_kept() {
    let (detection, _) = files(&[("Dockerfile", "FROM scratch\nVOLUME /db /config\nEXPOSE 8080\n")]);
    let volumes: Vec<_> = only(&detection).volumes.iter().map(|(n, p)| (n.as_str(), p.as_str())).collect();
    assert_eq!(volumes, [("data", "/db"), ("data-config", "/config")]);
}

#[test]
fn the_server_must_be_among_the_dependencies() {
    let warned = |requirements: &str| {
        let (detection, _) = files(&[("requirements.txt", requirements), ("app.py", FASTAPI)]);
        detection.notes.iter().any(|note| note.warning && note.message.contains("`uvicorn`"))
    };
    assert!(warned("fastapi\n") && !warned("fastapi[standard]\n") && !warned("fastapi\nuvicorn==0.30\n"));
}

#[test]
fn a_page_is_never_served_together_with_the_sources_beside_it() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("app.py", FASTAPI),
        ("index.html", PAGE),
        ("static/index.html", PAGE),
        ("site/index.html", PAGE),
    ]);
    let names: Vec<&str> = detection.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["api", "site"]);
    assert!(detection.rejected.iter().any(|rejected| rejected.reason.contains("publish the sources")));
}
