//! Everything that is rendered: snapshots, what is refused, and beside them the programs that really read the files.

mod consumers;
mod engine;
pub mod projects;

use std::collections::BTreeMap;
use std::path::Path;

use dashdeploy::render::{Inputs, RenderError, RenderedFile, State, compare, render, templates};
use dashdeploy_contract::*;

use crate::support::{binary, repository};

/// The files of a project that must render.
#[track_caller]
fn files(project: &Project) -> Vec<RenderedFile> {
    let inputs = Inputs { local: projects::wiring(project), ..Inputs::default() };
    render(project, &inputs).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// Where the tests have a Dockerfile without mounts beside an ordinary one.
fn plain_path(build: &Build) -> String {
    format!("{}.plain", build.dockerfile)
}

/// The same, with a Dockerfile without mounts beside each that is generated.
#[track_caller]
fn files_with_plain(project: &Project) -> Vec<RenderedFile> {
    let built = project.services.values().filter(|service| service.is_generated());
    let path = |service: &Service| Some((service.name.clone(), plain_path(service.build()?)));
    let plain_dockerfiles = built.filter_map(path).collect();
    let inputs = Inputs { local: projects::wiring(project), plain_dockerfiles, ..Inputs::default() };
    render(project, &inputs).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

#[track_caller]
fn file(project: &Project, path: &str) -> String {
    let files = files(project);
    let known: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let found = files.iter().find(|file| file.path == path);
    found.unwrap_or_else(|| panic!("{path} is not among {known:?}")).contents.clone()
}

/// Code and key of everything found.
#[track_caller]
fn findings(project: &Project) -> Vec<String> {
    let inputs = Inputs { local: projects::wiring(project), ..Inputs::default() };
    match render(project, &inputs) {
        Err(RenderError::Findings(all)) => all.iter().map(|f| format!("{} {}", f.code, f.key)).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

/// Writes files below a folder.
fn write(files: &[RenderedFile], folder: &Path) {
    for file in files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.contents).unwrap();
    }
}

/// The projects in code, and every example that has a dashdeploy.yaml.
fn everything() -> Vec<(String, Project)> {
    let mut all: Vec<(String, Project)> =
        projects::all().into_iter().map(|(name, project)| (name.to_owned(), project)).collect();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut folders: Vec<_> =
        std::fs::read_dir(examples).into_iter().flatten().map(|e| e.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let Ok(bytes) = std::fs::read(folder.join("dashdeploy.yaml")) else { continue };
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let parsed = dashdeploy::config::parse("dashdeploy.yaml", &bytes, &["docker"]);
        all.push((name.clone(), parsed.project.unwrap_or_else(|| panic!("{name}: {:?}", parsed.findings))));
    }
    all
}

#[test]
fn what_is_rendered_is_what_was_looked_at() {
    for (name, project) in projects::all() {
        let mut all = String::new();
        for file in files(&project) {
            all.push_str(&format!("==== {}\n{}\n", file.path, file.contents));
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, all) });
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for (name, project) in everything() {
        let first = files(&project);
        assert_eq!(first, files(&project.clone()), "{name}");
        let compared = compare(first, &|path| {
            let again = files(&project);
            again.into_iter().find(|file| file.path == path).map(|file| file.contents.into_bytes())
        });
        assert!(compared.iter().all(|one| one.state == State::Fresh && one.diff().is_empty()), "{name}");
        for one in &compared {
            let text = &one.file.contents;
            assert!(
                !text.contains('\r') && text.ends_with('\n') && !text.contains('\0'),
                "{name} {}",
                one.file.path
            );
            let values_end_in_blanks = one.file.path.ends_with(".env.example");
            assert!(
                values_end_in_blanks || !text.lines().any(|line| line.ends_with(' ')),
                "{name} {}: blanks at an end",
                one.file.path
            );
            assert!(!text.contains(env!("CARGO_PKG_VERSION")), "{name} {}: holds our version", one.file.path);
        }
    }
}

#[test]
fn no_value_of_this_process_gets_into_a_file() {
    let project = projects::others();
    let mut inputs = Inputs { local: projects::wiring(&project), ..Inputs::default() };
    inputs.local.environment.insert("TOKEN_URL".to_owned(), "canary-of-this-machine".to_owned());
    inputs.local.release = Some("r12345".to_owned());
    let rendered = render(&project, &inputs).unwrap();
    assert_eq!(rendered, files(&project));
    assert!(rendered.iter().any(|file| file.contents.contains("${TOKEN_URL:?set TOKEN_URL}")));
    assert!(!rendered.iter().any(|f| f.contents.contains("canary") || f.contents.contains("r12345")));
}

#[test]
fn what_a_file_cannot_carry_is_named_with_its_key() {
    let mut project = projects::dashboard();
    let web = project.services.get_mut(&projects::name("web")).unwrap();
    web.env.insert("VITE_TWO".to_owned(), Text::literal("a\nb"));
    web.headers.insert("X-Bad".to_owned(), "a\r\nSet-Cookie: x".to_owned());
    web.headers.insert("Bad Name".to_owned(), "x".to_owned());
    web.headers.insert("Content-Length".to_owned(), "0".to_owned());
    web.proxy.insert("/a b;".to_owned(), projects::name("api"));
    web.proxy.insert("/".to_owned(), projects::name("api"));
    web.proxy.insert("/db".to_owned(), projects::name("nobody"));
    projects::build_of(web).links.insert("a".to_owned(), "/b".to_owned());
    let api = project.services.get_mut(&projects::name("api")).unwrap();
    projects::build_of(api).links.insert("x$y".to_owned(), "/data/x".to_owned());
    projects::build_of(api).ignore.push("# not a pattern".to_owned());
    api.env.insert("UPSTREAM".to_owned(), Text::parse("${services.nobody.url}").unwrap());
    let expected = [
        "value-not-carried services.api.build.links.x$y",
        "value-not-carried services.api.build.ignore",
        "links-of-static services.web.build.links",
        "value-not-carried services.web.env.VITE_TWO",
        "proxy-prefix services.web.proxy./a b;",
        "proxy-prefix services.web.proxy./",
        "proxy-without-port services.web.proxy./db",
        "value-not-carried services.web.headers.X-Bad",
        "header-name services.web.headers.Bad Name",
        "header-name services.web.headers.Content-Length",
        "unresolved-reference services.api.env",
    ];
    let found = findings(&project);
    for one in expected {
        assert!(found.iter().any(|found| found == one), "{one} is not in {found:#?}");
    }
    assert!(found.iter().all(|one| expected.contains(&one.as_str())), "{found:#?}");
}

#[test]
fn two_services_cannot_write_one_file_differently() {
    let mut project = projects::pythons();
    let flask = project.services.get_mut(&projects::name("flask")).unwrap();
    projects::build_of(flask).dockerfile = "django/Dockerfile".to_owned();
    assert_eq!(findings(&project), ["same-file services.django.dockerfile"]);
}

#[test]
fn a_python_service_without_a_command_is_a_finding() {
    let mut project = projects::pythons();
    project.services.get_mut(&projects::name("worker")).unwrap().command = None;
    assert_eq!(findings(&project), ["missing-command services.worker"]);
}

#[test]
fn templates_of_the_user_win_and_cannot_break_out() {
    let project = projects::dashboard();
    let name = "ignore/context.dockerignore.j2";
    assert!(templates(&[]).contains_key(name));
    let render_with = |name: &str, source: &str| {
        let overrides = BTreeMap::from([(name.to_owned(), source.to_owned())]);
        render(&project, &Inputs { local: projects::wiring(&project), overrides, ..Inputs::default() })
    };
    let mine = render_with(name, "\nmine\n{% for path in nested %}\n{{ path }}\n{% endfor %}\n").unwrap();
    let ignore = mine.iter().find(|file| file.path == "backend/Dockerfile.dockerignore").unwrap();
    assert!(ignore.contents.ends_with("\nmine\ndashboard_web\n"), "{}", ignore.contents);
    assert_ne!(mine, files(&project));
    for broken in ["{{ nothing }}", "{% for x in %}", "{{ nested|safe }}", "{{ nested }}"] {
        let error = render_with(name, broken).unwrap_err();
        assert!(error.to_string().contains(name), "{broken}: {error}");
    }
    let unknown = render_with("ignore/contxt.dockerignore.j2", "x").unwrap_err();
    assert!(
        matches!(&unknown, RenderError::Findings(all) if all[0].code == "unknown-template"),
        "{unknown:?}"
    );
}

#[test]
fn no_secret_and_no_name_of_one_gets_into_an_image() {
    for (name, project) in everything() {
        let secrets: Vec<&String> =
            project.services.values().flat_map(|service| service.secrets.keys()).collect();
        for file in files(&project).iter().filter(|file| file.path.ends_with("Dockerfile")) {
            assert!(!secrets.iter().any(|s| file.contents.contains(s.as_str())), "{name} {}", file.path);
        }
    }
}

#[test]
fn dockerfiles_stay_within_what_engine_20_10_builds() {
    for (name, project) in everything() {
        for file in files(&project).iter().filter(|file| file.path.ends_with("Dockerfile")) {
            for newer in ["# syntax=", "<<", "--link", "--exclude", "--start-interval", "--parents", "env="] {
                assert!(!file.contents.contains(newer), "{name} {}: {newer}", file.path);
            }
            let last = file.contents.rsplit("\nFROM ").next().unwrap();
            assert!(last.contains(&format!("USER {APP_USER}\n")), "{name} {}: runs as root", file.path);
            assert!(!last.contains("ADD ") && !last.contains("latest"), "{name} {}", file.path);
        }
    }
}

/// The instructions of a Dockerfile, each on one line, without what mounts and caches add to them.
fn steps(dockerfile: &str) -> Vec<String> {
    let of_mounts = |part: &str| {
        let certificates = ["cat \"${SSL_CERT_FILE", "cat \"${NODE_EXTRA_CA_CERTS", "export "];
        let starts = ["if [ -s /run/secrets/", "if [ -f /run/secrets/", "rm -rf /root/"];
        starts.iter().chain(&certificates).any(|start| part.starts_with(start))
    };
    let step = |line: &str| {
        let words = line.split_whitespace().filter(|word| !word.starts_with("--mount="));
        let line = words.collect::<Vec<_>>().join(" ");
        let Some(command) = line.strip_prefix("RUN ") else { return line };
        let parts: Vec<&str> = command.split(" && ").filter(|part| !of_mounts(part)).collect();
        format!("RUN {}", parts.join(" && "))
    };
    let joined = dockerfile.replace("\\\n", " ");
    let no_cache = ["ENV PIP_NO_CACHE_DIR=1", "ENV UV_NO_CACHE=1"];
    let lines = joined.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| !no_cache.contains(line)).map(step).collect()
}

#[test]
fn a_dockerfile_without_mounts_has_the_same_steps() {
    let mut compared = 0;
    for (name, project) in everything() {
        let files = files_with_plain(&project);
        let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap().contents;
        for service in project.services.values().filter(|service| service.is_generated()) {
            let build = service.build().unwrap();
            let (main, plain) = (text(&build.dockerfile), text(&plain_path(build)));
            assert!(!plain.contains("--mount") && !plain.contains("/run/secrets"), "{name}: {plain}");
            assert_eq!(steps(main), steps(plain), "{name} {}", service.name);
            let ignored = |path: &str| text(&format!("{path}.dockerignore"));
            assert_eq!(ignored(&build.dockerfile), ignored(&plain_path(build)), "{name} {}", service.name);
            compared += 1;
        }
        let ordinary = files.iter().filter(|file| !file.path.contains("Dockerfile.plain"));
        assert!(ordinary.eq(&self::files(&project)), "{name}: another file has changed by it");
    }
    assert!(compared > 10, "only {compared} were compared");
}

#[test]
fn the_page_calls_its_api_under_its_own_origin() {
    let project = projects::dashboard();
    assert!(file(&project, "frontend/Dockerfile").contains("ARG VITE_API_BASE_URL=\"/.\"\n"));
    let compose = file(&project, "docker-compose.yml");
    assert!(compose.contains("VITE_API_BASE_URL: /.\n"), "{compose}");
    assert!(compose.contains("TS_EMAIL__SMTP_SERVER:\n"), "{compose}");
    let production = file(&project, "deploy/docker-compose.prod.yml");
    assert!(production.contains("CORS_ORIGINS: \"${WEB_URL:-http://localhost:4173}\"\n"), "{production}");
    assert!(production.contains("name: small-cap-dashboard-production\n") && !production.contains("build:"));
}

#[test]
fn one_writer_means_one_process() {
    let mut project = projects::pythons();
    assert!(file(&project, "flask/Dockerfile").contains("\"--workers\", \"1\""));
    assert!(file(&project, "django/Dockerfile").contains("\"--workers\", \"2\""));
    project.volumes[&projects::name("data")].writers = Writers::Many;
    assert!(file(&project, "flask/Dockerfile").contains("\"--workers\", \"2\""));
}

#[test]
fn the_files_beside_every_example_are_fresh() {
    let examples = repository().join("examples");
    let folders = std::fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = folders.filter(|folder| folder.join("dashdeploy.yaml").exists()).collect();
    assert!(folders.len() >= 9, "only {} examples have a dashdeploy.yaml", folders.len());
    for folder in folders {
        let output = binary().arg("-C").arg(&folder).args(["render", "--check"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "run `dashdeploy render` in {}\n{text}", folder.display());
    }
}
