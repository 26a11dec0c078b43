//! The writer against Fly.io played in memory: first deploys, each strategy, machines that fail.

use dashdeploy_contract::conformance::CANARY;
use dashdeploy_contract::{Health, Name, Target as _};

use crate::lab::{Lab, digit};

#[test]
fn a_first_deploy_makes_everything_and_a_second_nothing() {
    let lab = Lab::new(|bound| {
        bound.domains.insert(Name::from_any("web", "web"), "shop.example.com".to_owned());
    });
    lab.deploy();
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
    assert_eq!((lab.health("api"), lab.health("web")), (Health::Starting, Health::Starting));
    lab.played.revive();
    assert_eq!((lab.health("api"), lab.health("web")), (Health::Healthy, Health::Healthy));
    let (writes, reads) = lab.played.with(|world| {
        world.reads.clear();
        (world.writes.len(), world.apps.len())
    });
    assert_eq!(reads, 2);
    lab.deploy();
    assert_eq!(lab.writes(), writes);
    let asked = lab.played.with(|world| world.reads.clone());
    assert_eq!(asked.len(), 4, "two for each service: {asked:#?}");
    let served =
        lab.runtime.block_on(lab.reader().served(&lab.release.bound, &Name::from_any("web", "x"))).unwrap();
    assert_eq!(served.images, [digit(1)]);
    assert!(served.certificate.unwrap().contains("CNAME record x.fly.dev"));
    lab.played.with(|world| {
        let api = &world.apps["shop-local-api"];
        assert_eq!(
            (api.org.as_str(), api.ips.len(), api.volumes.len(), api.machines.len()),
            ("personal", 3, 1, 1)
        );
        assert_eq!(api.machines[0]["config"]["mounts"][0]["path"], "/data");
        assert_eq!(api.machines[0]["config"]["metadata"]["fly_process_group"], "app");
        assert!(!api.machines[0].to_string().contains(CANARY));
        assert_eq!(world.apps["shop-local-web"].certificates, ["shop.example.com"]);
    });
}

#[test]
fn a_rolling_update_changes_the_machine_in_its_place_and_goes_back() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    let before = lab.table();
    let id = lab.machines()[0]["id"].clone();
    lab.image(2);
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    assert_eq!(lab.machines()[0]["id"], id);
    assert_eq!(lab.serving(), [digit(2)]);
    lab.revert(&plan).unwrap();
    assert_eq!(lab.table(), before);
    lab.revert(&plan).unwrap();
    assert_eq!(lab.table(), before);
    lab.deploy();
    assert!(lab.plan().is_empty());
}

#[test]
fn an_exchange_keeps_the_former_machines_until_the_verdict() {
    let mut lab = Lab::free("bluegreen", 2);
    lab.deploy();
    assert!(lab.plan().is_empty());
    lab.image(2);
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving()), (4, vec![digit(2); 2]));
    lab.played.revive();
    assert_eq!(lab.health("api"), Health::Healthy);
    lab.revert(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving()), (2, vec![digit(1); 2]));
    let again = lab.deploy();
    assert_eq!((lab.machines().len(), lab.serving()), (2, vec![digit(2); 2]));
    lab.settle(&again).unwrap();
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
}

#[test]
fn new_machines_that_do_not_become_healthy_go_again() {
    for strategy in ["bluegreen", "canary", "rolling"] {
        for crash in [true, false] {
            let mut lab = Lab::free(strategy, 2);
            lab.deploy();
            let before = lab.table();
            lab.image(2);
            lab.played.with(|world| {
                let bad = Some(digit(2));
                if crash { world.crashing = bad } else { world.sick = bad }
            });
            let error = lab.apply(&lab.plan()).unwrap_err();
            let said = if crash { "ended with code 3" } else { "connection refused" };
            assert!(error.message.contains(said) && error.hint.is_some(), "{strategy}: {error}");
            assert_eq!(lab.table(), before, "{strategy} {crash}");
        }
    }
}

#[test]
fn machines_come_and_go_with_replicas() {
    let mut lab = Lab::free("rolling", 1);
    lab.deploy();
    lab.release.bound.services["api"].replicas = 3;
    let up = lab.deploy();
    assert_eq!(up.changes[0].fields[0].field, "machines");
    assert!(up.changes[0].billable.is_some());
    assert_eq!(lab.serving().len(), 3);
    lab.release.bound.services["api"].replicas = 1;
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving().len()), (3, 1));
    lab.revert(&plan).unwrap();
    assert_eq!(lab.serving().len(), 3);
    lab.deploy();
    assert_eq!(lab.machines().len(), 1);
    assert!(lab.plan().is_empty());
}

#[test]
fn every_other_strategy_puts_the_release_on_every_machine() {
    for strategy in ["rolling", "immediate", "canary"] {
        let mut lab = Lab::free(strategy, 3);
        lab.deploy();
        lab.image(2);
        lab.deploy();
        assert_eq!((lab.machines().len(), lab.serving()), (3, vec![digit(2); 3]), "{strategy}");
        assert!(lab.plan().is_empty(), "{strategy}");
    }
}

#[test]
fn another_region_exchanges_machines() {
    let mut lab = Lab::free("rolling", 1);
    lab.deploy();
    lab.release.bound.region = Some("fra".to_owned());
    lab.deploy();
    assert_eq!(lab.machines().len(), 1);
    assert_eq!(lab.machines()[0]["region"], "fra");
    assert!(lab.plan().is_empty());
}

#[test]
fn a_volume_grows_in_its_place() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    let data = lab.release.bound.volumes.keys().next().unwrap().clone();
    lab.release.bound.volumes[&data].size = Some(5 << 30);
    lab.deploy();
    lab.played.with(|world| {
        assert_eq!(world.apps["shop-local-api"].volumes[0]["size_gb"], 5);
        assert!(world.writes.iter().any(|line| line.ends_with("/restart")));
    });
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
    lab.release.bound.volumes[&data].size = Some(2 << 30);
    let error = lab.target.plan(&lab.release, &{
        // Something else changed as well, so that the volume is looked at.
        lab.observe()
    });
    assert!(error.unwrap_err().hint.unwrap().contains("size: 5Gi"));
}

#[test]
fn a_lease_of_others_is_named_and_one_of_ours_waited_for() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    lab.image(2);
    let plan = lab.plan();
    lab.played.with(|world| world.leased_by = Some("fly deploy".to_owned()));
    let error = lab.apply(&plan).unwrap_err();
    assert!(error.message.contains("you@example.com (fly deploy)"), "{error}");
    lab.played.with(|world| world.leased_by = Some("dashdeploy".to_owned()));
    let (before, now) = (lab.played.with(|world| world.writes.len()), lab.played.access().clock.now());
    assert!(lab.apply(&plan).is_err());
    assert!(lab.played.access().clock.now() - now > 15 && lab.writes() > before + 10);
    lab.played.with(|world| world.leased_by = None);
    lab.apply(&plan).unwrap();
    assert_eq!(lab.serving(), [digit(2)]);
}
