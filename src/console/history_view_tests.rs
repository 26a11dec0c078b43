//! The table of releases, and the verdict over a rollback.

use dashdeploy_contract::Name;

use super::*;
use crate::deploy::HistoryOutcome;
use crate::deploy::sample_tests::HOSTILE;

const PLAIN: Style = Style { color: false };

fn row(number: u32, outcome: HistoryOutcome) -> HistoryRow {
    let name = |text: &str| Name::parse(text).unwrap();
    HistoryRow {
        number: Some(number),
        kind: HistoryKind::Deploy,
        rollback_of: None,
        at: format!("2026-11-2{number}T09:30:59+01:00").parse().unwrap(),
        outcome,
        by: "ada@laptop".to_owned(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        dirty: number == 2,
        images: [
            (name("api"), format!("sha256:{}", "a".repeat(64))),
            (name("web"), "bbbbbbbbbbbb".to_owned()),
        ]
        .into(),
        runs: number == 3,
    }
}

#[test]
fn releases_stand_in_a_table() {
    let back =
        HistoryRow { kind: HistoryKind::Rollback, rollback_of: Some(1), ..row(3, HistoryOutcome::Done) };
    let gone = HistoryRow {
        kind: HistoryKind::Destroy,
        number: None,
        commit: None,
        images: indexmap::IndexMap::new(),
        ..row(4, HistoryOutcome::Open)
    };
    let hostile = HistoryRow { by: HOSTILE.to_owned(), ..row(5, HistoryOutcome::Partial) };
    let rows = [hostile, gone, back, row(2, HistoryOutcome::RolledBack), row(1, HistoryOutcome::Done)];
    let text = history_text(&rows);
    assert_eq!(text.lines().count(), 6);
    assert!(text.chars().all(|c| (!c.is_control() || c == '\n') && c != '\u{202e}'), "{text}");
    insta::assert_snapshot!("history", history_text(&rows[1..]));
    insta::assert_snapshot!("history_json", serde_json::to_string_pretty(&rows[2]).unwrap());
    assert_eq!(history_text(&[]), "Nothing was deployed here yet.");
}

#[test]
fn a_verdict_names_every_reason() {
    let reason = |code: &str, message: &str| RollbackReason {
        code: code.to_owned(),
        service: Name::parse("api").unwrap(),
        message: message.to_owned(),
    };
    let mut verdict =
        RollbackVerdict { to: Some(5), from: Some(8), blockers: Vec::new(), doubts: Vec::new() };
    assert_eq!(rollback_text(&verdict, PLAIN), "Rollback from r8 to r5: nothing stands in the way");
    verdict.doubts.push(reason("secret-differs", "the value of API_KEY is another today"));
    verdict.doubts.push(reason("schema-differs", HOSTILE));
    assert!(
        rollback_text(&verdict, PLAIN)
            .starts_with("Rollback from r8 to r5: possible, but to be thought of\n  ! api")
    );
    verdict.blockers.push(reason(
        "image-gone",
        &format!("its image ghcr.io/acme/shop-api@sha256:{} is not there any more", "a".repeat(64)),
    ));
    insta::assert_snapshot!("rollback", rollback_text(&verdict, PLAIN));
    assert!(rollback_text(&verdict, PLAIN).lines().all(|line| crate::console::fold::width(line) <= 80));
}
