//! The changes that take an environment away: what bears our marks, and nothing else.
//!
//! An app takes everything with it, volumes and their snapshots included (fly.io/docs/flyctl/apps-destroy), so that it stays where
//! data is to stay.

use dashdeploy_contract::{Action, Bound, Change, Descriptor, Observed, Plan, Removal, Risk, TargetError};

use crate::config::App;
use crate::observe::has_volume;
use crate::payload::{SeenApp, Task};
use crate::plan::address;

/// The plan of a removal.
pub(crate) fn plan_removal(
    descriptor: &Descriptor,
    bound: &Bound,
    observed: &Observed,
    removal: Removal,
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for app in App::all(descriptor, bound) {
        let Some(resource) = observed.get(&address("app", &app)) else { continue };
        let seen = SeenApp::of(resource)?;
        // An empty app may be anybody's: it was never marked.
        if !resource.owned || !seen.marked {
            continue;
        }
        remove(&app, &seen, removal, &mut plan);
    }
    Ok(plan.in_order())
}

fn remove(app: &App, seen: &SeenApp, removal: Removal, plan: &mut Plan) {
    let data = has_volume(seen);
    let mut gone = Vec::new();
    let mut delete = |kind: &str, task: &Task, risk: Risk, needs: &[dashdeploy_contract::Address]| {
        let mut change =
            Change::new(address(kind, app), Action::Delete, "the environment is taken away", task.json());
        change.service = Some(app.service.name.clone());
        change.risk = risk;
        change.needs = needs.to_vec();
        plan.changes.push(change);
    };
    if !seen.machines.is_empty() {
        let machines = seen.machines.iter().map(|machine| machine.id.clone()).collect();
        delete(
            "machines",
            &Task::RemoveMachines { app: seen.app.clone(), machines },
            Risk::InterruptsTraffic,
            &[],
        );
        gone.push(address("machines", app));
    }
    if data && removal == Removal::KeepData {
        plan.unchanged.extend([address("app", app), address("volume", app)]);
        return;
    }
    if data {
        let of_machines = seen.machines.iter().filter_map(|machine| machine.volume().map(str::to_owned));
        let mut volumes: Vec<String> = of_machines.collect();
        volumes.extend(seen.volumes.iter().flatten().map(|volume| volume.id.clone()));
        volumes.sort();
        volumes.dedup();
        delete("volume", &Task::RemoveVolumes { app: seen.app.clone(), volumes }, Risk::LosesData, &gone);
        gone.push(address("volume", app));
    }
    delete("app", &Task::RemoveApp { app: seen.app.clone() }, Risk::Safe, &gone);
}
