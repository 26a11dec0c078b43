//! The writer where it is killed, where answers are lost, where lists lag behind: repeated, it converges.

use crate::lab::Lab;
use crate::played::Fault;

/// A deploy: its name, what is there before, what is to be else.
type Scene = (&'static str, fn() -> Lab, fn(&mut Lab));

fn deployed(lab: Lab) -> Lab {
    lab.deploy();
    lab
}

/// Deploys of many kinds.
const SCENES: [Scene; 5] = [
    ("first", || Lab::new(|_| {}), |_| {}),
    ("data", || deployed(Lab::new(|_| {})), |lab| lab.image(2)),
    ("exchange", || deployed(Lab::free("bluegreen", 2)), |lab| lab.image(2)),
    ("canary", || deployed(Lab::free("canary", 2)), |lab| lab.image(2)),
    ("fewer", || deployed(Lab::free("rolling", 3)), |lab| lab.release.bound.services["api"].replicas = 1),
];

#[test]
fn killed_at_every_call_and_repeated_it_converges() {
    for (scene, there, change) in SCENES {
        let mut whole = there();
        change(&mut whole);
        let from = whole.writes();
        whole.deploy();
        let (expected, calls) = (whole.table(), whole.writes() - from);
        assert!(calls > 3, "{scene}: {calls}");
        for call in 0..calls {
            for fault in [Fault::Killed, Fault::Lost] {
                let mut lab = there();
                change(&mut lab);
                let at = lab.writes() + call;
                lab.played.with(|world| world.fault_at = Some((at, fault)));
                let plan = lab.plan();
                let ended = lab.apply(&plan).and_then(|()| lab.settle(&plan));
                assert!(ended.is_ok() || fault == Fault::Killed, "{scene} {call}: {ended:?}");
                lab.played.revive();
                let rest = lab.plan();
                lab.apply(&rest).unwrap_or_else(|error| panic!("{scene} {call} {fault:?}: {error}"));
                lab.settle(&rest).unwrap();
                assert_eq!(lab.table(), expected, "{scene} {call} {fault:?}");
                assert!(lab.plan().is_empty(), "{scene} {call}: {:#?}", lab.plan());
            }
        }
    }
}

#[test]
fn answers_that_leave_it_open_double_nothing_even_where_lists_lag() {
    for (scene, there, change) in SCENES {
        let mut whole = there();
        change(&mut whole);
        let from = whole.writes();
        whole.deploy();
        let (expected, calls) = (whole.table(), whole.writes() - from);
        for call in 0..calls {
            for (fault, lag) in [(Fault::Done(408), 0), (Fault::Done(502), 2), (Fault::Refused(503), 0)] {
                let mut lab = there();
                change(&mut lab);
                let at = lab.writes() + call;
                lab.played.with(|world| {
                    world.fault_at = Some((at, fault));
                    world.lag = lag;
                });
                let plan = lab.plan();
                // Calls that may be repeated are repeated by the layers behind: here they fail, and the next run goes on.
                let first = lab.apply(&plan).and_then(|()| lab.settle(&plan));
                lab.played.revive();
                if first.is_err() {
                    let rest = lab.plan();
                    lab.apply(&rest).unwrap_or_else(|error| panic!("{scene} {call} {fault:?}: {error}"));
                    lab.settle(&rest).unwrap();
                }
                assert_eq!(lab.table(), expected, "{scene} {call} {fault:?} {lag}");
            }
        }
    }
}
