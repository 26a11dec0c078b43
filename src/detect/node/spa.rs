//! Front ends that a package script builds into files.
//!
//! Given: a package. Gives: the build script, the output folder, the page's mark. Deliberately absent: configuration computed at
//! run time.

use dashdeploy_contract::{BuildKind, NodeManager, Recipe, SpaRecipe};

use crate::detect::draft::Draft;
use crate::detect::index::{Index, is_writable, join, normal};
use crate::detect::model::{Evidence, Role, Topic};
use crate::detect::scan::Source;

use super::package::Package;

/// A tool that builds front ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framework {
    package: &'static str,
    title: &'static str,
    output: &'static str,
    dev_scripts: &'static [&'static str],
}

const FRAMEWORKS: [Framework; 4] = [
    Framework {
        package: "react-scripts",
        title: "Create React App",
        output: "build",
        dev_scripts: &["start"],
    },
    Framework { package: "@vue/cli-service", title: "Vue CLI", output: "dist", dev_scripts: &["serve"] },
    Framework { package: "astro", title: "Astro", output: "dist", dev_scripts: &["dev", "start"] },
    Framework { package: "vite", title: "Vite", output: "dist", dev_scripts: &["dev", "start", "serve"] },
];

const CONFIGS: [&str; 6] = [
    "vite.config.ts",
    "vite.config.js",
    "vite.config.mjs",
    "vite.config.mts",
    "vite.config.cjs",
    "vite.config.cts",
];

/// The tool that builds this package, where it is a front end at all.
pub(crate) fn framework(index: &Index<'_>, package: &Package) -> Option<Framework> {
    let framework = FRAMEWORKS.into_iter().find(|framework| package.uses(framework.package))?;
    // Libraries are tested with Vite too; a page or a configuration tells a front end.
    let is_page = framework.package != "vite"
        || config(index, &package.folder).is_some()
        || index.has(&join(&package.folder, "index.html"));
    let is_library = config(index, &package.folder).is_some_and(|source| {
        (0..source.len()).any(|at| source.is(at, "lib") && source.is(at + 1, ":") && source.is(at + 2, "{"))
    });
    let foreign =
        ["@sveltejs/kit", "@angular/core", "nuxt", "@remix-run/node"].iter().any(|name| package.uses(name));
    (is_page && !is_library && !foreign).then_some(framework)
}

/// The tokens of `vite.config.*`.
pub(crate) fn config(index: &Index<'_>, folder: &str) -> Option<std::rc::Rc<Source>> {
    CONFIGS.iter().find_map(|name| index.javascript(&join(folder, name)))
}

pub(crate) fn draft(index: &Index<'_>, package: &Package, framework: Framework) -> Result<Draft, String> {
    let script = ["build", "build:prod"].into_iter().find(|name| package.script(name).is_some());
    let script = script.ok_or_else(|| format!("it uses {} but has no `build` script", framework.title))?;
    let dev = framework.dev_scripts.iter().find(|name| package.script(name).is_some()).unwrap_or(&"dev");
    let config = config(index, &package.folder).filter(|_| framework.package == "vite");
    let root = config.as_deref().and_then(|source| literal(source, "root")).map_or("", |(text, _)| text);
    let (output, evidence) = output(config.as_deref(), root, framework)?;
    let recipe = SpaRecipe {
        version: String::new(),
        manager: NodeManager::Npm,
        locked: false,
        script: script.to_owned(),
        dev_script: (*dev).to_owned(),
        output: output.clone(),
    };
    let mut draft =
        Draft::new(Role::Spa, &package.folder, &package.folder, BuildKind::Vite, Recipe::Spa(recipe));
    let proposal = &mut draft.proposal;
    proposal.port = Some(8080);
    proposal.conclude(
        Topic::Kind,
        format!("{} front end", framework.title),
        Some(package.evidence(framework.package)),
    );
    let said = if evidence.is_some() { "" } else { " (the tool's default)" };
    proposal.conclude(
        Topic::Output,
        format!("`{script}` builds into `{output}`{said}"),
        evidence.or_else(|| Some(package.evidence(script))),
    );
    let page = page(index, &package.folder, root, framework);
    if let Some((text, evidence)) = page {
        proposal.conclude(Topic::Health, format!("the page contains `{text}`"), Some(evidence));
        proposal.page_contains = Some(text);
    }
    Ok(draft)
}

/// `build.outDir`, relative to Vite's `root`.
fn output(
    config: Option<&Source>,
    root: &str,
    framework: Framework,
) -> Result<(String, Option<Evidence>), String> {
    let Some((written, evidence)) = config.and_then(|source| literal(source, "outDir")) else {
        let path = normal(&join(root, framework.output)).filter(|path| is_writable(path));
        return path
            .map(|path| (path, None))
            .ok_or_else(|| format!("its root `{root}` lies outside its own folder"));
    };
    match normal(&join(root, written)) {
        Some(path) if !path.is_empty() && is_writable(&path) => Ok((path, Some(evidence))),
        _ => Err(format!(
            "it is built into `{written}`, which lies outside its own folder ({})",
            evidence.place()
        )),
    }
}

/// `key: "text"` anywhere in the configuration.
fn literal<'s>(source: &'s Source, key: &str) -> Option<(&'s str, Evidence)> {
    let at = (0..source.len()).find(|at| source.is(*at, key) && source.is(at + 1, ":"))?;
    Some((source.string(at + 2)?, Evidence::new(source.excerpt(at), &source.path, source.line(at))))
}

/// The element that the page is mounted in, as it stands in the HTML.
fn page(index: &Index<'_>, folder: &str, root: &str, framework: Framework) -> Option<(String, Evidence)> {
    let folder = normal(&join(folder, root))?;
    let file = match framework.package {
        "vite" => join(&folder, "index.html"),
        "astro" => return None,
        _ => join(&folder, "public/index.html"),
    };
    mount(index, &file)
}

/// `<div id="root">` or its like in a page.
pub(crate) fn mount(index: &Index<'_>, file: &str) -> Option<(String, Evidence)> {
    let text = index.text(file)?;
    for (at, line) in text.lines().enumerate() {
        for start in ["<div id=\"root\"", "<div id=\"app\"", "<div id='root'", "<div id='app'"] {
            let Some((_, rest)) = line.split_once(start) else { continue };
            let Some(end) = rest.find('>').filter(|end| *end < 80 && !rest[..*end].contains('$')) else {
                continue;
            };
            return Some((format!("{start}{}", &rest[..=end]), Evidence::new(line, file, at + 1)));
        }
    }
    None
}

/// The prefixes that the development server hands on (`server.proxy`), and whether it changes the path on the way.
pub(crate) fn dev_proxies(source: &Source) -> Vec<(String, bool, Evidence)> {
    let mut found = Vec::new();
    for at in (0..source.len()).filter(|at| source.reads(*at, &["proxy", ":", "{"])) {
        let end = source.after_bracket(at + 2);
        let mut key = at + 3;
        while key < end {
            let value = key + 2;
            let after = if source.is(value, "{") { source.after_bracket(value) } else { value + 1 };
            if let Some(prefix) = source.string(key).filter(|_| source.is(key + 1, ":"))
                && prefix.starts_with('/')
            {
                let rewrites = (value..after).any(|at| source.is(at, "rewrite"));
                found.push((
                    prefix.to_owned(),
                    rewrites,
                    Evidence::new(source.excerpt(key), &source.path, source.line(key)),
                ));
            }
            key = after + 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::scan::javascript;

    #[test]
    fn the_development_proxy_is_read() {
        let source = javascript(
            "export default { server: { proxy: { '/api': 'http://localhost:8000', '/ws': { target: 'x', ws: true, rewrite: (p) => p } } }, build: { outDir: 'out' } }",
        );
        let found: Vec<_> = dev_proxies(&source).into_iter().map(|(p, r, _)| (p, r)).collect();
        assert_eq!(found, [("/api".to_owned(), false), ("/ws".to_owned(), true)]);
        assert_eq!(literal(&source, "outDir").map(|(text, _)| text), Some("out"));
    }
}
