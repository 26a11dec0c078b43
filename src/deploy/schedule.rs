//! Which changes of a plan may begin now: pure bookkeeping over dependencies and health.

use std::collections::BTreeSet;

use dashdeploy_contract::{Address, Change, Name, Plan};

/// The state of a plan's application.
#[derive(Debug)]
pub(super) struct Schedule {
    waiting: Vec<Change>,
    in_plan: BTreeSet<Address>,
    applied: BTreeSet<Address>,
    serving: BTreeSet<Name>,
}

impl Schedule {
    /// A plan of which nothing is applied, beside services that serve already. One that the plan is going to put anew does not
    /// count among them, so that those who need it wait for the new one.
    pub(super) fn new(plan: &Plan, serving: impl IntoIterator<Item = Name>) -> Self {
        let anew: BTreeSet<&Name> = plan
            .changes
            .iter()
            .filter(|change| change.gated)
            .filter_map(|change| change.service.as_ref())
            .collect();
        Self {
            waiting: plan.changes.clone(),
            in_plan: plan.changes.iter().map(|change| change.address.clone()).collect(),
            applied: BTreeSet::new(),
            serving: serving.into_iter().filter(|service| !anew.contains(service)).collect(),
        }
    }

    /// The changes that may begin now; each is given out once.
    pub(super) fn ready(&mut self) -> Vec<Change> {
        let (ready, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|change| {
            let needs = change.needs.iter().filter(|need| self.in_plan.contains(*need));
            needs.into_iter().all(|need| self.applied.contains(need))
                && change.needs_healthy.iter().all(|service| self.is_serving(service))
        });
        self.waiting = waiting;
        ready
    }

    /// Notes that a change was carried out.
    pub(super) fn applied(&mut self, address: &Address) {
        self.applied.insert(address.clone());
    }

    /// Notes that a service serves.
    pub(super) fn serves(&mut self, service: &Name) {
        self.serving.insert(service.clone());
    }

    /// True where every change was given out.
    pub(super) fn is_exhausted(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What cannot begin, each with what it waits for; for the error when nothing else runs.
    pub(super) fn stuck(&self) -> Vec<String> {
        let names = |change: &Change| {
            let healthy = change.needs_healthy.iter().filter(|service| !self.is_serving(service));
            let needs = change.needs.iter().filter(|need| !self.applied.contains(*need));
            healthy
                .map(ToString::to_string)
                .chain(needs.map(ToString::to_string))
                .collect::<Vec<_>>()
                .join(", ")
        };
        self.waiting.iter().map(|change| format!("{} waits for {}", change.address, names(change))).collect()
    }

    fn is_serving(&self, service: &Name) -> bool {
        self.serving.contains(service)
    }
}

#[cfg(test)]
mod tests {
    use dashdeploy_contract::Action;

    use super::*;

    fn change(name: &str, needs: &[&str], needs_healthy: &[&str]) -> Change {
        let address = Address::new("t", "container", name);
        Change {
            service: Name::parse(name).ok(),
            needs: needs.iter().map(|need| Address::new("t", "container", need)).collect(),
            needs_healthy: needs_healthy.iter().filter_map(|name| Name::parse(name).ok()).collect(),
            gated: true,
            ..Change::new(address, Action::Create, "", serde_json::Value::Null)
        }
    }

    fn names(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.address.name()).collect()
    }

    #[test]
    fn a_change_waits_for_its_needs_and_for_healthy_services() {
        let plan = Plan {
            changes: vec![
                change("web", &[], &["api"]),
                change("api", &["net"], &[]),
                change("net", &[], &[]),
            ],
            unchanged: Vec::new(),
        };
        let mut schedule = Schedule::new(&plan, []);

        assert_eq!(names(&schedule.ready()), ["net"]);
        assert!(schedule.ready().is_empty());
        schedule.applied(&Address::new("t", "container", "net"));
        assert_eq!(names(&schedule.ready()), ["api"]);
        schedule.applied(&Address::new("t", "container", "api"));
        assert!(schedule.ready().is_empty());
        assert_eq!(schedule.stuck(), ["t/container/web waits for api"]);
        schedule.serves(&Name::parse("api").unwrap());
        assert_eq!(names(&schedule.ready()), ["web"]);
        assert!(schedule.is_exhausted());
    }

    #[test]
    fn a_service_that_serves_and_is_put_anew_is_waited_for() {
        let plan = Plan {
            changes: vec![change("web", &[], &["api"]), change("api", &[], &[])],
            unchanged: Vec::new(),
        };
        let mut schedule = Schedule::new(&plan, Name::parse("api"));
        assert_eq!(names(&schedule.ready()), ["api"]);
        assert!(schedule.ready().is_empty());
        schedule.serves(&Name::parse("api").unwrap());
        assert_eq!(names(&schedule.ready()), ["web"]);
    }

    #[test]
    fn what_is_not_in_the_plan_is_there_already() {
        let plan = Plan { changes: vec![change("web", &["net"], &["api"])], unchanged: Vec::new() };
        let mut schedule = Schedule::new(&plan, Name::parse("api"));
        assert_eq!(names(&schedule.ready()), ["web"]);
    }
}
