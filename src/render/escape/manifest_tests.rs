//! Each escaper of manifests against a reader of its format that was written apart from it.

// What is read here was written a line before: no budget is needed.
#![allow(clippy::disallowed_methods)]

use proptest::prelude::*;

use super::super::tests::any_text;
use super::*;

#[test]
fn each_format_has_its_own_escapes() {
    let nasty = "a'b\"c\\d${e}${{ f }}\n$g\u{7f}\u{202e}";
    assert_eq!(bicep_string(nasty).unwrap(), r#"'a\'b"c\\d\${e}\${{ f }}\n$g\u{7f}\u{202e}'"#);
    assert_eq!(workflow_scalar("${{ f }}").unwrap(), r#""${{ '${{' }} f }}""#);
    let toml: toml::Table = format!("a = {}", toml_string(nasty).unwrap()).parse().unwrap();
    assert_eq!(toml["a"].as_str(), Some(nasty));
    assert_eq!(toml_key("A_B-1").unwrap(), "A_B-1");
    assert_eq!(toml_key("a.b").unwrap(), "\"a.b\"");
    assert_eq!(bicep_key("a-b").unwrap(), "'a-b'");
    for escape in [yaml_scalar, workflow_scalar, toml_string, json_string, bicep_string, gitlab_scalar] {
        assert!(escape("a\0b").is_err());
    }
}

/// How Bicep reads a string (learn.microsoft.com, Bicep, "Data types", strings); none for one that is broken or interpolates.
fn read_bicep(text: &str) -> Option<String> {
    let inside = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut chars = inside.chars().peekable();
    let mut value = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '\n' | '\r' => return None,
            '$' if chars.peek() == Some(&'{') => return None,
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let code: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                c if "\\'$".contains(c) => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    Some(value)
}

/// How Actions reads a scalar: its expressions are replaced by their results, which are not read again.
fn read_workflow(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${{") {
        value.push_str(&rest[..at]);
        let end = rest[at..].find("}}")? + at;
        let expression = rest[at + 3..end].trim();
        value.push_str(expression.strip_prefix('\'')?.strip_suffix('\'')?);
        rest = &rest[end + 2..];
    }
    value.push_str(rest);
    Some(value)
}

fn read_yaml(text: &str) -> Option<String> {
    let value: std::collections::BTreeMap<String, String> =
        serde_saphyr::from_str(&format!("v: {text}\n")).ok()?;
    value.get("v").cloned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn values_come_back_from_every_format(value in any_text()) {
        prop_assume!(!value.contains('\0'));
        let toml: toml::Table = format!("v = {}", toml_string(&value).unwrap()).parse().unwrap();
        prop_assert_eq!(toml["v"].as_str(), Some(value.as_str()));
        let json: serde_json::Value = serde_json::from_str(&json_string(&value).unwrap()).unwrap();
        prop_assert_eq!(json.as_str(), Some(value.as_str()));
        let yaml = yaml_scalar(&value).unwrap();
        prop_assert_eq!(read_yaml(&yaml), Some(value.clone()), "{}", yaml);
        prop_assert_eq!(read_bicep(&bicep_string(&value).unwrap()), Some(value.clone()));
        let workflow = read_yaml(&workflow_scalar(&value).unwrap()).unwrap();
        prop_assert_eq!(read_workflow(&workflow), Some(value.clone()), "{}", workflow);
        let gitlab = read_yaml(&gitlab_scalar(&value).unwrap()).unwrap();
        prop_assert_eq!(gitlab.replace("$$", "$"), value);
    }

    #[test]
    fn no_value_leaves_its_line(value in any_text()) {
        for escape in [yaml_scalar, workflow_scalar, toml_string, json_string, bicep_string, gitlab_scalar] {
            if let Ok(text) = escape(&value) {
                prop_assert!(!text.contains(['\n', '\r', '\0']), "{}", text);
            }
        }
    }

    #[test]
    fn keys_come_back(key in any_text()) {
        prop_assume!(!key.contains('\0'));
        let toml: toml::Table = format!("{} = 1", toml_key(&key).unwrap()).parse().unwrap();
        prop_assert_eq!(toml.keys().next(), Some(&key));
        let bicep = bicep_key(&key).unwrap();
        prop_assert_eq!(read_bicep(&bicep).unwrap_or(bicep), key);
    }

    #[test]
    fn code_is_a_name_or_refused(text in any_text()) {
        let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if let Ok(name) = symbol(&text) {
            prop_assert!(name == text && is_name(&name) && !name.contains('-') && !name.is_empty());
        }
        if let Ok(expression) = workflow_expression(&text) {
            prop_assert!(is_name(&text) && text.contains('.'));
            prop_assert_eq!(expression, format!("${{{{ {text} }}}}"));
        }
    }
}
