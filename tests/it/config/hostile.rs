//! Input that no one writes: bombs, floods, any bytes, and any change of a file that someone wrote.

use std::time::Duration;

use dashdeploy::config;
use dashdeploy_contract::Severity;
use proptest::prelude::*;

use super::{TARGETS, corpus, timed};

fn codes_of(bytes: &[u8]) -> Vec<String> {
    let (codes, took) = timed(bytes);
    // Tenths of a second here; what grows with the square of the input takes minutes, also on a busy machine.
    assert!(took < Duration::from_secs(10), "took {took:?}");
    codes
}

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (last, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        bomb += &format!("{next}: &{next} [{}]\n", vec![format!("*{last}"); 10].join(", "));
    }
    let (codes, took) = timed(bomb.as_bytes());
    assert_eq!(codes, ["too-complex"]);
    assert!(took < Duration::from_millis(100), "took {took:?}");
}

#[test]
fn hostile_sizes_are_refused_quickly() {
    assert_eq!(codes_of(&vec![b'a'; 50 << 20]), ["file-too-large"]);
    assert_eq!(codes_of(&vec![b'['; 5_000]), ["too-deep"]);
    assert_eq!(codes_of("{a: ".repeat(5_000).as_bytes()), ["too-deep"]);
    assert_eq!(codes_of("- ".repeat(5_000).as_bytes()), ["too-deep"]);
    assert_eq!(codes_of("? ".repeat(5_000).as_bytes()), ["too-deep"]);
    assert_eq!(codes_of(format!("a: [{}]\n", "x, ".repeat(40_000)).as_bytes()), ["too-complex"]);
    assert_eq!(codes_of(format!("a: {}\n", "x".repeat(200_000)).as_bytes()), ["line-too-long"]);
    assert_eq!(codes_of(b"\x7fELF\x02\x01\x01\0\0\0"), ["control-character"]);
    assert_eq!(codes_of(b"\xff\xfe\0\0a\0\0\0"), ["encoding"]);
    assert_eq!(codes_of(&[0xed, 0xa0, 0x80]), ["encoding"], "a lone surrogate");
    assert_eq!(codes_of(b"a: b\n...\ngarbage: [\n").len(), 1);
}

/// Many findings in a large file: the first are shown, the rest is counted, and it takes no time.
#[test]
fn a_thousand_mistakes_are_read_at_once() {
    let many: String = (0..9_000).map(|n| format!("key{n}: AKIAIOSFODNN7EXAMPLE\n")).collect();
    let codes = codes_of(many.as_bytes());
    assert_eq!(codes.len(), 101);
    assert!(codes.contains(&"more-findings".to_owned()));

    let wide: String = (0..5_000).map(|n| format!("k{n}: 1, ")).collect();
    assert_eq!(codes_of(format!("{{ {wide} }}").as_bytes()).len(), 101);

    let references = "${release}".repeat(12_000);
    assert_eq!(
        codes_of(
            format!("project: p\nservices: {{ a: {{ image: a, env: {{ A: \"{references}\" }} }} }}\n")
                .as_bytes()
        ),
        Vec::<String>::new()
    );

    let services: String = (0..200).map(|n| format!("  s{n}: {{ image: a }}\n")).collect();
    let junk: String = (0..9_000).map(|n| format!("junk{n}: x\n")).collect();
    assert_eq!(codes_of(format!("project: p\nservices:\n{services}{junk}").as_bytes()).len(), 101);
    let dots = codes_of(format!("? {}\n: x\n", "a.".repeat(60_000)).as_bytes());
    assert_eq!(dots, ["missing-key", "missing-key", "unknown-key"]);

    let services: String =
        (0..200).map(|n| format!("  s{n}: {{ image: a, depends_on: [s{}] }}\n", (n + 1) % 200)).collect();
    let environments: String = (0..50).map(|n| format!("  e{n}: {{ target: docker }}\n")).collect();
    let codes =
        codes_of(format!("project: p\nservices:\n{services}environments:\n{environments}").as_bytes());
    assert_eq!(codes, ["cycle"]);
}

fn seeds() -> Vec<Vec<u8>> {
    corpus("good").iter().chain(&corpus("bad")).map(|path| std::fs::read(path).unwrap()).collect()
}

/// What must hold for any input: no panic, a project exactly where there is no error, and places that lie in the file.
fn holds_for(bytes: &[u8]) {
    let parsed = config::parse("dashdeploy.yaml", bytes, &TARGETS);
    let errors = parsed.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(parsed.project.is_none(), errors, "{:?}", String::from_utf8_lossy(bytes));
    assert!(parsed.findings.iter().all(|finding| finding.code != "unreadable"), "an error without a reason");
    for finding in &parsed.findings {
        let place = finding.place.as_ref().unwrap();
        assert!(place.line >= 1 && place.column >= 1 && place.length >= 1);
        assert!(place.column <= place.source.chars().count() + 1, "{finding:?}");
        assert!(!finding.message.chars().any(char::is_control), "{finding:?}");
    }
    let order: Vec<_> =
        parsed.findings.iter().map(|f| f.place.as_ref().map(|p| (p.line, p.column))).collect();
    assert!(order.is_sorted() || parsed.findings.len() > 100, "{order:?}");
    if let Some(project) = parsed.project {
        for name in project.environments.keys() {
            project.bind(name.as_str()).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds_for(&bytes);
    }

    #[test]
    fn any_yaml_like_text(text in "([a-z]{1,3}|[ \n:\\-\\[\\]{},#&*!|>'\"%@`~?]|  |: |\n  |\\$\\{|\t|é|\u{feff}){0,80}") {
        holds_for(text.as_bytes());
    }

    #[test]
    fn any_change_of_a_file(
        seed in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 1..6),
    ) {
        let seeds = seeds();
        let mut bytes = seed.get(&seeds).clone();
        for (at, kind, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        holds_for(&bytes);
    }

    /// Words of the format in any order, so that most of what is read is understood.
    #[test]
    fn any_service(
        keys in proptest::collection::btree_map(
            prop::sample::select(vec!["build", "image", "port", "publish", "public", "health", "env", "secrets", "volumes", "proxy", "depends_on", "command", "memory", "cpus", "read_only", "headers", "dockerfile"]),
            prop::sample::select(vec!["80", "true", "false", "a", "/x", "~", "[a]", "[api]", "{ a: b }", "{ data: /data }", "{ /api: api }", "{ A: required }", "{ A: \"${services.api.port}\" }", "{ kind: vite }", "{ kind: python }", "{ kind: flask, app: \"a:b\" }", "512Mi", "0.5", "{ path: /x }", "{ command: [a] }", "{}", "[]", "\"0.0.0.0:80\"", "{ A: \"${volumes.data.path}\" }"]),
            0..8,
        ),
        change in prop::sample::select(vec!["{}", "{ public: true }", "{ publish: 80 }", "{ env: { A: \"${services.api.host}\" } }", "{ secrets: { A: optional } }", "{ memory: 1Gi }", "{ target: fly }"]),
    ) {
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let text = format!(
            "project: p\nservices:\n  api: {{ {} }}\n  web: {{ build: {{ kind: static }}, publish: 81 }}\nvolumes: {{ data: }}\n\
             environments:\n  prod: {{ target: docker, services: {{ api: {change} }} }}\n",
            keys.join(", "),
        );
        holds_for(text.as_bytes());
    }

    #[test]
    fn every_string_is_quoted_so_that_serde_saphyr_reads_it_back(text in any::<String>()) {
        let line = format!("{}: {}\n", config::quote(&text), config::quote(&text));
        let read: std::collections::BTreeMap<String, String> = serde_saphyr::from_str(&line).unwrap();
        prop_assert_eq!(read, std::collections::BTreeMap::from([(text.clone(), text)]));
    }
}
