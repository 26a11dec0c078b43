//! Histories of a few runs.

use dashdeploy_contract::conformance::sample;

use super::*;
use crate::ledger::Actor;

/// Writes lines.
#[derive(Default)]
struct Pen(Vec<Line>);

impl Pen {
    fn put(&mut self, entry: Entry) -> u64 {
        let number = self.0.len() as u64 + 1;
        self.0.push(Line { number, entry });
        number
    }

    fn begin(&mut self, run: &str, kind: RunKind, release: Option<Release>) {
        let begun = Begun { run: run.into(), at: 0, kind, release, git: None, actor: Actor::default() };
        self.put(Entry::Begin(Box::new(begun)));
    }

    fn end(&mut self, run: &str, outcome: Final) {
        self.put(Entry::End(Ended { run: run.into(), at: 1, ending: Ending::new(outcome, "") }));
    }

    fn run(&mut self, run: &str, kind: RunKind, release: Option<Release>, outcome: Final) {
        self.begin(run, kind, release);
        self.end(run, outcome);
    }

    fn history(&self) -> History {
        History::of(&self.0)
    }
}

fn release(number: u32, content: &str) -> Release {
    let mut release = sample("docker");
    release.number = Some(number);
    for image in release.images.values_mut() {
        image.id.0 = content.to_owned();
    }
    release
}

#[test]
fn what_serves_is_what_was_deployed_last() {
    let mut pen = Pen::default();
    assert_eq!(pen.history().next_number(), 1);
    assert!(pen.history().serving().is_none());
    pen.run("a", RunKind::Deploy, Some(release(1, "x")), Final::Deployed);
    pen.run("b", RunKind::Deploy, Some(release(2, "y")), Final::RolledBack);
    pen.run("c", RunKind::Secrets, None, Final::Changed);
    pen.run("d", RunKind::Deploy, Some(release(3, "z")), Final::Interrupted);
    let history = pen.history();
    assert_eq!(history.serving().unwrap().number, Some(1));
    assert_eq!(history.next_number(), 4);
    assert_eq!(history.releases().map(|(number, _)| number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(history.release(2).unwrap().outcome(), Some(Final::RolledBack));
    pen.run("e", RunKind::Rollback { of: 1 }, Some(release(4, "x")), Final::Deployed);
    assert_eq!(pen.history().serving().unwrap().number, Some(4));
    assert_eq!(pen.history().release(4).unwrap().rollback_of(), Some(1));
    pen.run("f", RunKind::Destroy, None, Final::Destroyed);
    assert!(pen.history().serving().is_none());
    assert_eq!(pen.history().next_number(), 5);
}

#[test]
fn what_failed_is_remembered_until_it_is_deployed() {
    let mut pen = Pen::default();
    pen.run("a", RunKind::Deploy, Some(release(1, "x")), Final::Failed);
    let mut again = release(9, "x");
    again.project_dir = "/elsewhere".into();
    again.git = None;
    assert_eq!(pen.history().failed(&again).unwrap().number(), Some(1));
    assert!(pen.history().failed(&release(1, "y")).is_none());
    pen.run("b", RunKind::Deploy, Some(release(2, "x")), Final::Interrupted);
    assert_eq!(pen.history().failed(&again).unwrap().number(), Some(1), "an interruption says nothing of it");
    pen.run("c", RunKind::Deploy, Some(release(3, "x")), Final::Deployed);
    assert!(pen.history().failed(&again).is_none());
}

#[test]
fn a_run_without_end_is_open_with_the_calls_of_unknown_outcome() {
    let mut pen = Pen::default();
    pen.begin("a", RunKind::Deploy, Some(release(1, "x")));
    let intend = |pen: &mut Pen, operation: &str| {
        let (operation, address) = (operation.to_owned(), String::new());
        pen.put(Entry::Intent(Intended { run: "a".into(), at: 0, operation, address }))
    };
    for (operation, status) in [("one", Some(Status::Ok)), ("two", Some(Status::Unknown)), ("three", None)] {
        let intent = intend(&mut pen, operation);
        if let Some(status) = status {
            pen.put(Entry::Result(Called { run: "a".into(), at: 0, intent, outcome: Outcome::new(status) }));
        }
    }
    let history = pen.history();
    let open = history.open_run().unwrap();
    let unknown: Vec<&str> = open.open_steps().map(|step| step.intended.operation.as_str()).collect();
    assert_eq!(unknown, ["two", "three"]);
    assert_eq!(history.next_number(), 2, "a number is never given twice");
    pen.end("a", Final::Failed);
    assert!(pen.history().open_run().is_none());
    // Lines of runs that nobody began change nothing.
    pen.end("ghost", Final::Deployed);
    assert!(pen.history().serving().is_none());
}
