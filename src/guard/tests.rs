//! The guard as a whole. Keys are put together at run time, so that no scanner takes this file for a leak.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use secrecy::SecretString;

use super::forms::forms;
use super::shapes::{Seen, anchors, verify};
use super::tokens::{AWS, Set, TOKENS, Token};
use super::*;

fn variable(name: &str, value: &str) -> Variable {
    Variable { name: name.to_owned(), value: SecretString::from(value), declared: true }
}

fn guard(values: &[(&str, &str)]) -> Arc<Guard> {
    Guard::new("shop", values.iter().map(|(name, value)| variable(name, value)).collect(), BTreeMap::new())
}

fn look(guard: &Guard, border: Border, path: &str, content: &[u8], piece: usize) -> Vec<Finding> {
    let mut scan = Box::new(Scan::new(guard, border, path));
    content.chunks(piece.max(1)).for_each(|bytes| scan.piece(bytes));
    scan.end()
}

fn codes(border: Border, path: &str, content: &str) -> Vec<String> {
    let found = look(&guard(&[]), border, path, content.as_bytes(), 4096);
    found.iter().map(|finding| finding.code.to_string()).collect()
}

/// Characters of a set that are in no order, the same in every run.
fn body(set: Set, length: usize, mut seed: u64) -> String {
    let all: Vec<u8> = (b'!'..=b'z').filter(|byte| set.has(*byte) && byte.is_ascii_alphanumeric()).collect();
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(all[usize::try_from(seed >> 33).unwrap() % all.len()])
    };
    (0..length).map(|_| next()).collect()
}

fn key(token: &Token) -> String {
    let mut body = body(token.set, token.least, 42);
    if !token.holds.is_empty() {
        body.replace_range(20..20 + token.holds.len(), token.holds);
    }
    format!("{}{body}", token.prefix)
}

fn secret_of_aws() -> String {
    format!("{}+/{}", body(Set::Alnum, 20, 7), body(Set::Alnum, 18, 8))
}

fn seen(text: &str) -> Vec<Seen> {
    let found = anchors().flat_map(|(prefix, anchor)| {
        text.match_indices(prefix)
            .filter_map(move |(at, _)| verify(anchor, text.as_bytes(), at))
            .collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn every_kind_of_key_is_seen_where_programs_write_it() {
    for token in TOKENS {
        let key = key(token);
        let beside = if token.kind == AWS { format!(" {}", secret_of_aws()) } else { String::new() };
        for text in [
            format!("{key}{beside}"),
            format!("KEY={key}\nOTHER={beside}"),
            format!("const k = \"{key}\";{beside}"),
            format!("x\\n{key}\\n{beside}"),
            format!("?k%3D{key}&a=1{beside}"),
        ] {
            let kinds: Vec<&str> = seen(&text).iter().map(|seen| seen.kind).collect();
            assert!(kinds.contains(&token.kind), "{} in {text}: {kinds:?}", token.prefix);
        }
    }
}

#[test]
fn near_misses_are_no_keys() {
    for token in TOKENS {
        let whole = key(token);
        let short = &whole[..whole.len() - 1];
        let longer = format!("{}{}", token.prefix, body(token.set, token.most + 1, 42));
        let same = format!("{}{}", token.prefix, "a1".repeat(token.most).get(..token.least).unwrap());
        let sequence =
            format!("{}{}", token.prefix, "abcdef0123456789".repeat(token.most).get(..token.least).unwrap());
        let inside = format!("q{whole}");
        let name = format!("{}_NAME", token.prefix.to_uppercase());
        for text in [short, &longer, &same, &sequence, &inside, &name, token.prefix] {
            let kinds: Vec<&str> = seen(text).iter().map(|seen| seen.kind).collect();
            assert!(!kinds.contains(&token.kind), "{text}: {kinds:?}");
        }
    }
}

#[test]
fn examples_hashes_and_stand_ins_are_no_findings() {
    let long = "A".repeat(60);
    for text in [
        format!("aws_access_key_id = AKIA{}\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY{}", "IOSFODNN7EXAMPLE", "EXAMPLEKEY"),
        format!("an id alone: {}", key(&TOKENS[0])),
        format!("ghp_{}", "x".repeat(36)),
        format!("sk_live_{}", "your_key_here_your_key_here"),
        format!("AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq{}==", "/K1SZFPTOtr/KBHBeksoGMGw"),
        "\"integrity\": \"sha512-vkB1bSPCeSmzpHKQPPkmUXXVQAwJiHpOGm8hBvVbU4hH6v1sG0UlCkVQ0Jb2zIy9rKQb2lFyDqMZKkJ5Yv2A==\"".into(),
        "--hash=sha256:ecb6f3b1f4d3a5a9b2f8c4a0d5e6f7081920a1b2c3d4e5f60718293a4b5c6d7e".into(),
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301".into(),
        format!("data:image/png;base64,iVBORw0KGgo{}", body(Set::Base64, 4000, 3)),
        "!function(e,t){var n=sk_live;npm_config_registry=t,glpat-x;r(\"SK\"+t)}(window)".into(),
        "-----BEGIN PRIVATE KEY-----".into(),
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'): return decode(line, 'and so on, long enough to be a body')".into(),
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", body(Set::Base64, 640, 5)),
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", body(Set::Base64, 640, 5)),
        format!("-----BEGIN PRIVATE KEY-----\n{long}\n{long}\n-----END PRIVATE KEY-----"),
        "postgres://postgres:postgres@localhost:5432/app".into(),
        "postgres://user:password@db.example.com/app".into(),
        "redis://:secret@redis:6379/0".into(),
        "postgres://app:${DB_PASSWORD}@db.acme.io/app".into(),
        "postgres://app:%s@db.acme.io/app".into(),
        "https://{user}:{password}@registry.acme.io".into(),
        "dotenv://:key_1234@dotenvx.com/vault/.env.vault".into(),
        "cvs://:pserver:anoncvs@sources.redhat.com:/cvs/src".into(),
        "https://user:he%2F%2Fo@pypi.company.com/simple".into(),
        "see https://acme.io/a:b and mail me@acme.io".into(),
        "postgresql://dev:devpassword@database.acme.io/x".into(),
        "@types/node@https://registry.npmjs.org/a/-/a-1.0.tgz".into(),
    ] {
        assert_eq!(seen(&text), [], "{text}");
    }
}

#[test]
fn private_keys_addresses_and_service_roles_are_seen() {
    let pem = body(Set::Base64, 128, 9);
    let token = |role: &str| {
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let payload =
            engine.encode(format!("{{\"iss\":\"supabase\",\"ref\":\"abc\",\"role\":\"{role}\",\"exp\":1}}"));
        format!(
            "{}.{payload}.{}",
            engine.encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
            body(Set::Alnum, 43, 4)
        )
    };
    for text in [
        format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----"),
        format!("\"private_key\": \"-----BEGIN RSA PRIVATE KEY-----\\n{pem}\\n"),
        format!("-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\n{pem}"),
        format!("'-----BEGIN OPENSSH PRIVATE KEY-----\\n' +\n  '{pem}\\n'"),
        format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{pem}"),
        "DATABASE_URL=postgres://app:Tr0ub4dorAnd3@db.acme.io:5432/app".into(),
        "https://deploy:p%40ssw0rTd9@registry.acme.io/v2".into(),
        format!("redis://:{}@cache:6379", body(Set::Alnum, 24, 6)),
        token("service_role"),
    ] {
        assert_eq!(seen(&text).len(), 1, "{text}");
    }
    assert_eq!(seen(&token("anon")), []);
}

#[test]
fn a_finding_says_what_and_where_and_how_to_mend_it_and_never_the_value() {
    let value = "s3cr3t/välue \"x\"";
    let guard = guard(&[("TS_KEY", value)]);
    let text = format!("first\n  käy: {}\nagain {value} and {value}", STANDARD.encode(value));
    let found = look(&guard, Border::Context, "src/app.py", text.as_bytes(), 3);
    assert_eq!(found.len(), 1, "{found:?}");
    let place = found[0].place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line, place.column), ("src/app.py", 2, 8));
    assert_eq!(
        found[0].message,
        "the value of `TS_KEY`, base64-encoded, would be sent to the engine (3 times in this file)"
    );
    let fingerprint = fingerprint_of(&found[0]).unwrap();
    assert!(is_fingerprint(fingerprint));
    let hint = found[0].hint.as_ref().unwrap();
    assert!(hint.contains(&format!("--allow {fingerprint} --reason")), "{hint}");
    let all = format!("{found:?} {guard:?} {:?}", guard.engine());
    for (_, form) in forms(value) {
        assert!(!all.contains(&*String::from_utf8_lossy(&form)));
    }
}

#[test]
fn what_is_allowed_passes_wherever_it_lies_and_what_was_not_met_is_known() {
    let plain = guard(&[("A_KEY", "the-f1rst-value"), ("B_KEY", "the-s3cond-value")]);
    let first = look(&plain, Border::Context, "a.txt", b"the-f1rst-value", 9);
    let fingerprint = fingerprint_of(&first[0]).unwrap().to_owned();
    let allowed =
        BTreeMap::from([(fingerprint, "shown in the manual".to_owned()), ("0".repeat(12), "old".to_owned())]);
    let values = vec![variable("A_KEY", "the-f1rst-value"), variable("B_KEY", "the-s3cond-value")];
    let guard = Guard::new("shop", values, allowed);
    assert!(guard.unmet().is_empty(), "nothing was looked at yet");
    assert_eq!(look(&guard, Border::Context, "moved/b.txt", b"x the-f1rst-value", 9), []);
    assert_eq!(look(&guard, Border::Context, "c.txt", b"the-s3cond-value", 9).len(), 1);
    assert_eq!(guard.unmet(), ["0".repeat(12)]);
    assert_ne!(plain.edition(Border::Context), guard.edition(Border::Context));
    assert_ne!(guard.edition(Border::Image), guard.edition(Border::Context));
}

#[test]
fn a_secret_file_is_told_once_and_packages_may_carry_their_test_keys() {
    let guard = guard(&[("API_KEY", "abcd-1234-efgh")]);
    let found = look(&guard, Border::Context, "web/.env", b"VITE_A=1\nAPI_KEY=abcd-1234-efgh\n", 5);
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].code, found[0].place.as_ref().unwrap().line), ("guard-secret-file", 2));
    let token = key(&TOKENS[2]);
    assert_eq!(codes(Border::Context, "app/x.js", &token), ["guard-key-shape"]);
    assert_eq!(codes(Border::Context, "node_modules/x/test.js", &token), [""; 0]);
    assert_eq!(codes(Border::Image, "/usr/lib/x/test.js", &token), [""; 0]);
    assert_eq!(codes(Border::Image, "/usr/share/nginx/html/x.js", &token), ["guard-key-shape"]);
    let known = look(&guard, Border::Image, "/usr/lib/node_modules/x.js", b"abcd-1234-efgh", 5);
    assert_eq!(&*known[0].code, "guard-known-value");
}

#[test]
fn keys_that_browsers_carry_are_a_warning_there() {
    let google = key(TOKENS.iter().find(|token| token.public).unwrap());
    assert_eq!(codes(Border::Bundle, "assets/index.js", &google), ["guard-public-key"]);
    assert_eq!(codes(Border::Context, "src/firebase.ts", &google), [""; 0]);
    assert_eq!(codes(Border::Context, "app/maps.py", &google), ["guard-key-shape"]);
}

#[test]
fn names_of_files_are_looked_at_and_not_shown() {
    let found =
        look(&guard(&[("KEY", "s3cret-in-a-name")]), Border::Image, "/app/s3cret-in-a-name.txt", b"", 1);
    assert_eq!(found[0].place.as_ref().unwrap().file, "/app/•••.txt");
}

#[test]
fn compressed_files_of_a_page_are_looked_into() {
    use std::io::Write as _;
    let guard = guard(&[("KEY", "s3cret-of-a-page")]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(format!("{}s3cret-of-a-page", "x\n".repeat(90_000)).as_bytes()).unwrap();
    let bytes = gz.finish().unwrap();
    let at = guard.at(Border::Bundle);
    let look = |path: &'static str, bytes: &[u8]| {
        let mut inspection = at.open(path, 1);
        bytes.chunks(100).for_each(|piece| inspection.piece(piece));
        inspection.end()
    };
    let found = look("a.js.gz", &bytes);
    assert_eq!((found.len(), found[0].place.as_ref().unwrap().line), (1, 90_001));
    assert_eq!(look("a.js.gz", b"s3cret-of-a-page in no such file").len(), 1);
    assert_eq!(look("a.js.gz", b"\x1f\x8b\x08 broken"), []);
    assert_eq!(&*look("a.js.br", &bytes)[0].code, "guard-not-seen-through");
}

#[test]
fn simple_words_count_only_alone() {
    let guard = guard(&[("DB_USER", "tradings")]);
    assert_eq!(look(&guard, Border::Context, "a", b"class Tradingservice: tradingservice_tradingss", 64), []);
    assert_eq!(look(&guard, Border::Context, "a", b"user=tradings;", 64).len(), 1);
}

#[test]
fn large_files_are_seen_through_with_lines_counted() {
    let guard = guard(&[("KEY", "needle-in-the-hay1")]);
    let mut text = "hay hay hay\n".repeat(70_000);
    text.push_str("  needle-in-the-hay1");
    for piece in [4096, 65_536, 300_000, text.len()] {
        let found = look(&guard, Border::Context, "big", text.as_bytes(), piece);
        let place = found[0].place.as_ref().unwrap();
        assert_eq!((found.len(), place.line, place.column), (1, 70_001, 3), "{piece}");
    }
    let long = format!("{}needle-in-the-hay1", "ä".repeat(400_000));
    let found = look(&guard, Border::Context, "min.js", long.as_bytes(), 10_000);
    assert_eq!(found[0].place.as_ref().unwrap().column, 400_001);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_form_is_seen_across_every_cut(
        value in "[ -~äß€😀]{6}[A-Za-z0-9+/=_&\"'\\\\]{10,40}",
        before in "[a-z \n]{0,40}",
        piece in 1_usize..80,
        pick in any::<prop::sample::Index>(),
    ) {
        prop_assume!(words::too_plain(value.trim()).is_none());
        let guard = guard(&[("KEY", &value)]);
        let all = forms(value.trim());
        let (form, bytes) = &all[pick.index(all.len())];
        let content = [before.as_bytes(), b"\n=", bytes, b"\n"].concat();
        let found = look(&guard, Border::Context, "f", &content, piece);
        prop_assert!(found.iter().any(|f| f.code == "guard-known-value"), "{form:?}");
    }

    #[test]
    fn encoders_of_others_are_seen_through(value in "[ -~]{4}[A-Za-z0-9/+ ]{8,30}[!-~]{2}", around in "[a-z]{0,5}") {
        prop_assume!(words::too_plain(value.trim()).is_none());
        let value = value.trim();
        let guard = guard(&[("KEY", value)]);
        let json = serde_json::to_string(value).unwrap();
        let source = format!("const k = {json};\n");
        let map = serde_json::json!({ "version": 3, "sourcesContent": [source] }).to_string();
        let base64 = STANDARD.encode(format!("{around}{value}{around}"));
        for text in [json, map, base64] {
            let found = look(&guard, Border::Bundle, "a.js.map", text.as_bytes(), 7);
            prop_assert!(found.iter().any(|f| f.code == "guard-known-value"), "{}", text);
        }
    }

    #[test]
    fn noise_has_no_findings(content in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(look(&guard(&[("KEY", "s0me-secret-value")]), Border::Context, "noise", &content, 100), []);
    }
}
