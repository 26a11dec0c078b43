use std::collections::BTreeMap;

use serde::Serialize;

use super::*;

fn fill(name: &str, source: &str, context: &impl Serialize) -> Result<String, TemplateError> {
    let overrides = BTreeMap::from([(name.to_owned(), source.to_owned())]);
    Engine::new(&[], &overrides)?.fill(name, context)
}

#[derive(Serialize)]
struct One<T> {
    v: T,
}

#[test]
fn every_value_is_written_as_its_format_demands() {
    let hostile = "a\"b $X </x>; {{7*7}}";
    for (name, expected) in [
        ("x.yaml.j2", "\"a\\\"b $$X </x>; {{7*7}}\""),
        ("x.conf.j2", "nginx.conf cannot carry"),
        ("x.Dockerfile.j2", "a Dockerfile instruction cannot carry"),
        ("x.dockerignore.j2", "a\"b $X </x>; {{7\\*7}}"),
        ("x.env.j2", "'a\"b $X </x>; {{7*7}}'"),
        ("x.txt", "tells no format"),
    ] {
        match fill(name, "{{ v }}", &One { v: hostile }) {
            Ok(text) => assert_eq!(text, expected, "{name}"),
            Err(error) => assert!(error.to_string().contains(expected), "{name}: {error}"),
        }
    }
}

#[test]
fn manifests_write_maps_lists_and_words() {
    let v = serde_json::json!({ "A_B": "x", "c.d": [1, true, { "e": "f'${" }], "none": {} });
    for (name, expected) in [
        ("x.toml.j2", r#"{ A_B = "x", "c.d" = [1, true, { e = "f'${" }], none = {} }"#),
        ("x.bicep.j2", r"{ A_B: 'x', 'c.d': [1, true, { e: 'f\'\${' }], none: {} }"),
        ("x.manifest.yaml.j2", r#"{ A_B: x, c.d: [1, true, { e: "f'${" }], none: {} }"#),
        (
            "x.json.j2",
            "{\n  \"A_B\": \"x\",\n  \"c.d\": [\n    1,\n    true,\n    {\n      \"e\": \"f'${\"\n    }\n  ],\n  \"none\": {}\n}\n",
        ),
    ] {
        assert_eq!(fill(name, "{{ v }}", &One { v: v.clone() }).unwrap(), expected, "{name}");
    }
    let key = One { v: serde_json::json!({ "$key": "A" }) };
    assert_eq!(fill("x.toml.j2", "{{ v }} = 1", &key).unwrap(), "A = 1");
    let join = One { v: serde_json::json!({ "$join": ["https://'", { "$symbol": "api.fqdn" }] }) };
    assert_eq!(fill("x.bicep.j2", "{{ v }}", &join).unwrap(), r"'https://\'${api.fqdn}'");
    for bad in ["a b", "a)", "", "a.", "0"] {
        assert!(
            fill("x.bicep.j2", "{{ v }}", &One { v: serde_json::json!({ "$symbol": bad }) }).is_err(),
            "{bad}"
        );
    }
    assert!(fill("x.toml.j2", "{{ v }}", &join).is_err());
}

#[test]
fn a_marked_value_says_what_it_is_also_inside_lists() {
    let list = One { v: vec![Marked::Quoted("a $B".to_owned()), Marked::Exec(vec!["x".to_owned()])] };
    let text = fill("x.Dockerfile.j2", "{% for i in v %}{{ i }}|{% endfor %}", &list).unwrap();
    assert_eq!(text, "\"a \\$B\"|[\"x\"]|");
    let misplaced = fill("x.yaml.j2", "{{ v }}", &One { v: Marked::Regex("a".to_owned()) }).unwrap_err();
    assert!(misplaced.message.contains("have no place"), "{misplaced}");
    let empty = One { v: Some(Marked::Quoted(String::new())) };
    assert_eq!(fill("x.Dockerfile.j2", "{% if v %}{{ v }}{% endif %}", &empty).unwrap(), "\"\"");
    let words = One { v: vec!["CMD", "a b"] };
    assert_eq!(fill("x.yaml.j2", "{{ v }}", &words).unwrap(), "[CMD, \"a b\"]");
}

#[test]
fn nothing_is_blank_by_mistake_and_nothing_runs_for_ever() {
    for source in ["{{ w }}", "{% if w %}{% endif %}", "{{ v.w }}", "{% for x in w %}{% endfor %}"] {
        assert!(fill("x.yaml.j2", source, &One { v: "a" }).is_err(), "{source}");
    }
    assert!(fill("x.yaml.j2", "{{ v }}", &One { v: None::<&str> }).is_err());
    assert!(fill("x.yaml.j2", "{{ v }}", &One { v: One { v: 1 } }).is_err());
    let endless = "{% for a in v %}{% for b in v %}{% for c in v %}x{% endfor %}{% endfor %}{% endfor %}";
    assert!(fill("x.yaml.j2", endless, &One { v: vec![1; 500] }).is_err());
}

#[test]
fn no_filter_can_get_round_the_escaper() {
    for source in ["{{ v|safe }}", "{{ v|upper }}", "{{ v|default('x') }}", "{{ range(9) }}"] {
        assert!(fill("x.yaml.j2", source, &One { v: "a" }).is_err(), "{source}");
    }
    let raw = fill("x.yaml.j2", "{% autoescape false %}{{ v }}{% endautoescape %}", &One { v: "a: $b" });
    assert!(raw.is_err() || raw.unwrap().contains("$$b"));
}

#[test]
fn an_error_names_template_and_line() {
    let error = fill("x.yaml.j2", "a\n{{ w }}\n", &One { v: 1 }).unwrap_err();
    assert_eq!((error.template.as_str(), error.line), ("x.yaml.j2", 2));
    assert!(Engine::new(&[], &BTreeMap::from([("x.yaml.j2".to_owned(), "{% if %}".to_owned())])).is_err());
}

#[test]
fn the_built_in_templates_hold_values_loops_and_conditions_only() {
    let engine = Engine::new(&[], &BTreeMap::new()).unwrap();
    let names = engine.names().into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(Format::of(&name).is_some(), "{name} tells no format");
        // Text that is written as it stands holds no value: the expressions of a workflow.
        let source = without_raw(&engine.source(&name).unwrap());
        for (at, tag) in source.match_indices("{%") {
            let rest = source[at + tag.len()..].trim_start_matches(['+', '-']);
            let word = rest.split_whitespace().next().unwrap_or_default();
            assert!(["for", "endfor", "if", "else", "elif", "endif"].contains(&word), "{name}: {word}");
        }
        for (at, _) in source.match_indices("{{ ") {
            let end = source[at..].find("}}").unwrap();
            let inside = source[at + 3..at + end].trim();
            let is_path = inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            assert!(is_path, "{name}: {inside}");
        }
    }
}

fn without_raw(source: &str) -> String {
    let mut parts = source.split("{% raw %}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once("{% endraw %}").unwrap().1)
}
