//! The Dockerfile of a static service: built files, or files as they are, served by nginx.

use dashdeploy_contract::{Bound, Build, Finding, Recipe, Service, SpaRecipe, Wiring};
use serde::Serialize;

use super::node::{Packages, run_script};
use super::{Common, Image, Paths};
use crate::render::engine::Marked;
use crate::render::sheet::Sheet;
use crate::render::{RenderError, STATIC_STAGE, escape, layout, values};

const TEMPLATE: &str = "dockerfile/web.Dockerfile.j2";
/// The image that serves. The plan of the application names it.
pub const NGINX: &str = "nginx:1.27-alpine";

/// The image of a static service.
#[derive(Serialize)]
struct WebImage {
    common: Common,
    nginx: String,
    /// The stage with the built files alone.
    files_stage: &'static str,
    /// Where nginx looks for them.
    root: &'static str,
    /// A build by package script; none for files as they are.
    spa: Option<Spa>,
    /// Files as they are; none for a build.
    plain: Option<Plain>,
    /// nginx.conf in the context: the default of an argument, since a platform may want one of its own.
    conf: Marked,
}

/// A build by package script.
#[derive(Serialize)]
struct Spa {
    packages: Packages,
    /// Public values that the build writes into the files.
    args: Vec<Arg>,
    /// The build's command.
    script: Marked,
    /// The output folder.
    output: Marked,
    /// The output folder and where it goes: operands of `COPY`.
    copy: Marked,
}

/// A build argument.
#[derive(Serialize)]
struct Arg {
    name: String,
    /// The value for local use; none where it is known only to who builds.
    default: Option<Marked>,
    /// For the shell: fails the build where no value was given.
    required: Option<Marked>,
}

/// Files as they are.
#[derive(Serialize)]
struct Plain {
    /// The folder and where it goes: operands of `COPY`.
    copy: Marked,
    /// Removes configuration that lies among the files and is not to be served; none where there is none.
    remove: Option<Marked>,
}

impl Image for WebImage {
    fn common(&mut self) -> &mut Common {
        &mut self.common
    }
}

/// Adds the Dockerfiles.
pub fn add(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    build: &Build,
    wiring: &Wiring,
    paths: &Paths<'_>,
) -> Result<(), RenderError> {
    let key = format!("services.{}", service.name);
    if !build.links.is_empty() {
        let message = "`links` is for services with a program; a static service writes nothing";
        sheet.find(Finding::error("links-of-static", format!("{key}.build.links"), message));
    }
    let Some((conf, dev)) = layout::nginx_files(bound, service) else { return Ok(()) };
    let inside = |path: &str| layout::inside(&build.context, path).unwrap_or(path).to_owned();
    let conf = inside(&conf);
    let (spa, plain) = match &build.recipe {
        Recipe::Spa(recipe) => (Some(Spa::of(sheet, service, build, recipe, wiring)), None),
        Recipe::Files { root } => (None, Some(Plain::of(sheet, &key, root, [&conf, &inside(&dev)]))),
        _ => return Ok(()),
    };
    let image = WebImage {
        common: Common::of(sheet, service, build),
        nginx: sheet.image(NGINX),
        files_stage: STATIC_STAGE,
        root: layout::STATIC_ROOT,
        spa,
        plain,
        conf: Marked::Quoted(conf),
    };
    Ok(paths.add(sheet, service, TEMPLATE, image)?)
}

impl Spa {
    fn of(
        sheet: &mut Sheet<'_>,
        service: &Service,
        build: &Build,
        recipe: &SpaRecipe,
        wiring: &Wiring,
    ) -> Self {
        let key = format!("services.{}", service.name);
        sheet.check(&format!("{key}.build.node"), escape::dockerfile_word(&recipe.version));
        sheet.check(&format!("{key}.build.script"), escape::shell_word(&recipe.script));
        let operands = vec![format!("/app/{}", recipe.output), "/".to_owned()];
        sheet.check(&format!("{key}.build.output"), escape::copy_operands(&operands));
        Self {
            packages: Packages::of(sheet, &recipe.version, recipe.manager, recipe.locked, build),
            args: args(sheet, service, wiring),
            script: Marked::Line(run_script(recipe.manager, &recipe.script)),
            output: Marked::Shell(recipe.output.clone()),
            copy: Marked::Copy(operands),
        }
    }
}

fn args(sheet: &mut Sheet<'_>, service: &Service, wiring: &Wiring) -> Vec<Arg> {
    let mut args = Vec::new();
    for (name, text) in &service.env {
        let key = format!("services.{}.env.{name}", service.name);
        sheet.check(&key, escape::dockerfile_word(name));
        match wiring.resolve(text, service) {
            Err(unresolved) => {
                sheet.find(Finding::error("unresolved-reference", key, unresolved.to_string()))
            }
            Ok(value) if values::is_complete(&value) => {
                sheet.check(&key, escape::dockerfile_quoted(&value));
                let default = Some(Marked::Quoted(value));
                args.push(Arg { name: name.clone(), default, required: None });
            }
            Ok(_) => {
                let required =
                    Some(Marked::Shell(format!("{name} is not given: build with --build-arg {name}=…")));
                args.push(Arg { name: name.clone(), default: None, required });
            }
        }
    }
    args
}

impl Plain {
    fn of(sheet: &mut Sheet<'_>, key: &str, root: &str, configuration: [&str; 2]) -> Self {
        let operands = vec![if root == "." { ".".to_owned() } else { format!("{root}/") }, "./".to_owned()];
        sheet.check(&format!("{key}.build.root"), escape::copy_operands(&operands));
        let among = configuration.iter().filter_map(|path| layout::inside(root, path));
        let among: Vec<String> = among.map(|path| format!("./{path}")).collect();
        let remove = removal(among);
        Self { copy: Marked::Copy(operands), remove }
    }
}

/// Removes configuration that lies among the files: nginx.conf, and its counterparts of platforms beside it.
fn removal(among: Vec<String>) -> Option<Marked> {
    let folder = among.first()?.rsplit_once('/').map(|(folder, _)| folder.to_owned())?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut line = words(&["find", &folder, "-maxdepth", "1"]);
    line.extend(words(&["-name", "nginx.conf", "-delete", "-o", "-name", "nginx.*.conf", "-delete"]));
    Some(Marked::Line(line))
}
