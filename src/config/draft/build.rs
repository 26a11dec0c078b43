//! `build` → how the image is made, defaults filled in.

use dashdeploy_contract::{
    Build, BuildKind, Finding, Name, NodeManager, NodeRecipe, PythonPackages, PythonRecipe, Recipe, SpaRecipe,
};
use indexmap::IndexMap;

use super::{entries, value, values};
use crate::config::places::child;
use crate::config::report::{Report, shown};
use crate::config::rules::{self, Packages};
use crate::config::yaml::{Node, Scalar};

/// The build of a service; none where its kind cannot be read, which has been reported.
pub(super) fn build(name: &Name, service: &Node, path: &str, report: &Report) -> Option<Build> {
    let node = service.get("build")?;
    let path = child(path, "build");
    let kind = value(node, "kind", rules::kind)?;
    let context = value(node, "context", rules::folder).unwrap_or_else(|| ".".to_owned());
    let dockerfile = value(service, "dockerfile", rules::file).unwrap_or_else(|| match kind {
        BuildKind::Dockerfile if context == "." => "Dockerfile".to_owned(),
        BuildKind::Dockerfile => format!("{context}/Dockerfile"),
        _ => format!("deploy/{name}/Dockerfile"),
    });
    let recipe = match kind {
        BuildKind::Fastapi | BuildKind::Flask | BuildKind::Django | BuildKind::Python => {
            Recipe::Python(python(kind, node, &path, report))
        }
        BuildKind::Node => Recipe::Node(server(node)),
        BuildKind::Vite => Recipe::Spa(page(node)),
        BuildKind::Static => {
            Recipe::Files { root: value(node, "root", rules::folder).unwrap_or_else(|| ".".to_owned()) }
        }
        BuildKind::Dockerfile => Recipe::Own { target: value(node, "stage", rules::stage) },
    };
    let ignore = values(node, "ignore", rules::pattern).unwrap_or_default();
    let secrets = secrets(node, &recipe, &path, report);
    Some(Build { kind, context, dockerfile, ignore, secrets, links: links(node, &path, report), recipe })
}

/// The names of secrets, each once. Where no step could read one, that is said: it would be asked for in vain.
fn secrets(node: &Node, recipe: &Recipe, path: &str, report: &Report) -> Vec<String> {
    let key = child(path, "secrets");
    let mut names: Vec<String> = Vec::new();
    for (n, item) in node.get("secrets").map_or(&[][..], Node::items).iter().enumerate() {
        let Some(name) = item.scalar().and_then(|scalar| rules::build_secret(scalar).ok()) else { continue };
        if names.contains(&name) {
            let message = format!("`{name}` is named twice");
            report.add(Finding::error("named-twice", format!("{key}[{n}]"), message).hint("remove one"));
        } else {
            names.push(name);
        }
    }
    let installs = match recipe {
        Recipe::Python(python) => python.packages != PythonPackages::None,
        Recipe::Files { .. } => false,
        Recipe::Node(_) | Recipe::Spa(_) | Recipe::Own { .. } => true,
    };
    if !installs && !names.is_empty() {
        let message = "no step of this build reads a secret: it installs no packages";
        report.add(Finding::warning("unread-secret", key, message).hint("remove `secrets` here"));
    }
    names
}

fn python(kind: BuildKind, node: &Node, path: &str, report: &Report) -> PythonRecipe {
    let packages = value(node, "packages", rules::packages).unwrap_or(Packages::Pip);
    if packages != Packages::Pip
        && node.get("requirements").is_some()
        && !report.doubts(&child(path, "packages"))
    {
        let message = "`requirements` belongs to `packages: pip`, but another way to install is chosen";
        let finding = Finding::error("misplaced-key", child(path, "requirements"), message);
        report.add(finding.hint("remove `requirements`, or write `packages: pip`"));
    }
    let app = value(node, "app", rules::app);
    if kind == BuildKind::Fastapi && app.as_ref().is_some_and(|app| app.ends_with("()")) {
        let message = "`()` calls a factory, which is known for flask and django alone";
        let finding = Finding::error("invalid-app", child(path, "app"), message);
        report.add(
            finding.hint("name the application object itself, or set `command` to `uvicorn --factory …`"),
        );
    }
    PythonRecipe {
        version: value(node, "python", rules::python).unwrap_or_else(|| "3.11".to_owned()),
        packages: match packages {
            Packages::Pip => PythonPackages::Pip { requirements: requirements(node) },
            Packages::Uv => PythonPackages::Uv,
            Packages::Poetry => PythonPackages::Poetry,
            Packages::Pyproject => PythonPackages::Pyproject,
            Packages::None => PythonPackages::None,
        },
        app,
        source_root: value(node, "source", rules::file),
    }
}

fn requirements(node: &Node) -> Vec<String> {
    values(node, "requirements", rules::file)
        .filter(|files| !files.is_empty())
        .or_else(|| value(node, "requirements", rules::file).map(|file| vec![file]))
        .unwrap_or_else(|| vec!["requirements.txt".to_owned()])
}

fn server(node: &Node) -> NodeRecipe {
    NodeRecipe {
        version: node_version(node),
        manager: manager(node),
        locked: locked(node),
        script: value(node, "script", rules::script),
        start: values(node, "start", rules::word).unwrap_or_default(),
    }
}

fn page(node: &Node) -> SpaRecipe {
    let word = |key: &str, rule: fn(&Scalar) -> _, default: &str| {
        value(node, key, rule).unwrap_or_else(|| default.to_owned())
    };
    SpaRecipe {
        version: node_version(node),
        manager: manager(node),
        locked: locked(node),
        script: word("script", rules::script, "build"),
        dev_script: word("dev_script", rules::script, "dev"),
        output: word("output", rules::file, "dist"),
    }
}

fn node_version(node: &Node) -> String {
    value(node, "node", rules::node).unwrap_or_else(|| "20".to_owned())
}

fn manager(node: &Node) -> NodeManager {
    value(node, "manager", rules::manager).unwrap_or(NodeManager::Npm)
}

fn locked(node: &Node) -> bool {
    value(node, "lockfile", rules::boolean).unwrap_or(true)
}

fn links(node: &Node, path: &str, report: &Report) -> IndexMap<String, String> {
    let read = |text: &str| {
        Some((text.to_owned(), rules::file(&Scalar { text: text.to_owned(), plain: true }).ok()?))
    };
    let mut links = IndexMap::new();
    for ((written, link), to) in entries(node, "links", read, rules::mount) {
        let clash = links.keys().find(|other: &&String| overlaps(other, &link));
        match clash {
            None => drop(links.insert(link, to)),
            Some(other) => {
                let key = format!("{path}.links.{written}");
                let message = if *other == link {
                    format!("`{}` is linked twice", shown(&link))
                } else {
                    format!("`{}` and `{}` are links one inside the other", shown(other), shown(&link))
                };
                report.add(Finding::error("nested-links", key, message).hint("remove one of the two"));
            }
        }
    }
    links
}

fn overlaps(a: &str, b: &str) -> bool {
    let inside =
        |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    inside(a, b) || inside(b, a)
}
