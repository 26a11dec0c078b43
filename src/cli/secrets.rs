//! `dashdeploy secrets`: the secrets of an environment where its platforms keep them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dashdeploy_contract::{
    Address, Bound, KeptSecret, Name, Reader as _, Requirement, SecretEdit, Supplies, fingerprint,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::deploying::args::LockArgs;
use super::deploying::ledger::hold;
use super::deploying::shown::agreed;
use super::stack::{Stack, secrets_of_file};
use super::verdict::conclude;
use super::{CliError, CliResult, Context, Exit};
use crate::console::{ask, plan_text, table};
use crate::deploy::{Gathered, NoSteps, Session, remove};
use crate::io::terminal::read_secret;

/// Set, list, import, unset and check the secrets of the environment
///
/// Values are kept by the platforms and come with the next deploy; nothing is restarted. They are read from standard input, a
/// prompt or a file, never from the command line, where others could see them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Set a secret, from standard input or a prompt
    Set(SetArgs),
    /// List names and fingerprints
    List,
    /// Set what a file has of the secrets that dashdeploy.yaml names
    Import(ImportArgs),
    /// Take a secret away
    Unset(SetArgs),
    /// Tell which secrets have no value anywhere; end with 3 where a required one has none
    Check,
}

/// Which secret.
#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The variable's name
    #[arg(value_parser = variable)]
    name: String,
    /// Only for this service; else for every service that has such a secret
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    #[command(flatten)]
    lock: LockArgs,
}

/// Which file.
#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// One NAME=value a line
    #[arg(id = "values", value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    lock: LockArgs,
}

fn variable(text: &str) -> Result<String, String> {
    if text.contains('=') {
        return Err("give the name alone: a value on the command line could be seen by others".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let stack = Stack::open(context)?;
    match &args.command {
        Command::List => list(context, &stack).await,
        Command::Check => check(context, &stack).await,
        Command::Set(args) => set(context, &stack, args).await,
        Command::Unset(args) => unset(context, &stack, args).await,
        Command::Import(args) => import(context, &stack, args).await,
    }
}

/// The services that have a secret of this name.
fn services(stack: &Stack, args: &SetArgs) -> CliResult<Vec<Name>> {
    let only = args.service.as_deref().map(|text| stack.service(text)).transpose()?;
    let having = stack.bound.services.values().filter(|service| service.secrets.contains_key(&args.name));
    let found: Vec<Name> = having
        .map(|service| service.name.clone())
        .filter(|name| only.as_ref().is_none_or(|only| only == name))
        .collect();
    if found.is_empty() {
        let message = format!("no service has a secret `{}` in dashdeploy.yaml", args.name);
        return Err(CliError::new(Exit::Usage, "unknown-secret", message)
            .hint(format!("add it under `secrets:` of the service: `{}: required`", args.name)));
    }
    Ok(found)
}

async fn set(context: &Context, stack: &Stack, args: &SetArgs) -> CliResult {
    let services = services(stack, args)?;
    let value = value(context, &args.name)?;
    let values = services.into_iter().map(|service| (service, args.name.clone(), Some(value.clone())));
    change(context, stack, values.collect(), &args.lock).await
}

/// A value from a prompt on a terminal, else the whole of standard input without its last line end.
fn value(context: &Context, name: &str) -> CliResult<SecretString> {
    let text = if context.may_ask() {
        ask::secret(name)?
    } else {
        read_secret()
            .map_err(|error| CliError::new(Exit::Usage, "secret", format!("standard input: {error:#}")))?
    };
    if text.is_empty() {
        return Err(CliError::new(
            Exit::Usage,
            "secret",
            format!("`{name}` was given no value; nothing was changed"),
        )
        .hint(format!("pipe it in: `… | dashdeploy secrets set {name}`; `secrets unset` takes one away")));
    }
    Ok(SecretString::from(text))
}

async fn unset(context: &Context, stack: &Stack, args: &SetArgs) -> CliResult {
    let services = services(stack, args)?;
    let needed = services.iter().find(|service| {
        stack.bound.services[service.as_str()].secrets.get(&args.name) == Some(&Requirement::Required)
    });
    if let Some(service) = needed {
        agreed(
            context,
            &format!("Service `{service}` does not start without `{}`. Take it away?", args.name),
        )?;
    }
    let values = services.into_iter().map(|service| (service, args.name.clone(), None));
    change(context, stack, values.collect(), &args.lock).await
}

async fn import(context: &Context, stack: &Stack, args: &ImportArgs) -> CliResult {
    let found = secrets_of_file(context, &args.file)?;
    let mut values = Vec::new();
    let mut unused: Vec<&String> = found.keys().collect();
    for service in stack.bound.services.values() {
        for variable in service.secrets.keys() {
            if let Some(value) = found.get(variable).filter(|value| !value.is_empty()) {
                unused.retain(|name| *name != variable);
                values.push((
                    service.name.clone(),
                    variable.clone(),
                    Some(SecretString::from(value.clone())),
                ));
            }
        }
    }
    for name in unused {
        context
            .console
            .warning(&format!("{}: no service has a secret `{name}`: it was left out", args.file.display()));
    }
    if values.is_empty() {
        let message = format!("{} has no secret that dashdeploy.yaml names", args.file.display());
        return Err(CliError::new(Exit::Usage, "no-secrets", message)
            .hint("`dashdeploy secrets list` shows the names"));
    }
    change(context, stack, values, &args.lock).await
}

/// Sets and unsets, where the platforms keep them.
async fn change(
    context: &Context,
    stack: &Stack,
    values: Vec<(Name, String, Option<SecretString>)>,
    lock: &LockArgs,
) -> CliResult {
    let (edits, supplies) = edits(&stack.bound, values);
    let held = if context.global.dry_run { None } else { Some(hold(context, stack, "secrets", lock).await?) };
    let done = edit(context, stack, &edits, &supplies).await;
    if let Some(held) = held {
        held.release(context).await;
    }
    done
}

/// What is to be changed, by fingerprint, and the values.
fn edits(bound: &Bound, values: Vec<(Name, String, Option<SecretString>)>) -> (Vec<SecretEdit>, Supplies) {
    let mut supplies = Supplies::default();
    let mut edits = Vec::new();
    for (service, variable, value) in values {
        let print = value
            .as_ref()
            .map(|value| fingerprint(&bound.project, &bound.environment, &variable, value.expose_secret()));
        if let Some(value) = value {
            supplies.secrets.insert(&service, &variable, value);
        }
        edits.push(SecretEdit { service, variable, fingerprint: print });
    }
    (edits, supplies)
}

async fn edit(context: &Context, stack: &Stack, edits: &[SecretEdit], supplies: &Supplies) -> CliResult {
    let reader = stack.reader().await?;
    let observed = reader.observe(&stack.bound).await?;
    let plan = stack.fleet.plan_secrets(&stack.bound, &observed, edits)?;
    if context.global.dry_run || plan.is_empty() {
        let text = plan_text(&plan, context.console.answer_style());
        context.console.answer(json!({ "changed": false, "plan": plan }), &text);
        return Ok(Exit::Done);
    }
    let writer = stack.writer().await?;
    let session = Session {
        bound: &stack.bound,
        reader: &reader,
        writer: &writer,
        supplies,
        steps: &NoSteps,
        events: Arc::new(context.console.clone()),
        interrupt: &context.interrupt(),
    };
    let outcome = remove(&session, &plan).await?;
    context.console.finish_progress();
    conclude(&outcome)?;
    let changed: Vec<&str> = outcome.applied.iter().map(Address::as_str).collect();
    let text = format!("{}\nWhat runs gets them with the next deploy.", lines(edits).join("\n"));
    context.console.answer(json!({ "changed": true, "applied": changed }), &text);
    Ok(Exit::Done)
}

fn lines(edits: &[SecretEdit]) -> Vec<String> {
    let line = |edit: &SecretEdit| match &edit.fingerprint {
        Some(print) => format!("{} of {} is set ({print}).", edit.variable, edit.service),
        None => format!("{} of {} is gone.", edit.variable, edit.service),
    };
    edits.iter().map(line).collect()
}

/// How a secret stands: what dashdeploy.yaml says, what the platform keeps, what is at hand here.
struct Row<'a> {
    service: &'a Name,
    variable: &'a str,
    requirement: Requirement,
    kept: Option<&'a KeptSecret>,
    here: Option<String>,
}

fn rows<'a>(stack: &'a Stack, kept: &'a [KeptSecret], here: &Gathered) -> Vec<Row<'a>> {
    let bound = &stack.bound;
    let of = |service: &'a dashdeploy_contract::Service| {
        service.secrets.iter().map(|(variable, requirement)| Row {
            service: &service.name,
            variable,
            requirement: *requirement,
            kept: kept.iter().find(|kept| kept.service == service.name && kept.variable == *variable),
            here: here
                .store
                .expose(&service.name, variable)
                .map(|value| fingerprint(&bound.project, &bound.environment, variable, value)),
        })
    };
    bound.services.values().flat_map(of).collect()
}

impl Row<'_> {
    fn value(&self) -> Value {
        json!({
            "service": self.service, "variable": self.variable, "requirement": self.requirement,
            "kept": self.kept.is_some(), "kept_fingerprint": self.kept.and_then(|kept| kept.fingerprint.as_ref()),
            "in_use": self.kept.map(|kept| kept.in_use), "here_fingerprint": self.here,
        })
    }

    fn cells(&self) -> Vec<String> {
        let required = if self.requirement == Requirement::Required { "required" } else { "optional" };
        let kept = self.kept.map_or("-", |kept| kept.fingerprint.as_deref().unwrap_or("kept"));
        let used = match self.kept {
            Some(kept) if kept.in_use => "in use",
            Some(_) => "with the next deploy",
            None => "",
        };
        vec![
            self.service.to_string(),
            self.variable.to_owned(),
            required.to_owned(),
            kept.to_owned(),
            self.here.clone().unwrap_or_else(|| "-".to_owned()),
            used.to_owned(),
        ]
    }

    fn is_missing(&self) -> bool {
        self.kept.is_none() && self.here.is_none()
    }
}

const HEADS: [&str; 6] = ["SERVICE", "NAME", "", "ON THE PLATFORM", "HERE", ""];

async fn list(context: &Context, stack: &Stack) -> CliResult {
    let kept = stack.reader().await?.secrets(&stack.bound).await?;
    let here = stack.secrets_known(context, None)?;
    let rows = rows(stack, &kept, &here);
    let values: Vec<Value> = rows.iter().map(Row::value).collect();
    let text = if rows.is_empty() {
        "dashdeploy.yaml names no secret.".to_owned()
    } else {
        table(&HEADS, &rows.iter().map(Row::cells).collect::<Vec<_>>())
    };
    context.console.answer(json!({ "secrets": values }), &text);
    Ok(Exit::Done)
}

async fn check(context: &Context, stack: &Stack) -> CliResult {
    let kept = stack.reader().await?.secrets(&stack.bound).await?;
    let here = stack.secrets_known(context, None)?;
    let rows = rows(stack, &kept, &here);
    let missing: Vec<&Row> = rows.iter().filter(|row| row.is_missing()).collect();
    let required: BTreeMap<&str, &Name> = missing
        .iter()
        .filter(|row| row.requirement == Requirement::Required)
        .map(|row| (row.variable, row.service))
        .collect();
    let value = json!({
        "missing": missing.iter().map(|row| row.value()).collect::<Vec<_>>(), "complete": required.is_empty(),
    });
    let text = if missing.is_empty() {
        "Every secret has a value.".to_owned()
    } else {
        table(&HEADS, &missing.iter().map(|row| row.cells()).collect::<Vec<_>>())
    };
    context.console.answer(value, &text);
    for (variable, service) in &required {
        context.console.warning(&format!("`{variable}` of service `{service}` is required and has no value: `dashdeploy secrets set {variable}`"));
    }
    Ok(if required.is_empty() { Exit::Done } else { Exit::Pending })
}
