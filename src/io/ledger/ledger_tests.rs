//! Journals on real disks, and histories that several machines share.

use std::fs;
use std::sync::atomic::Ordering;

use super::kit_tests::{Lab, deploy, release};
use super::*;
use crate::ledger::{Ending, Final, Outcome, ScanError, Status};

fn done() -> Ending {
    Ending::new(Final::Deployed, "it serves")
}

#[tokio::test]
async fn a_run_is_written_down_and_read_again() {
    for lab in [Lab::local(), Lab::shared()] {
        assert!(lab.history().await.runs().is_empty());
        assert!(!lab.folder.path().join(".dashdeploy").exists(), "looking makes nothing");
        let run = lab.begin().await.unwrap();
        assert_eq!(run.number(), Some(1));
        assert_eq!(lab.history().await.open_run().unwrap().begun.run, run.id());
        let intent = run.intent("create the machine", "POST https://x/y").await.unwrap();
        let outcome = Outcome { remote_id: Some("m1".into()), ..Outcome::new(Status::Ok) };
        run.result(intent, outcome.clone()).await.unwrap();
        run.intent("start", "POST https://x/z").await.unwrap();
        let open = lab.history().await;
        let open = open.open_run().unwrap();
        assert_eq!(open.steps[0].outcome, Some(outcome));
        assert_eq!(open.open_steps().count(), 1);
        run.end(done()).await.unwrap();
        assert!(matches!(run.end(done()).await, Err(LedgerError::Ended { .. })));
        assert!(matches!(run.intent("x", "y").await, Err(LedgerError::Ended { .. })));
        let second = lab.begin().await.unwrap();
        assert_eq!(second.number(), Some(2));
        second.end(Ending::new(Final::RolledBack, "r1 serves")).await.unwrap();
        let history = lab.history().await;
        assert_eq!((history.serving().unwrap().number, history.next_number()), (Some(1), 3));
        assert_eq!(history.serving().unwrap().images, release("x").images);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_is_its_users_alone_and_in_no_repository() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::local();
    let _guard = lab.lock("ann").await.unwrap();
    let _run = lab.begin().await.unwrap();
    let folder = lab.folder.path().join(".dashdeploy/ledger");
    assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*\n");
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    // Nothing is written through links.
    let lab = Lab::local();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), lab.folder.path().join(".dashdeploy")).unwrap();
    assert!(lab.begin().await.is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_cut_anywhere_goes_on_after_the_cut() {
    let lab = Lab::local();
    let run = lab.begin().await.unwrap();
    run.intent("one", "POST https://x").await.unwrap();
    run.end(done()).await.unwrap();
    let path = lab.place().file("jsonl");
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..cut]).unwrap();
        let _ = fs::remove_file(path.with_extension("torn"));
        let before = lab.history().await;
        let run = lab.begin().await.unwrap();
        assert_eq!(run.number(), Some(before.next_number()), "cut at {cut}");
        let ends = whole[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let torn = fs::read(path.with_extension("torn")).unwrap_or_default();
        assert_eq!(torn, &whole[ends..cut], "what was torn is kept");
        assert_eq!(fs::read(&path).unwrap()[..ends], whole[..ends], "what was whole is as it was");
        run.end(done()).await.unwrap();
    }
}

#[tokio::test]
async fn damage_stops_everything_and_is_left_as_it_is() {
    let lab = Lab::local();
    lab.begin().await.unwrap().end(done()).await.unwrap();
    let path = lab.place().file("jsonl");
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 200;
    bytes[second] ^= 4;
    fs::write(&path, &bytes).unwrap();
    let error = Ledger::open(&lab.place()).await.err().unwrap();
    assert!(
        matches!(&error, LedgerError::Unreadable { problem: ScanError::Damaged { line: 2, .. }, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("line 2") && error.hint().unwrap().contains("mv "));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn only_one_run_writes() {
    let lab = Lab::local();
    let first = lab.begin().await.unwrap();
    assert!(matches!(lab.begin().await, Err(LedgerError::Busy { .. })));
    drop(first);
    let second = lab.begin().await.unwrap();
    assert_eq!(second.number(), Some(2), "the number of a run that was killed is not given again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_the_same_time_share_what_they_wait_for() {
    let lab = Lab::local();
    let run = lab.begin().await.unwrap();
    let calls = (0..20).map(|n| {
        let run = std::sync::Arc::clone(&run);
        tokio::spawn(async move {
            for round in 0..10 {
                let intent = run.intent(&format!("{n}/{round}"), "POST https://x").await.unwrap();
                run.result(intent, Outcome::new(Status::Ok)).await.unwrap();
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let history = lab.history().await;
    let steps = &history.open_run().unwrap().steps;
    assert_eq!(steps.len(), 200);
    assert!(steps.iter().all(|step| step.outcome.is_some()));
}

#[tokio::test]
async fn a_release_planned_before_somebody_else_deployed_is_refused() {
    let lab = Lab::shared();
    let ledger = Ledger::open(&lab.place()).await.unwrap();
    let mut planned = deploy("y");
    planned.release.as_mut().unwrap().number = Some(1);
    lab.elsewhere().begin().await.unwrap().end(done()).await.unwrap();
    let error = ledger.begin(planned).await.err().unwrap();
    assert!(matches!(error, LedgerError::Moved { asked: 1, next: 2 }), "{error}");
}

#[tokio::test]
async fn a_shared_history_needs_no_file_of_this_machine() {
    let one = Lab::shared();
    let run = one.begin().await.unwrap();
    run.intent("create", "POST https://x").await.unwrap();
    let two = one.elsewhere();
    let seen = two.history().await;
    assert_eq!(seen.open_run().unwrap().begun.run, run.id(), "a run of another machine is seen");
    assert_eq!(seen.open_run().unwrap().steps.len(), 0, "its calls are known to that machine alone");
    run.end(done()).await.unwrap();
    let next = two.begin().await.unwrap();
    assert_eq!(next.number(), Some(2));
    next.end(done()).await.unwrap();
    let told = |history: &crate::ledger::History| {
        history.releases().map(|(n, run)| (n, run.begun.clone(), run.ended.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&one.history().await), told(&two.history().await), "both tell the same");
}

#[tokio::test]
async fn lost_answers_double_nothing() {
    let lab = Lab::shared();
    lab.faulty().lose_answers.store(true, Ordering::SeqCst);
    for number in 1..=3 {
        let run = lab.begin().await.unwrap();
        assert_eq!(run.number(), Some(number));
        run.end(done()).await.unwrap();
    }
    assert_eq!(lab.elsewhere().history().await.runs().len(), 3);
}

#[tokio::test]
async fn an_end_that_could_not_be_shared_is_shared_by_the_next_run() {
    let lab = Lab::shared();
    let run = lab.begin().await.unwrap();
    lab.faulty().cut.store(true, Ordering::SeqCst);
    let error = run.end(done()).await.err().unwrap();
    assert!(matches!(error, LedgerError::Unpublished { .. }), "{error}");
    assert!(lab.begin().await.is_err(), "nothing begins that cannot be written down everywhere");
    lab.faulty().cut.store(false, Ordering::SeqCst);
    assert_eq!(lab.elsewhere().history().await.serving().map(|release| release.number), None);
    assert_eq!(lab.history().await.serving().unwrap().number, Some(1), "this machine knows");
    drop(lab.begin().await.unwrap());
    assert_eq!(lab.elsewhere().history().await.serving().unwrap().number, Some(1));
}

#[tokio::test]
async fn a_history_moves_into_a_shared_ledger() {
    let mut lab = Lab::local();
    for content in ["x", "y"] {
        let run = Ledger::open(&lab.place()).await.unwrap().begin(deploy(content)).await.unwrap();
        run.end(done()).await.unwrap();
    }
    lab.objects = Lab::shared().objects;
    assert_eq!(lab.history().await.next_number(), 3, "it is seen before anything is written");
    let run = lab.begin().await.unwrap();
    assert_eq!(run.number(), Some(3));
    run.end(done()).await.unwrap();
    let seen = lab.elsewhere().history().await;
    assert_eq!(seen.releases().map(|(number, _)| number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(seen.release(2).unwrap().begun.release.as_ref().unwrap().images, release("y").images);

    // A journal of another history is moved aside, not mixed in.
    let mut other = Lab::local();
    other.begin().await.unwrap().end(done()).await.unwrap();
    other.objects = lab.objects.clone();
    assert_eq!(other.history().await.next_number(), 4);
    assert_eq!(other.begin().await.unwrap().number(), Some(4));
    let kept = fs::read_dir(other.folder.path().join(".dashdeploy/ledger")).unwrap();
    let kept: Vec<_> = kept.filter_map(|entry| entry.unwrap().file_name().into_string().ok()).collect();
    assert_eq!(kept.iter().filter(|name| name.ends_with(".jsonl")).count(), 2, "{kept:?}");
}

#[tokio::test]
async fn no_secret_value_is_written() {
    let lab = Lab::local();
    let run = lab.begin().await.unwrap();
    let secrets = dashdeploy_contract::conformance::canaries(&release("x").bound);
    let canary = secrets.redactable()[0].to_owned();
    let mut ending = done();
    ending.evidence.push(format!("it said {canary}"));
    run.end(ending.redacted(&secrets)).await.unwrap();
    let text = fs::read_to_string(lab.place().file("jsonl")).unwrap();
    assert!(text.contains("it said") && secrets.redactable().iter().all(|value| !text.contains(value)));
}

#[tokio::test]
async fn a_full_disk_still_takes_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("small");
    fs::create_dir_all(&disk).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(&disk)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a_full_disk_still_takes_the_end: this user cannot mount a tmpfs");
        return;
    }
    let result = full_disk(&disk).await;
    let unmounted = std::process::Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    result.unwrap();
}

/// Gives errors back instead of panicking, so that the disk is unmounted in any case.
async fn full_disk(disk: &std::path::Path) -> Result<(), String> {
    let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    let dir = crate::io::fs::ProjectDir::open(disk).map_err(|error| error.to_string())?;
    let place = LedgerPlace::local(&dir, &super::kit_tests::bound());
    let fill = || fs::write(disk.join("fill"), vec![1_u8; 4 << 20]).is_err();
    let ledger = Ledger::open(&place).await.map_err(|error| error.to_string())?;
    let run = ledger.begin(deploy("x")).await.map_err(|error| error.to_string())?;
    let intent = run.intent("before", "POST https://x").await.map_err(|error| error.to_string())?;
    ensure(fill(), "the disk is not full")?;
    let mut refused = None;
    for n in 0..200 {
        if let Err(error) = run.intent(&format!("{n} {}", "x".repeat(400)), "POST https://x").await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.ok_or("nothing new may begin on a full disk")?;
    ensure(refused.to_string().contains("full"), &refused.to_string())?;
    run.result(intent, Outcome::new(Status::Ok)).await.map_err(|error| format!("result: {error}"))?;
    run.end(done()).await.map_err(|error| format!("end: {error}"))?;
    drop(run);
    let history = Ledger::open(&place).await.map_err(|error| error.to_string())?;
    ensure(history.history().serving().is_some(), "the end is not there")?;
    ensure(fill(), "the disk is not full any more")?;
    let _ = fs::write(disk.join("fill2"), vec![1_u8; 4 << 20]);
    let error = history.begin(deploy("y")).await.err().ok_or("a run began on a full disk")?;
    ensure(error.hint().is_some_and(|hint| hint.contains("disk space")), &error.to_string())?;
    let again = Ledger::open(&place).await.map_err(|error| error.to_string())?;
    ensure(again.history().runs().len() == 1, "history was lost")
}
