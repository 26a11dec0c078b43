//! Each escaper against a reader of its format that was written apart from it.

// What is read here was written a line before: no budget is needed.
#![allow(clippy::disallowed_methods)]

use proptest::prelude::*;

use super::*;

/// The values of the test plan's format matrix.
const HOSTILE: [&str; 34] = [
    "a b",
    "\"",
    "'",
    "\\",
    "\\\\n",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "$HOME",
    "$$",
    "${X}",
    "$(id)",
    "`id`",
    "%s %%",
    "#x",
    ";x",
    "& | < >",
    "*?[",
    "!",
    "{{7*7}}",
    "${{ github.token }}",
    "]]>",
    "'''\"\"\"",
    " x ",
    "",
    "-n",
    "=",
    "yes",
    "010",
    "1e3",
    "null",
    "😀\u{301}",
    "\u{202e}x",
    "\u{2028}\u{feff}",
];

pub(super) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        proptest::collection::vec(proptest::char::any(), 0..24).prop_map(|c| c.into_iter().collect()),
        "[ -~]{0,30}",
        "[$\"'\\\\{}`#; \n\t-]{0,12}",
    ]
}

/// How BuildKit reads a double-quoted word (moby/buildkit, frontend/dockerfile/shell: `processDoubleQuote`).
fn read_dockerfile_word(text: &str) -> Option<String> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(value),
            '$' => return None,
            '\\' => match chars.next()? {
                c @ ('"' | '$' | '\\') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
}

/// How Compose reads `$` (compose-go, template): `$$` is a dollar sign; anything else would be a variable.
fn read_dollars(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '$' && chars.next() != Some('$') {
            return None;
        }
        value.push(c);
    }
    Some(value)
}

/// How nginx reads a parameter in double quotes (nginx, src/core/ngx_conf_file.c: `ngx_conf_read_token`).
fn read_nginx(text: &str) -> Option<String> {
    let Some(inside) = text.strip_prefix('"') else {
        let special = |c: char| c.is_whitespace() || ";{}\"'\\$#".contains(c);
        return (!text.is_empty() && !text.contains(special)).then(|| text.to_owned());
    };
    let mut chars = inside.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(value),
            '\\' => match chars.next()? {
                c @ ('"' | '\'' | '\\') => value.push(c),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                'n' => value.push('\n'),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
}

/// How a POSIX shell reads one word without expansions (IEEE 1003.1, section 2.2).
fn read_shell_word(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    c => value.push(c),
                }
            },
            '\\' => value.push(chars.next()?),
            c if c.is_whitespace() || "$`\"|&;<>()*?[]#~!{}".contains(c) => return None,
            c => value.push(c),
        }
    }
    Some(value)
}

/// How Go's `filepath.Match` reads a pattern without wildcards.
fn read_literal_pattern(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.strip_prefix('/').unwrap_or(text).chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '[' => return None,
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
    Some(value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn dockerfile_values_come_back(value in any_text()) {
        match dockerfile_quoted(&value) {
            Ok(text) => {
                prop_assert!(!text.contains(['\n', '\r']));
                prop_assert_eq!(read_dockerfile_word(&text), Some(value));
            }
            Err(_) => prop_assert!(value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn dockerfile_words_are_never_more_than_a_word(value in any_text()) {
        if let Ok(text) = dockerfile_word(&value) {
            prop_assert_eq!(&text, &value);
            prop_assert!(!text.is_empty() && !text.starts_with('-'));
            prop_assert!(!text.contains(|c: char| c.is_whitespace() || "$\"'\\#`;&|<>".contains(c)));
        }
    }

    #[test]
    fn commands_come_back(words in proptest::collection::vec(any_text(), 0..5)) {
        match exec_form(&words) {
            Ok(text) => {
                prop_assert!(!text.contains(['\n', '\r']));
                prop_assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), words);
            }
            Err(_) => prop_assert!(words.iter().any(|word| word.contains('\0'))),
        }
    }

    #[test]
    fn shell_words_come_back(value in any_text()) {
        match shell_word(&value) {
            Ok(text) => prop_assert_eq!(read_shell_word(&text), Some(value)),
            Err(_) => prop_assert!(value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn copied_paths_come_back(paths in proptest::collection::vec(any_text(), 1..4)) {
        if let Ok(text) = copy_operands(&paths) {
            prop_assert!(!text.contains(['\n', '\r', '$']));
            let read: Vec<String> = match text.strip_prefix('[') {
                Some(_) => serde_json::from_str(&text).unwrap(),
                None => text.split(' ').map(str::to_owned).collect(),
            };
            prop_assert_eq!(read, paths);
        }
    }

    #[test]
    fn compose_values_come_back_as_text(value in any_text()) {
        match compose_scalar(&value) {
            Ok(text) => {
                prop_assert!(!text.contains(['\n', '\r']));
                let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
                let read = read.as_str().map(str::to_owned);
                prop_assert!(read.is_some(), "{} is no text", text);
                prop_assert_eq!(read_dollars(&read.unwrap()), Some(value));
            }
            Err(_) => prop_assert!(value.contains('\0')),
        }
    }

    #[test]
    fn compose_values_stay_in_their_place_in_a_list_and_a_mapping(a in any_text(), b in any_text()) {
        if let (Ok(x), Ok(y)) = (compose_scalar(&a), compose_scalar(&b)) {
            let read: serde_json::Value = serde_saphyr::from_str(&format!("k: [{x}, {y}]\n{}: {y}\n", "l")).unwrap();
            let list: Vec<_> = read["k"].as_array().unwrap().iter().map(|v| read_dollars(v.as_str().unwrap())).collect();
            prop_assert_eq!(list, vec![Some(a), Some(b.clone())]);
            prop_assert_eq!(read_dollars(read["l"].as_str().unwrap()), Some(b));
        }
    }

    #[test]
    fn nginx_parameters_come_back(value in any_text()) {
        match nginx_token(&value) {
            Ok(text) => prop_assert_eq!(read_nginx(&text), Some(value)),
            Err(_) => prop_assert!(value.contains('$') || value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn nginx_values_come_back_once_the_dollar_is_filled_in(value in any_text()) {
        match nginx_quoted(&value) {
            Ok(text) => {
                let read = read_nginx(&text).unwrap();
                prop_assert_eq!(read.matches('$').count(), read.matches("${dollar}").count());
                prop_assert_eq!(read.replace("${dollar}", "$"), value);
            }
            Err(_) => prop_assert!(value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn ignored_paths_match_themselves_and_nothing_else(path in any_text()) {
        if let Ok(line) = ignore_path(&path) {
            prop_assert!(!line.starts_with(['#', '!']) && line.trim() == line && !line.contains(['\n', '\r']));
            let path = path.strip_prefix('/').unwrap_or(&path);
            prop_assert_eq!(read_literal_pattern(&line), Some(path.to_owned()));
        }
    }

    #[test]
    fn patterns_stay_one_line_and_no_comment(pattern in any_text()) {
        if let Ok(line) = ignore_pattern(&pattern) {
            prop_assert!(!line.starts_with('#') && !line.is_empty() && !line.contains(['\n', '\r']));
        }
    }

    #[test]
    fn env_values_come_back(value in any_text()) {
        match env_value(&value) {
            Ok(text) => prop_assert_eq!(read_shell_word(&text), Some(value)),
            Err(_) => prop_assert!(value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn comments_stay_on_their_line(text in any_text()) {
        if let Ok(text) = comment(&text) {
            prop_assert!(!text.contains(['\n', '\r']));
        }
    }
}

#[test]
fn words_that_yaml_1_1_takes_for_something_else_are_quoted() {
    for word in [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "true",
        "NULL",
        "~",
        "010",
        "1e3",
        "0x1f",
        "1:30",
        "2001-01-01",
        ".inf",
        "",
    ] {
        assert!(compose_scalar(word).unwrap().starts_with('"'), "{word}");
    }
    for word in ["info", "/data", "api", "service_healthy", "ALL"] {
        assert_eq!(compose_scalar(word).unwrap(), word);
    }
}

#[test]
fn variables_of_compose_keep_their_dollar_and_text_beside_them_does_not() {
    let pieces = [
        Piece::Text("a$b ".to_owned()),
        Piece::Required { name: "X".to_owned(), message: "set X".to_owned() },
        Piece::Default { name: "WEB_URL".to_owned(), default: "http://localhost:80".to_owned() },
    ];
    assert_eq!(compose_pieces(&pieces).unwrap(), "\"a$$b ${X:?set X}${WEB_URL:-http://localhost:80}\"");
    assert_eq!(compose_pieces(&[]).unwrap(), "\"\"");
    let bad = |name: &str, default: &str| {
        compose_pieces(&[Piece::Default { name: name.to_owned(), default: default.to_owned() }])
    };
    for (name, default) in [("X-Y", ""), ("", ""), ("X", "}"), ("X", "$Y"), ("X", "\n"), ("X", "\"")] {
        assert!(bad(name, default).is_err(), "{name} {default:?}");
    }
}
