//! What only the whole project shows: references, dependencies, ports, volumes, secrets.
//!
//! Given: a draft. Gives: findings. Deliberately absent: the file's text; key paths name what is meant. Services that have an
//! error of their own are not blamed again for what follows from it.

mod graph;
mod ports;
mod references;
mod secrets;
mod services;
mod volumes;

use dashdeploy_contract::{Bound, Name};

use super::draft::Draft;
use super::report::Report;

/// Codes of findings whose value is, or may be, a secret: it is hidden wherever the file is shown.
pub(crate) const SECRET_CODES: [&str; 3] = ["invalid-requirement", "secret-in-file", "possible-secret"];

/// Reports everything that is wrong with the project as a whole.
pub(crate) fn all(draft: &Draft, report: &Report) {
    let bound: Vec<Bound> =
        draft.project.environments.keys().filter_map(|name| draft.project.bind(name.as_str()).ok()).collect();
    services::check(draft, report);
    volumes::check(draft, report);
    secrets::check(draft, report);
    references::check(draft, &bound, report);
    graph::check(draft, &bound, report);
    ports::check(draft, &bound, report);
}

impl Draft {
    /// The path of a service's key in an environment: the override's, where it stands there.
    fn env_key(&self, environment: &Name, service: &Name, variable: &str) -> String {
        let over = self.project.environments.get(environment).and_then(|found| found.services.get(service));
        match over {
            Some(changes) if changes.env.contains_key(variable) => {
                format!("environments.{environment}.services.{service}.env.{variable}")
            }
            _ => format!("services.{service}.env.{variable}"),
        }
    }
}
