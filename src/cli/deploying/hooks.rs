//! The user's own commands around a deploy.
//!
//! Given: the lines, what is deployed. Gives: their output as events, an error for the first that fails. Deliberately absent: what
//! that means for the release.

use std::collections::BTreeMap;

use dashdeploy_contract::{Event, EventSink as _, Release, SecretStore};

use super::super::{CliError, CliResult, Context, Exit};
use super::carry::Cargo;
use crate::io::hooks::{Running, start};
use crate::ledger::RunKind;

impl Cargo<'_> {
    /// What is run before the first change.
    ///
    /// # Errors
    /// The first command that fails: nothing was changed. An interrupt.
    pub(super) async fn before(&self, context: &Context) -> CliResult<()> {
        let lines = &self.prepared.release.bound.hooks.before;
        self.run_all(context, "before", lines).await.map_err(|error| error.hint("nothing was changed"))
    }

    /// What is run once everything is verified.
    ///
    /// # Errors
    /// Exit code 5 with the first command that fails: the release runs. An interrupt.
    pub(super) async fn after(&self, context: &Context) -> CliResult<()> {
        let lines = &self.prepared.release.bound.hooks.after;
        self.run_all(context, "after", lines).await.map_err(|mut error| {
            if error.exit == Exit::Failed {
                error.exit = Exit::Partial;
            }
            error.hint("the release runs and is verified; run by hand what the command did not do")
        })
    }

    async fn run_all(&self, context: &Context, when: &str, lines: &[String]) -> CliResult<()> {
        if self.args.no_hooks || self.prepared.plan.is_empty() {
            return Ok(());
        }
        let variables = self.variables();
        for line in lines {
            let secrets = &self.prepared.secrets.store;
            context.console.emit(Event::Notice { message: secrets.redact(&format!("{when}: {line}")) });
            let wrong =
                |what: String| CliError::new(Exit::Failed, "hook", format!("the command `{line}` {what}"));
            let running = start(line, self.stack.loaded.dir.path(), &variables);
            let mut running = running.map_err(|error| wrong(format!("cannot be started: {error}")))?;
            let interrupt = context.interrupt();
            tokio::select! {
                () = told(context, secrets, &mut running) => {}
                () = interrupt.raised() => {
                    running.stop().await;
                    let message = format!("interrupted while `{line}` ran");
                    return Err(CliError::new(Exit::Interrupted, "interrupted", message));
                }
            }
            let status = running.ended().await.map_err(|error| wrong(format!("is lost: {error}")))?;
            if !status.success() {
                return Err(wrong(format!("failed ({status})")));
            }
        }
        Ok(())
    }

    /// What the commands are told.
    fn variables(&self) -> BTreeMap<String, String> {
        let release: &Release = &self.prepared.release;
        let operation = if matches!(self.kind, RunKind::Rollback { .. }) { "rollback" } else { "deploy" };
        let mut all = BTreeMap::from([
            ("DASHDEPLOY_PROJECT".to_owned(), release.bound.project.to_string()),
            ("DASHDEPLOY_ENVIRONMENT".to_owned(), release.bound.environment.to_string()),
            ("DASHDEPLOY_OPERATION".to_owned(), operation.to_owned()),
        ]);
        all.extend(release.number.map(|number| ("DASHDEPLOY_RELEASE".to_owned(), format!("r{number}"))));
        all.extend(release.git.as_ref().map(|git| ("DASHDEPLOY_COMMIT".to_owned(), git.commit.clone())));
        all.extend(release.wiring.services.iter().filter_map(|(service, address)| {
            let name = service.as_str().to_uppercase().replace('-', "_");
            Some((format!("DASHDEPLOY_URL_{name}"), address.url.clone()?))
        }));
        all
    }
}

/// Tells what it prints, until it prints no more.
async fn told(context: &Context, secrets: &SecretStore, running: &mut Running) {
    while let Some(line) = running.line().await {
        context.console.emit(Event::Notice { message: format!("  │ {}", secrets.redact(&line)) });
    }
}
