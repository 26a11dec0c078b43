//! dashdeploy.yaml against a corpus of good and bad files, and against input that no one writes.

// Tests may fail by unwrap, and read their own corpus.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod hostile;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dashdeploy::config;
use dashdeploy_contract::{HealthCheck, Name, Project, Publish, ServiceKind, Severity};

const TARGETS: [&str; 1] = ["docker"];

fn corpus(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/config").join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(path: &Path) -> config::Parsed {
    config::parse("dashdeploy.yaml", &std::fs::read(path).unwrap(), &TARGETS)
}

fn project(text: &str) -> Project {
    let parsed = config::parse("dashdeploy.yaml", text.as_bytes(), &TARGETS);
    parsed.project.unwrap_or_else(|| panic!("{:#?}", parsed.findings))
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// One line a finding: severity, code, place, message, mend.
fn lines(parsed: &config::Parsed) -> Vec<String> {
    let line = |finding: &dashdeploy_contract::Finding| {
        let place = finding
            .place
            .as_ref()
            .map_or("-".to_owned(), |place| format!("{}:{}+{}", place.line, place.column, place.length));
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let hint = finding.hint.as_ref().map_or(String::new(), |hint| format!(" | {hint}"));
        format!("{severity} {} {place} {}{hint}", finding.code, finding.message)
    };
    parsed.findings.iter().map(line).collect()
}

#[test]
fn good_files_are_projects_and_keep_to_the_schema() {
    let schema = jsonschema::validator_for(&config::schema()).unwrap();
    for path in corpus("good") {
        let parsed = read(&path);
        assert_eq!(lines(&parsed), Vec::<String>::new(), "{}", path.display());
        assert!(parsed.project.is_some());
        let json = as_an_editor_reads_it(&path).unwrap();
        let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
    }
}

/// The file as JSON by the rules of YAML 1.2, which is what an editor holds against the schema.
fn as_an_editor_reads_it(path: &Path) -> Option<serde_json::Value> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_slice_with_options(&std::fs::read(path).unwrap(), options).ok()
}

/// Beside each bad file stands `<name>.expect`: first whether the schema refuses it too (`unreadable` where there is nothing
/// to hold against it), then every finding. `UPDATE_CORPUS=1` writes them; read the difference before you commit it.
#[test]
fn bad_files_give_exactly_the_findings_that_are_expected() {
    let schema = jsonschema::validator_for(&config::schema()).unwrap();
    let mut wrong = Vec::new();
    for path in corpus("bad") {
        let (_, took) = timed(&std::fs::read(&path).unwrap());
        assert!(took < Duration::from_secs(1), "{} took {took:?}", path.display());
        let parsed = read(&path);
        assert!(parsed.project.is_none(), "{}", path.display());
        assert_secrets_stay_hidden(&parsed, &path);

        let refused = match as_an_editor_reads_it(&path) {
            Some(json) if schema.is_valid(&json) => "accepts",
            Some(_) => "refuses",
            None => "unreadable",
        };
        let found = format!("schema: {refused}\n{}\n", lines(&parsed).join("\n"));
        let beside = path.with_extension("expect");
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if expected != found {
            wrong.push(format!("{}\n--- expected\n{expected}--- found\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn assert_secrets_stay_hidden(parsed: &config::Parsed, path: &Path) {
    let shown = serde_json::to_string(&parsed.findings).unwrap();
    for secret in ["hunter2", "AKIAIOSF", "ghp_0123", "xoxb-1", "sk_live_a"] {
        assert!(!shown.contains(secret), "{} shows {secret}: {shown}", path.display());
    }
}

#[test]
fn every_finding_of_a_syntax_kind_comes_with_its_source_line_and_mend() {
    let parsed = config::parse(
        "x.yaml",
        "project: p\nservices:\n  api: { image: a, prot: 80 }\n".as_bytes(),
        &TARGETS,
    );
    let finding = &parsed.findings[0];
    let place = finding.place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line, place.column, place.length), ("x.yaml", 3, 20, 4));
    assert_eq!(place.source, "  api: { image: a, prot: 80 }");
    assert_eq!(finding.key, "services.api.prot");
    assert_eq!(finding.hint.as_deref(), Some("did you mean `port`?"));
}

#[test]
fn the_second_of_two_keys_names_the_first() {
    let parsed =
        config::parse("x.yaml", b"project: p\nproject: q\nservices: { a: { image: a } }\n", &TARGETS);
    let (word, first) = &parsed.findings[0].related[0];
    assert_eq!((word.as_str(), first.line, first.column), ("first written here", 1, 1));
    assert_eq!(parsed.findings[0].place.as_ref().unwrap().line, 2);
}

#[test]
fn secrets_are_masked_where_they_stood() {
    let text = "project: p\nservices:\n  api: { image: a, prot: 1, env: { K: AKIAIOSFODNN7EXAMPLE }, secrets: { S: my, T: pass } }\n";
    let parsed = config::parse("x.yaml", text.as_bytes(), &TARGETS);
    assert_eq!(parsed.findings.len(), 4);
    for finding in &parsed.findings {
        let source = &finding.place.as_ref().unwrap().source;
        assert_eq!(source.chars().count(), text.lines().nth(2).unwrap().chars().count());
        assert!(source.contains("env: { K: •••••••••••••••••••• }, secrets: { S: ••, T: •••• }"), "{source}");
    }
}

#[test]
fn places_are_found_for_findings_of_others() {
    let text =
        "project: p\nservices:\n  api:\n    image: a\n    port: 80\nsmoke:\n  - { service: api, path: / }\n";
    let places = config::parse("x.yaml", text.as_bytes(), &TARGETS).places;
    let line = |key: &str| {
        let place = places.locate(dashdeploy_contract::Finding::error("x", key, "x")).place.unwrap();
        (place.line, place.column)
    };
    assert_eq!(line("services.api.port"), (5, 11));
    assert_eq!(line("services.api.health.path"), (3, 3), "the nearest key above it");
    assert_eq!(line("smoke[0].path"), (7, 27));
    assert_eq!(line("smoke[7].path"), (6, 1));
    assert_eq!(line("environments.local.target"), (1, 1));
    assert_eq!(line(""), (1, 1));
}

#[test]
fn values_of_variables_keep_their_source_text() {
    let text =
        std::fs::read(corpus("good").iter().find(|path| path.ends_with("norway.yaml")).unwrap()).unwrap();
    let project = config::parse("x.yaml", &text, &TARGETS).project.unwrap();
    let env = &project.services[&name("api")].env;
    let expected = [
        ("NO", "no"),
        ("YES", "Yes"),
        ("OFF", "off"),
        ("N", "n"),
        ("OCTAL", "010"),
        ("OCTAL2", "0o10"),
        ("SEXAGESIMAL", "12:30"),
        ("UNDERSCORE", "1_000"),
        ("EXPONENT", "1e3"),
        ("FLOAT", "1.10"),
        ("HEX", "0x1F"),
        ("DATE", "2024-01-01"),
        ("NULLISH", "null"),
        ("TILDE", "~"),
        ("EMPTY", ""),
        ("DOLLARS", "$HOME $$ ${A}"),
        ("BIDI", "a\u{202e}b\u{200b}c\u{2028}"),
        ("TAB", "a\tb"),
        ("LINES", "a\nb\n"),
        ("FOLDED", "a b"),
    ];
    assert_eq!(env.len(), expected.len());
    for (name, value) in expected {
        assert_eq!(env[name].as_literal(), Some(value), "{name}");
    }
    let inf = project_of("env: { A: .inf, B: -.NaN, C: !, D: 'it''s' }".replace("!", "\"!\"").as_str());
    let texts: Vec<_> =
        inf.services[&name("api")].env.values().map(|text| text.as_literal().unwrap()).collect();
    assert_eq!(texts, [".inf", "-.NaN", "!", "it's"]);
}

fn project_of(keys: &str) -> Project {
    project(&format!("project: p\nservices:\n  api: {{ image: a, {keys} }}\n"))
}

#[test]
fn defaults_are_filled_in() {
    let text = std::fs::read_to_string(
        corpus("good").iter().find(|p| p.ends_with("small-cap-dashboard.yaml")).unwrap(),
    )
    .unwrap();
    let project = project(&text);
    let (api, web) = (&project.services[&name("api")], &project.services[&name("web")]);
    let loopback = |port| Publish::Port { address: "127.0.0.1".parse().unwrap(), port };

    assert_eq!((api.kind(), web.kind()), (ServiceKind::Web, ServiceKind::Static));
    assert_eq!((api.port, api.publish), (Some(8000), loopback(8000)));
    assert_eq!((web.port, web.publish), (Some(8080), loopback(8080)));
    assert_eq!(web.health, HealthCheck::Http { path: "/".to_owned() });
    assert_eq!(api.build().unwrap().dockerfile, "deploy/api/Dockerfile");
    assert_eq!((api.resources.memory, api.resources.cpu_millis), (512 << 20, 1000));
    assert_eq!(web.resources.memory, 128 << 20);
    assert!(api.read_only && web.read_only);
    assert_eq!(project.volumes[&name("data")].size, Some(1 << 30));
    assert_eq!(
        project.environments.keys().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["local", "staging", "production"]
    );
    assert_eq!(
        project.environments[&name("production")].services[&name("web")].target.as_ref().unwrap().as_str(),
        "netlify"
    );

    let bare = project_of("port: 5432");
    let db = &bare.services[&name("api")];
    assert_eq!((db.publish, db.read_only, &db.health), (Publish::No, false, &HealthCheck::None));
    assert_eq!(bare.environments[&name("local")].target.as_str(), "docker");
}

#[test]
fn what_is_written_is_what_is_meant() {
    let text =
        std::fs::read_to_string(corpus("good").iter().find(|p| p.ends_with("everything.yaml")).unwrap())
            .unwrap();
    let project = project(&text);
    insta::assert_snapshot!(serde_json::to_string_pretty(&project).unwrap());
}

#[test]
fn overrides_keep_what_they_do_not_name() {
    let text = "project: p\nservices:\n  api: { image: a, port: 80, publish: 8000, memory: 1Gi, cpus: 2 }\nenvironments:\n  prod:\n    target: docker\n    services: { api: { public: true, cpus: 0.5 } }\n";
    let bound = project(text).bind("prod").unwrap();
    let api = &bound.services[&name("api")];
    assert_eq!(api.publish, Publish::Port { address: "0.0.0.0".parse().unwrap(), port: 8000 });
    assert_eq!((api.resources.memory, api.resources.cpu_millis), (1 << 30, 500));
}

#[test]
fn the_published_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/schema/dashdeploy.schema.json");
    let fresh = serde_json::to_string_pretty(&config::schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == fresh, "write it anew: dashdeploy schema > templates/schema/dashdeploy.schema.json");
}

#[test]
fn every_key_of_the_schema_says_what_it_means() {
    fn walk(value: &serde_json::Value, path: &str) {
        for (key, property) in value["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            let said =
                property["description"].as_str().is_some_and(|text| text.ends_with('.') && text.len() > 15);
            assert!(said || *property == false || path.contains(".if."), "{path} lacks a description");
            walk(property, &path);
            walk(&property["additionalProperties"], &path);
            walk(&property["items"], &path);
        }
    }
    let schema = config::schema();
    assert!(jsonschema::meta::is_valid(&schema));
    walk(&schema, "");
}

/// The codes of what is found, and the time it takes: the best of three, since other tests run beside this one.
fn timed(bytes: &[u8]) -> (Vec<String>, Duration) {
    let read = || {
        let start = Instant::now();
        let parsed = config::parse("dashdeploy.yaml", bytes, &TARGETS);
        (parsed, start.elapsed())
    };
    let mut all = [read(), read(), read()];
    all.sort_by_key(|(_, took)| *took);
    let (parsed, took) = &all[0];
    assert!(parsed.findings.iter().all(|finding| finding.place.is_some()));
    (parsed.findings.iter().map(|finding| finding.code.to_string()).collect(), *took)
}
