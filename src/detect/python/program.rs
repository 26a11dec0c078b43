//! Python programs that are no web application: workers, bots, Streamlit pages.
//!
//! Given: the tree. Gives: drafts with the command that starts them. Deliberately absent: command-line tools, which are no
//! services.

use dashdeploy_contract::BuildKind;

use crate::detect::draft::{Draft, Found, split_command};
use crate::detect::index::{Index, folder_of, join, name_of, relative};
use crate::detect::model::{Evidence, Rejected, Role, Topic};
use crate::detect::port;
use crate::detect::scan::Source;
use crate::detect::starts::{Starts, port_in};

use super::packages::{Packages, packages, pyproject};
use super::{Place, finish_worker, python_draft, routes};

/// Files that start something when they are run, the likeliest first.
const PROGRAMS: [&str; 9] = [
    "__main__.py",
    "main.py",
    "app.py",
    "run.py",
    "worker.py",
    "bot.py",
    "server.py",
    "start.py",
    "scheduler.py",
];
/// Streamlit's own port.
const STREAMLIT_PORT: u16 = 8501;

/// The program of a folder without a web application.
pub(crate) fn draft(
    index: &Index<'_>,
    starts: &Starts,
    folder: &str,
    files: &[String],
    packages: &Packages,
    found: &mut Found,
) -> Option<Draft> {
    if packages.names.contains("streamlit")
        && let Some(draft) = streamlit(index, folder, files, packages)
    {
        found.notes.extend(packages.notes.iter().cloned());
        return Some(draft);
    }
    let process = starts.processes(folder).find(|(process, command, _)| {
        *process != "release"
            && split_command(command).is_some_and(|(_, words)| !words.join(" ").contains('$'))
    });
    let (command, evidence) = match process {
        Some((_, command, evidence)) => (split_command(command)?.1, evidence.clone()),
        None => program(index, folder, files).or_else(|| {
            found.rejected.extend(tools(index, folder));
            None
        })?,
    };
    let mut draft = worker(index, folder, files, packages, command, evidence);
    found.notes.extend(packages.notes.iter().cloned());
    let port = draft.proposal.command.as_ref().and_then(|command| port_in(&command.join(" ")));
    let listens =
        port::python(index, files).or_else(|| Some((port?, draft.proposal.facts.first()?.evidence.clone()?)));
    if let Some((port, evidence)) = listens {
        draft.proposal.role = Role::Api;
        draft.proposal.port = Some(port);
        draft.proposal.conclude(Topic::Port, format!("port {port}"), Some(evidence));
        draft.routes = routes::routes(index, folder, files);
        compared_paths(index, &mut draft);
    }
    Some(draft)
}

/// The other process types of a Procfile beside a web application: each is a service of its own from the same sources.
pub(crate) fn workers(index: &Index<'_>, starts: &Starts, folder: &str, files: &[String], found: &mut Found) {
    for (process, command, evidence) in starts.processes(folder) {
        if matches!(process, "web" | "release") {
            continue;
        }
        let Some((_, command)) = split_command(command).filter(|(_, words)| !words.join(" ").contains('$'))
        else {
            found.rejected.push(Rejected {
                candidate: format!("process `{process}`"),
                reason: "its command needs a shell".to_owned(),
                evidence: evidence.clone(),
            });
            continue;
        };
        let packages = packages(index, folder, folder);
        let mut draft = worker(index, folder, files, &packages, command, evidence.clone());
        draft.proposal.name = dashdeploy_contract::Name::from_any(process, "worker");
        found.drafts.push(draft);
    }
}

fn worker(
    index: &Index<'_>,
    folder: &str,
    files: &[String],
    packages: &Packages,
    command: Vec<String>,
    evidence: Evidence,
) -> Draft {
    let place = Place { folder, context: folder, source_root: None };
    let mut draft = python_draft(index, &place, BuildKind::Python, Role::Worker, packages, None);
    let application = format!("started with `{}`", command.join(" "));
    draft.proposal.conclude_first(Topic::Application, application, Some(evidence.clone()));
    draft.proposal.conclude_first(Topic::Kind, "Python program", Some(evidence));
    draft.proposal.command = Some(command);
    draft.files = files.to_vec();
    finish_worker(index, &mut draft);
    draft
}

/// The file that is run: one of the usual names with `if __name__ == "__main__"`, or a package's `__main__.py`.
fn program(index: &Index<'_>, folder: &str, files: &[String]) -> Option<(Vec<String>, Evidence)> {
    let depth = |path: &str| relative(path, folder).split('/').count();
    let mut candidates: Vec<&String> =
        files.iter().filter(|path| depth(path) <= 3 && PROGRAMS.contains(&name_of(path))).collect();
    candidates.sort_by_key(|path| {
        (depth(path), PROGRAMS.iter().position(|name| *name == name_of(path)), path.as_str())
    });
    candidates.into_iter().find_map(|path| {
        let source = index.python(path)?;
        let below = relative(path, folder);
        if name_of(path) == "__main__.py" && !folder_of(below).is_empty() {
            if is_tool(index, folder) {
                return None;
            }
            let package = folder_of(below).strip_prefix("src/").unwrap_or(folder_of(below));
            // A package below `src` is importable only when it is installed or on the path.
            if folder_of(below) == package {
                let command = ["python", "-m", &package.replace('/', ".")].map(str::to_owned).to_vec();
                return Some((command, Evidence::new(first_line(&source), path, 1)));
            }
        }
        let guard = main_guard(&source)?;
        let evidence = Evidence::new(source.excerpt(guard), path, source.line(guard));
        Some((vec!["python".to_owned(), below.to_owned()], evidence))
    })
}

/// True for a package that installs commands: its `__main__.py` is one of them.
fn is_tool(index: &Index<'_>, folder: &str) -> bool {
    let setup = ["setup.py", "setup.cfg"]
        .iter()
        .any(|name| index.text(&join(folder, name)).is_some_and(|text| text.contains("entry_points")));
    setup || !tools(index, folder).is_empty()
}

fn first_line(source: &Source) -> &str {
    source.text.lines().next().unwrap_or_default()
}

/// `if __name__ == "__main__"`.
fn main_guard(source: &Source) -> Option<usize> {
    (0..source.len()).find(|at| {
        source.tokens[*at].indent == Some(0)
            && source.reads(*at, &["if", "__name__", "=="])
            && source.string(at + 3) == Some("__main__")
    })
}

/// Commands that `pyproject.toml` installs: tools for people, not services.
fn tools(index: &Index<'_>, folder: &str) -> Vec<Rejected> {
    let path = join(folder, "pyproject.toml");
    let scripts = pyproject(index, folder).and_then(|table| {
        let project = table.get("project").and_then(|project| project.get("scripts"));
        let poetry = || table.get("tool")?.get("poetry")?.get("scripts");
        let scripts = project.or_else(poetry)?.as_table()?;
        Some(scripts.keys().cloned().collect::<Vec<_>>())
    });
    scripts
        .unwrap_or_default()
        .into_iter()
        .map(|name| Rejected {
            candidate: format!("the command `{name}`"),
            reason:
                "it is a command-line tool that the package installs; nothing says that it runs as a service"
                    .to_owned(),
            evidence: index.evidence(&path, &name),
        })
        .collect()
}

/// A Streamlit page: the file that imports it, by the usual names.
fn streamlit(index: &Index<'_>, folder: &str, files: &[String], packages: &Packages) -> Option<Draft> {
    const PAGES: [&str; 4] = ["app.py", "main.py", "streamlit_app.py", "Home.py"];
    let mut pages: Vec<_> = files.iter().filter_map(|path| index.source_with(path, &["streamlit"])).collect();
    pages.sort_by_cached_key(|source| {
        (source.path.split('/').count(), !PAGES.contains(&name_of(&source.path)), source.path.clone())
    });
    let (source, at) = pages.iter().find_map(|source| {
        let at = (0..source.len()).find(|at| source.reads(*at, &["import", "streamlit"]))?;
        Some((source, at))
    })?;
    let port = STREAMLIT_PORT.to_string();
    let page = relative(&source.path, folder);
    let command = [
        "streamlit",
        "run",
        page,
        "--server.port",
        &port,
        "--server.address",
        "0.0.0.0",
        "--server.headless",
        "true",
    ];
    let evidence = Evidence::new(source.excerpt(at), &source.path, source.line(at));
    let command = command.map(str::to_owned).to_vec();
    let mut draft = worker(index, folder, files, packages, command, evidence.clone());
    let proposal = &mut draft.proposal;
    proposal.role = Role::Api;
    proposal.facts[0].conclusion = "Streamlit page".to_owned();
    proposal.port = Some(STREAMLIT_PORT);
    proposal.conclude(Topic::Port, format!("port {STREAMLIT_PORT} (Streamlit's own)"), None);
    proposal.health = Some("/_stcore/health".to_owned());
    proposal.conclude(Topic::Health, "`/_stcore/health`, which Streamlit answers itself", Some(evidence));
    Some(draft)
}

/// `self.path == "/health"` in handlers of the standard library.
fn compared_paths(index: &Index<'_>, draft: &mut Draft) {
    for path in &draft.files {
        let Some(source) = index.source_with(path, &["self.path", "do_GET"]) else { continue };
        for at in 0..source.len() {
            if source.reads(at, &["self", ".", "path", "=="])
                && let Some(text) = source.string(at + 4).filter(|text| text.starts_with('/'))
            {
                draft.routes.push(routes::found(&source, at, "GET", text.to_owned(), false));
            }
        }
    }
}
