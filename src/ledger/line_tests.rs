//! Cuts, damage and versions.

use proptest::prelude::*;

use super::*;
use crate::ledger::{Actor, Begun, RunKind};
use crate::ledger::{Called, Ended, Ending, Final, Header, History, Intended, Outcome, Status};

fn entries() -> Vec<Entry> {
    let run = "0123456789abcdef0123456789abcdef".to_owned();
    let mut release = dashdeploy_contract::conformance::sample("docker");
    release.number = Some(1);
    let begun = Begun {
        run: run.clone(),
        at: 1,
        kind: RunKind::Deploy,
        release: Some(release),
        git: None,
        actor: Actor { user: "ann".into(), host: "lap".into(), pid: 7, version: "1".into(), ci: None },
    };
    let intended = |operation: &str| {
        Entry::Intent(Intended {
            run: run.clone(),
            at: 2,
            operation: operation.into(),
            address: "POST https://x/y".into(),
        })
    };
    let called =
        |intent| Entry::Result(Called { run: run.clone(), at: 3, intent, outcome: Outcome::new(Status::Ok) });
    let ending =
        Ending { millis: 5, evidence: vec!["one\ntwo".into()], ..Ending::new(Final::Deployed, "it serves") };
    vec![
        Entry::Header(Header {
            schema: SCHEMA,
            lineage: "l".into(),
            project: "p".into(),
            environment: "e".into(),
        }),
        Entry::Begin(Box::new(begun)),
        intended("create the machine „ä”"),
        called(3),
        intended("start"),
        Entry::End(Ended { run, at: 9, ending }),
    ]
}

fn ledger() -> Vec<u8> {
    entries().iter().zip(1..).flat_map(|(entry, number)| encode(number, entry).unwrap()).collect()
}

#[test]
fn what_is_written_is_read() {
    let scanned = scan(&ledger()).unwrap();
    assert_eq!(scanned.whole, ledger().len());
    let read: Vec<Entry> = scanned.lines.into_iter().map(|line| line.entry).collect();
    assert_eq!(read, entries());
    assert_eq!(scan(b"").unwrap(), Scanned::default());
    for line in ledger().split_inclusive(|byte| *byte == b'\n') {
        serde_json::from_slice::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn a_cut_at_any_byte_leaves_what_stood_before() {
    let whole = ledger();
    let full = scan(&whole).unwrap().lines;
    for cut in 0..whole.len() {
        let scanned = scan(&whole[..cut]).unwrap();
        let ends = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(scanned.lines, full[..ends], "cut at {cut}");
        assert_eq!(
            scanned.whole,
            whole[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
        );
        // What follows a cut on a disk that lost power is often zeros.
        let mut zeros = whole[..cut].to_vec();
        zeros.resize(cut + 100, 0);
        assert_eq!(scan(&zeros).unwrap().lines, full[..ends], "zeros from {cut}");
        let history = History::of(&scanned.lines);
        assert_eq!(history.serving().is_some(), ends == full.len(), "cut at {cut}");
    }
}

#[test]
fn damage_in_the_middle_is_no_cut() {
    let whole = ledger();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let last = *ends.iter().rev().nth(1).unwrap();
    for at in 0..=last {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        let line = ends.iter().filter(|end| **end < at).count() + 1;
        match scan(&damaged) {
            Err(ScanError::Damaged { line: told, .. } | ScanError::OutOfOrder { line: told, .. }) => {
                assert_eq!(told, line, "byte {at}");
            }
            // The end of a line became another character: it and the next are one broken line, and nothing whole follows.
            Ok(scanned) => assert!(at == last && scanned.lines.len() == line - 1, "byte {at}"),
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn lines_of_two_writers_are_told() {
    let mut bytes = ledger();
    bytes.extend(encode(6, &entries()[4]).unwrap());
    let error = scan(&bytes).unwrap_err();
    assert_eq!(error, ScanError::OutOfOrder { line: 7, found: 6, expected: 7 });
    assert!(error.hint("x.jsonl").contains("mv x.jsonl"));
}

#[test]
fn a_newer_form_is_refused_and_the_first_one_is_read() {
    let framed = |number: u64, text: &str| {
        format!(
            "{{\"number\":{number},\"length\":{},\"crc32c\":\"{:08x}\",\"entry\":{text}}}\n",
            text.len(),
            crc32c::crc32c(text.as_bytes())
        )
    };
    let newer = framed(1, r#"{"header":{"schema":2,"shape":["new"]}}"#);
    let error = scan(newer.as_bytes()).unwrap_err();
    assert_eq!(error, ScanError::Newer { found: 2, known: 1 });
    assert!(error.hint("x").contains("newer"));
    // A kind of entry that only a newer version writes is never taken for a torn line.
    let mut unknown = ledger();
    unknown.extend(framed(7, r#"{"pause":{}}"#).into_bytes());
    assert_eq!(scan(&unknown).unwrap_err(), ScanError::Unknown { line: 7 });
    assert_eq!(
        scan(&ledger()[ledger().iter().position(|b| *b == b'\n').unwrap() + 1..]).unwrap_err(),
        ScanError::OutOfOrder { line: 1, found: 2, expected: 1 }
    );
    // As the first version wrote it, with no key that is optional.
    let first = [
        framed(1, r#"{"header":{"schema":1,"lineage":"l","project":"p","environment":"e"}}"#),
        framed(
            2,
            r#"{"begin":{"run":"r","at":1,"kind":"destroy","actor":{"user":"u","host":"h","pid":1,"version":"0"}}}"#,
        ),
        framed(3, r#"{"begin":{"run":"s","at":1,"kind":{"rollback":{"of":3}},"actor":{}}}"#),
        framed(4, r#"{"intent":{"run":"s","at":1,"operation":"o","address":"a"}}"#),
        framed(5, r#"{"result":{"run":"s","at":1,"intent":4,"status":"unknown"}}"#),
        framed(6, r#"{"end":{"run":"s","at":1,"outcome":"rolled_back","message":"m","millis":1}}"#),
    ];
    assert_eq!(scan(first.concat().as_bytes()).unwrap().lines.len(), 6);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..4000) {
        let _ = scan(&bytes);
        let mut mixed = ledger();
        let at = at.min(mixed.len());
        mixed.splice(at..at, bytes);
        if let Ok(scanned) = scan(&mixed) {
            let whole = scan(&ledger()).unwrap().lines;
            prop_assert_eq!(&scanned.lines[..], &whole[..scanned.lines.len()]);
        }
    }
}
