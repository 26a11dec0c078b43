//! Who answers for a public name.
//!
//! Given: `shop.fly.dev`, or a custom domain with a certificate. Gives: the machines that visitors are sent to now. Deliberately
//! absent: whom of them, which is the edge's turn.

use std::sync::Arc;

use super::Fly;
use super::state::Machine;
use crate::edge::{Backend, Route};

impl Fly {
    /// None where the name is nobody's, or the app has no public address.
    pub(super) fn host(&self, host: &str) -> Option<Route> {
        let pointed = self.stage.options.pointed.iter().any(|known| known == host);
        let app = self.apps.iter().find(|app| {
            host.strip_suffix(".fly.dev") == Some(app.name.as_str())
                || (pointed && app.certificates.iter().any(|(known, _)| known == host))
        })?;
        if !app.ips.iter().any(|ip| !ip.private) {
            return None;
        }
        let runner = &self.stage.options.runner;
        let backend = |machine: &Machine| Backend { job: machine.job(), runner: Arc::clone(runner) };
        let serving = app.machines.iter().filter(|machine| machine.serves()).map(backend);
        // The proxy answers 503 where nothing is there to send a visitor to.
        Some(Route { backends: serving.collect(), without: 503, redirect: None })
    }
}
