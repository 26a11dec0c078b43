//! dashdeploy.yaml against a corpus of good and bad files, and against input that no one writes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dashdeploy::config;
use dashdeploy_contract::{HealthCheck, Project, Publish, ServiceKind, Severity};
use proptest::prelude::*;

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

/// One line a finding: severity, code, place, key, message.
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
        format!("{severity} {} {place} {}", finding.code, finding.message)
    };
    parsed.findings.iter().map(line).collect()
}

#[test]
fn good_files_are_projects() {
    for path in corpus("good") {
        let parsed = read(&path);
        assert_eq!(lines(&parsed), Vec::<String>::new(), "{}", path.display());
        assert!(parsed.project.is_some());
    }
}
