//! The health check, against the routes that the code answers.

use dashdeploy_contract::{Finding, HealthCheck};

use super::Pair;
use crate::detect::routes::{Route, health_candidates};

pub(super) fn compare(pair: &mut Pair<'_>) {
    let routes = &pair.draft.routes;
    let best = health_candidates(routes).into_iter().find(|route| !route.guarded).cloned();
    match &pair.service.health {
        HealthCheck::Http { path, .. } => asked(pair, &path.clone(), best),
        _ => {
            let Some(best) = best.filter(|_| pair.service.port.is_some()) else { return };
            let message = format!(
                "`{}` answers here, and `{}` has no health check: a process that lives is taken for a service that works",
                best.path, pair.service.name
            );
            let hint = format!("add `health: {}` to `services.{}`", best.path, pair.service.name);
            pair.in_code(Finding::info("health-not-checked", "", message).hint(hint), &best.evidence());
        }
    }
}

fn asked(pair: &mut Pair<'_>, path: &str, best: Option<Route>) {
    let plain = path.split('?').next().unwrap_or(path);
    let answered = pair.draft.routes.iter().find(|route| same(&route.path, plain)).cloned();
    match answered {
        Some(route) if route.guarded => {
            let message = format!(
                "`{plain}` seems to ask for a login or a key: it cannot tell whether the service works"
            );
            let hint = best.map_or_else(
                || "add an endpoint such as /health that everybody may ask".to_owned(),
                |best| format!("ask `{}` instead ({}:{})", best.path, best.file, best.line),
            );
            pair.in_code(Finding::warning("health-guarded", "", message).hint(hint), &route.evidence());
        }
        Some(_) => {}
        // Frameworks and extensions add routes of their own: only with a better one at hand is a missing one told.
        None => {
            let Some(best) = best else { return };
            let message = format!(
                "no route `{plain}` was found in the code, and there is `{}` ({}:{})",
                best.path, best.file, best.line
            );
            let finding = Finding::warning("health-not-found", pair.key("health"), message);
            pair.in_file(finding.hint(format!("write `health: {}`", best.path)));
        }
    }
}

/// Equal but for the slash at the end, which frameworks forgive.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
