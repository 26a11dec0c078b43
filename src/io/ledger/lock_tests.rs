//! One suite for every kind of lock; dead, cut-off and late holders.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::kit_tests::{Lab, holder};
use super::*;
use crate::io::signal::Interrupt;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Both parties of each kind of lock: of a local one they share the folder.
async fn each<F: AsyncFn(&Lab, &Lab)>(check: F) {
    let local = Lab::local();
    check(&local, &local).await;
    let (shared, other) = (Lab::shared(), Lab::shared());
    check(&shared, &shared.elsewhere()).await;
    check(&other, &other).await;
}

#[tokio::test(start_paused = true)]
async fn one_holds_it_and_the_other_is_told_who() {
    each(async |one, other| {
        let held = one.lock("ann").await.unwrap();
        let error = other.lock("bob").await.err().unwrap();
        let (text, hint) = (error.to_string(), error.hint().unwrap());
        let LockError::Held { holder: who, id, .. } = error else { panic!("{text}") };
        assert_eq!((who.actor.user.as_str(), id.as_str()), ("ann", held.id()));
        assert!(text.contains("ann@lab, process 7, deploy since 20"), "{text}");
        assert!(hint.contains(&format!("dashdeploy unlock -e {} {id}", one.place().environment())), "{hint}");
        assert!(!held.is_lost(), "asking takes nothing away");
        held.release().await.unwrap();
        assert!(held.is_lost());
        let next = other.lock("bob").await.unwrap();
        assert_ne!(next.id(), held.id());
        assert!(next.fence() > held.fence() && !next.is_lost());
        held.release().await.unwrap();
        assert!(!next.is_lost(), "a second release takes nothing from the next holder");
        next.release().await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_the_exact_id_unlocks() {
    each(async |one, other| {
        assert!(matches!(unlock(&one.place(), "x").await, Err(LockError::NotLocked { .. })));
        let held = one.lock("ann").await.unwrap();
        let id = held.id().to_owned();
        for wrong in ["", "x", &id[..31]] {
            let error = unlock(&other.place(), wrong).await.unwrap_err();
            assert!(matches!(&error, LockError::WrongId { .. }), "{error}");
            assert!(error.hint().unwrap().contains(&id));
        }
        // It died: its lock on the machine is free, its record is left.
        drop(held);
        assert_eq!(unlock(&other.place(), &id).await.unwrap().holder, holder("ann"));
        other.lock("bob").await.unwrap().release().await.unwrap();
        assert!(matches!(
            unlock(&one.place(), &id).await,
            Err(LockError::NotLocked { .. } | LockError::WrongId { .. })
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_living_process_of_this_machine_is_not_robbed() {
    let lab = Lab::local();
    let held = lab.lock("ann").await.unwrap();
    let error = unlock(&lab.place(), held.id()).await.unwrap_err();
    assert!(matches!(error, LockError::Alive { .. }), "{error}");
    assert!(error.hint().unwrap().contains("kill 7"));
}

#[tokio::test(start_paused = true)]
async fn another_machines_holder_that_is_unlocked_finds_out() {
    let one = Lab::shared();
    let other = one.elsewhere();
    let held = one.lock("ann").await.unwrap();
    unlock(&other.place(), held.id()).await.unwrap();
    let next = other.lock("bob").await.unwrap();
    tokio::time::sleep(seconds(16)).await;
    assert!(held.is_lost() && !next.is_lost());
    held.release().await.unwrap();
    assert!(!next.is_lost());
    tokio::time::sleep(seconds(120)).await;
    assert!(!next.is_lost(), "nothing of the former holder gets in the way");
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_passed_over_after_its_time_and_not_before() {
    let one = Lab::shared();
    let other = one.elsewhere();
    let held = one.lock("ann").await.unwrap();
    tokio::time::sleep(seconds(100)).await;
    assert!(!held.is_lost(), "it is renewed");
    drop(held);
    let begun = Instant::now();
    assert!(matches!(
        other.lock_within("bob", LockOptions::waiting(seconds(70))).await,
        Err(LockError::Held { .. })
    ));
    assert_eq!(begun.elapsed(), seconds(70));
    let begun = Instant::now();
    let next = other.lock_within("bob", LockOptions::waiting(seconds(120))).await.unwrap();
    let took = begun.elapsed();
    assert!(took > seconds(75) && took < seconds(75 + 17), "{took:?}");
    assert_eq!(next.fence(), 2);
}

#[tokio::test(start_paused = true)]
async fn on_the_same_machine_a_dead_holder_blocks_nobody() {
    for lab in [Lab::local(), Lab::shared()] {
        drop(lab.lock("ann").await.unwrap());
        // Somebody who was denied in between does not make it be forgotten who is dead.
        let next = lab.lock("bob").await.unwrap();
        assert_eq!(next.fence(), 2);
        next.release().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_is_never_passed_over() {
    let one = Lab::shared();
    let other = one.elsewhere();
    let held = one.lock("ann").await.unwrap();
    let error = other.lock_within("bob", LockOptions::waiting(seconds(3_600))).await;
    assert!(matches!(error, Err(LockError::Held { .. })));
    assert!(!held.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_cut_off_loses_it_before_others_may_take_it() {
    let one = Lab::shared();
    let other = one.elsewhere();
    let held = one.lock("ann").await.unwrap();
    let begun = Instant::now();
    one.faulty().cut.store(true, Ordering::SeqCst);
    let waiting = other.lock_within("bob", LockOptions::waiting(seconds(200)));
    let lost_at = async {
        held.lost().await;
        begun.elapsed()
    };
    let (taken, lost_at) = tokio::join!(async { (waiting.await.unwrap(), begun.elapsed()) }, lost_at);
    assert!(lost_at <= seconds(46), "{lost_at:?}");
    assert!(taken.1 > lost_at + seconds(25), "taken after {:?}, lost after {lost_at:?}", taken.1);
    // One renewal that fails is no loss.
    let third = Lab::shared();
    let held = third.lock("ann").await.unwrap();
    tokio::time::sleep(seconds(10)).await;
    third.faulty().cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(seconds(10)).await;
    third.faulty().cut.store(false, Ordering::SeqCst);
    tokio::time::sleep(seconds(60)).await;
    assert!(!held.is_lost());
}

#[tokio::test(start_paused = true)]
async fn lost_answers_lose_no_lock() {
    let lab = Lab::shared();
    lab.faulty().lose_answers.store(true, Ordering::SeqCst);
    let held = lab.lock("ann").await.unwrap();
    tokio::time::sleep(seconds(200)).await;
    assert!(!held.is_lost());
    held.release().await.unwrap();
    lab.elsewhere().lock("bob").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_sees_it_before_its_next_step() {
    let lab = Lab::shared();
    let held = lab.lock("ann").await.unwrap();
    tokio::time::advance(seconds(46)).await;
    assert!(held.is_lost());
    tokio::time::sleep(seconds(60)).await;
    assert!(held.is_lost(), "what is lost stays lost");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_the_wait_and_leaves_nothing() {
    each(async |one, other| {
        let held = one.lock("ann").await.unwrap();
        let interrupt = Interrupt::default();
        let (place, options) = (other.place(), LockOptions::waiting(seconds(3_600)));
        let waiting = Lock::acquire(&place, holder("bob"), options, &interrupt);
        let signal = async {
            tokio::time::sleep(seconds(30)).await;
            interrupt.raise();
        };
        let (result, ()) = tokio::join!(waiting, signal);
        assert!(matches!(result, Err(LockError::Interrupted)));
        held.release().await.unwrap();
        other.lock("cid").await.unwrap().release().await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_file_that_is_removed_is_a_lost_lock() {
    let lab = Lab::local();
    let held = lab.lock("ann").await.unwrap();
    fs::remove_dir_all(lab.folder.path().join(".dashdeploy")).unwrap();
    assert!(held.is_lost());
    let next = lab.lock("bob").await.unwrap();
    held.release().await.unwrap();
    assert!(!next.is_lost());
    assert!(matches!(lab.lock("cid").await, Err(LockError::Held { .. })));
}

#[tokio::test(start_paused = true)]
async fn twenty_at_once_never_overlap() {
    let (local, shared) = (Lab::local(), Lab::shared());
    for (one, other) in [(&local, &local), (&shared, &shared.elsewhere())] {
        let inside = Arc::new(AtomicUsize::new(0));
        let mut fences = Vec::new();
        let runs = (0..20).map(|n| {
            let (place, inside) = (if n % 2 == 0 { one.place() } else { other.place() }, Arc::clone(&inside));
            tokio::spawn(async move {
                let mut fences = Vec::new();
                for _ in 0..50 {
                    let options = LockOptions::waiting(seconds(1_000_000));
                    let guard =
                        Lock::acquire(&place, holder("x"), options, &Interrupt::default()).await.unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    assert!(!guard.is_lost());
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    fences.push(guard.fence());
                    guard.release().await.unwrap();
                }
                fences
            })
        });
        for run in runs.collect::<Vec<_>>() {
            fences.extend(run.await.unwrap());
        }
        let all = fences.len();
        fences.sort_unstable();
        fences.dedup();
        assert_eq!((all, fences.len()), (1_000, 1_000), "each holder has a number of its own");
    }
}

/// This test binary once more, as another process that does one of the things below.
fn child(what: &str, folder: &std::path::Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "io::ledger::lock_tests::another_process", "--ignored", "--nocapture"])
        .env("DASHDEPLOY_TEST_CHILD", what)
        .env("DASHDEPLOY_TEST_FOLDER", folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "it is what other tests start as a process of its own"]
async fn another_process() {
    let Ok(what) = std::env::var("DASHDEPLOY_TEST_CHILD") else { return };
    let folder = std::path::PathBuf::from(std::env::var_os("DASHDEPLOY_TEST_FOLDER").unwrap());
    let dir = crate::io::fs::ProjectDir::open(&folder).unwrap();
    let place = LedgerPlace::local(&dir, &super::kit_tests::bound());
    let take =
        async || Lock::acquire(&place, holder("child"), LockOptions::default(), &Interrupt::default()).await;
    if what == "hold" {
        let _guard = take().await.unwrap();
        fs::write(folder.join("held"), "").unwrap();
        std::future::pending::<()>().await;
    }
    let mut rounds = 0;
    while rounds < 10 {
        let Ok(guard) = take().await else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        fs::File::create_new(folder.join("inside")).expect("nobody else is inside");
        let ledger = Ledger::open(&place).await.unwrap();
        let run = ledger.begin(super::kit_tests::deploy("x")).await.unwrap();
        run.end(crate::ledger::Ending::new(crate::ledger::Final::Deployed, "")).await.unwrap();
        fs::remove_file(folder.join("inside")).unwrap();
        guard.release().await.unwrap();
        rounds += 1;
    }
}

#[tokio::test]
async fn processes_at_once_never_overlap_and_lose_no_release() {
    let lab = Lab::local();
    let children: Vec<_> = (0..3).map(|_| child("contend", lab.folder.path())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let history = lab.history().await;
    assert_eq!(
        history.releases().map(|(number, _)| number).collect::<Vec<_>>(),
        (1..=30).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_killed_process_frees_its_lock_at_once() {
    let lab = Lab::local();
    let mut child = child("hold", lab.folder.path());
    let begun = std::time::Instant::now();
    while !lab.folder.path().join("held").exists() {
        assert!(begun.elapsed() < seconds(30), "the other process does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(matches!(lab.lock("ann").await, Err(LockError::Held { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    let next = lab.lock("ann").await.unwrap();
    assert_eq!(next.fence(), 2);
}
