//! The contract's suite: what is decided on paper, and what is planned against Render in memory.

use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::conformance::{Kit, broken, paper};
use dashdeploy_contract::{
    Access, Bound, Descriptor, Desk, Finding, Name, Observed, Plan, Portability, Reader, Release, Removal,
    ServiceAddress, Target, TargetError, Writer, Writes,
};
use indexmap::IndexMap;

use super::lab::{self, Lab, now};

#[test]
fn every_promise_is_kept() {
    let broken = paper(&super::target());
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The target, asked about the suite's sample as Render takes it: with a registry, and the page as an image.
struct Prepared(super::RenderTarget);

fn prepared(bound: &Bound) -> Bound {
    let mut bound = bound.clone();
    bound.registry = Some("registry.example.com/shop".to_owned());
    let web = bound.options.entry(lab::name("web")).or_default();
    web.insert("hosting".to_owned(), "docker".to_owned());
    bound
}

#[async_trait]
impl Target for Prepared {
    fn descriptor(&self) -> &Descriptor {
        self.0.descriptor()
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        self.0.check(&prepared(bound))
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        self.0.addresses(&prepared(bound))
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        self.0.portability(desk)
    }

    fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
        let mut release = release.clone();
        release.bound = prepared(&release.bound);
        self.0.plan(&release, observed)
    }

    fn plan_removal(
        &self,
        bound: &Bound,
        observed: &Observed,
        removal: Removal,
    ) -> Result<Plan, TargetError> {
        self.0.plan_removal(&prepared(bound), observed, removal)
    }

    async fn connect_reader(&self, access: &Access) -> Result<Box<dyn Reader>, TargetError> {
        self.0.connect_reader(access).await
    }

    async fn connect_writer(
        &self,
        access: &Access,
        writes: Arc<dyn Writes>,
    ) -> Result<Box<dyn Writer>, TargetError> {
        self.0.connect_writer(access, writes).await
    }
}

/// Carries out a first plan on a new platform, and waits.
fn played(release: &Release, plan: &Plan) -> (Arc<Lab>, Bound) {
    let (lab, bound) = (Lab::new(), prepared(&release.bound));
    let writer = lab.writer();
    for change in &plan.changes {
        now(writer.apply(&bound, change, &lab::supplies(release))).unwrap();
    }
    lab.pass(std::time::Duration::from_secs(60));
    (lab, bound)
}

fn settled(release: &Release, plan: &Plan) -> Observed {
    let (lab, bound) = played(release, plan);
    now(lab.reader().observe(&bound)).unwrap()
}

/// Services of our names, without a mark.
fn foreign(release: &Release) -> Observed {
    let plan = Prepared(super::target()).plan(release, &Observed::default()).unwrap();
    let (lab, bound) = played(release, &plan);
    for service in lab.objects()["services"].as_object().unwrap().keys() {
        lab.ask("PUT", &format!("services/{service}/env-vars"), Some(serde_json::json!([])));
    }
    now(lab.reader().observe(&bound)).unwrap()
}

#[test]
fn every_promise_about_plans_is_kept() {
    let found = broken(&Kit { target: &Prepared(super::target()), settled, foreign });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_suite_sees_what_is_not_ours_taken_for_ours() {
    fn ours(release: &Release) -> Observed {
        foreign(release).adopted()
    }
    let found = broken(&Kit { target: &Prepared(super::target()), settled, foreign: ours });
    assert!(found.iter().any(|broken| broken.promise == "foreign things are never changed"), "{found:#?}");
}
