//! A plan for some services alone.

use std::collections::BTreeSet;

use dashdeploy_contract::{Address, Name, Plan};

/// The changes of the chosen services and those they need; all where none is chosen. What belongs to no service and is needed
/// by nobody chosen stays undone.
pub(super) fn only(mut plan: Plan, chosen: &[Name]) -> Plan {
    if chosen.is_empty() {
        return plan;
    }
    let mut wanted: BTreeSet<Address> = BTreeSet::new();
    let of_chosen = |service: &Option<Name>| service.as_ref().is_some_and(|service| chosen.contains(service));
    let first = plan.changes.iter().filter(|change| of_chosen(&change.service));
    let mut open: Vec<Address> = first.map(|change| change.address.clone()).collect();
    while let Some(address) = open.pop() {
        if let Some(change) = plan.changes.iter().find(|change| change.address == address)
            && wanted.insert(address)
        {
            open.extend(change.needs.iter().cloned());
        }
    }
    plan.changes.retain(|change| wanted.contains(&change.address));
    plan
}

#[cfg(test)]
mod tests {
    use dashdeploy_contract::{Action, Change};

    use super::*;

    #[test]
    fn what_the_chosen_need_comes_along() {
        let name = |text: &str| Name::parse(text).unwrap();
        let change = |word: &str, service: Option<&str>, needs: &[&str]| Change {
            service: service.map(name),
            needs: needs.iter().map(|need| Address::new("t", "thing", need)).collect(),
            ..Change::new(Address::new("t", "thing", word), Action::Create, "", serde_json::Value::Null)
        };
        let plan = Plan {
            changes: vec![
                change("net", None, &[]),
                change("other", None, &[]),
                change("api", Some("api"), &["net"]),
                change("web", Some("web"), &["net"]),
            ],
            unchanged: Vec::new(),
        };
        let names = |plan: Plan| plan.changes.iter().map(|c| c.address.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(only(plan.clone(), &[name("api")])), ["net", "api"]);
        assert_eq!(names(only(plan, &[])).len(), 4);
    }
}
