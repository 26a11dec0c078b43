//! Where each generated file goes.
//!
//! Given: a project. Gives: paths relative to the project folder, `/`-separated. Every other module of `render` asks here,
//! so that the ignore files know all generated paths and Compose knows where a Dockerfile lies.

use crate::config::LOCK_NAME;
use dashdeploy_contract::{Bound, Build, Name, Recipe, Service, page};

/// For local use, the same as `dashdeploy up`.
pub const COMPOSE: &str = "docker-compose.yml";
/// For development, with mounted sources.
pub const COMPOSE_DEV: &str = "docker-compose.dev.yml";
/// For a Docker host in production.
pub const COMPOSE_PROD: &str = "deploy/docker-compose.prod.yml";
/// Where the built files of a static service lie in its image.
pub const STATIC_ROOT: &str = "/usr/share/nginx/html";
/// The folder of the application in every generated image that is not nginx.
pub const APP_FOLDER: &str = "/app";

/// The ignore file that BuildKit reads for a Dockerfile.
pub fn ignore_file(dockerfile: &str) -> String {
    format!("{dockerfile}.dockerignore")
}

/// The nginx configuration of a static service and the one of its development set-up; none for other services.
pub fn nginx_files(bound: &Bound, service: &Service) -> Option<(String, String)> {
    let conf = page::configuration(bound, service)?;
    let dev = page::on_platform(&conf, "dev");
    Some((conf, dev))
}

/// Every path that dashdeploy writes or reads as configuration, sorted, without the `.env.example` files and the targets'
/// own, which the ignore file names by pattern: it is the same whatever targets are asked for.
pub fn generated(bound: &Bound) -> Vec<String> {
    let mut paths: Vec<String> =
        [COMPOSE, COMPOSE_DEV, COMPOSE_PROD, "dashdeploy.yaml", "dashdeploy.yml", LOCK_NAME, ".dashdeploy"]
            .map(str::to_owned)
            .to_vec();
    for service in bound.services.values() {
        if let Some(build) = service.build() {
            paths.extend([build.dockerfile.clone(), ignore_file(&build.dockerfile)]);
        }
        paths.extend(nginx_files(bound, service).into_iter().flat_map(|(conf, dev)| [conf, dev]));
    }
    paths.sort();
    paths.dedup();
    paths
}

/// `path` as seen from the context folder; none where it lies outside.
pub fn inside<'a>(context: &str, path: &'a str) -> Option<&'a str> {
    if context == "." {
        return Some(path);
    }
    path.strip_prefix(context)?.strip_prefix('/').filter(|rest| !rest.is_empty())
}

/// `path` as seen from `folder`, with `..` where it lies outside. Both relative to the project, normalised.
pub fn relative(folder: &str, path: &str) -> String {
    let from: Vec<&str> = folder.split('/').filter(|part| *part != ".").collect();
    let to: Vec<&str> = path.split('/').collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

/// The contexts of other services that lie inside this one and are of another language, so that nothing in them can be
/// imported from here.
pub fn nested_contexts(bound: &Bound, service: &Name, build: &Build) -> Vec<String> {
    let python = |build: &Build| matches!(build.recipe, Recipe::Python(_));
    let others = bound.services.values().filter(|other| other.name != *service);
    let mut nested: Vec<String> = others
        .filter_map(|other| other.build())
        .filter(|other| other.context != build.context && python(other) != python(build))
        .filter(|other| !matches!(other.recipe, Recipe::Own { .. }))
        .filter_map(|other| inside(&build.context, &other.context).filter(|path| *path != "."))
        .map(str::to_owned)
        .collect();
    nested.sort();
    nested.dedup();
    nested
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_other_folders() {
        assert_eq!(relative(".", "backend/Dockerfile"), "backend/Dockerfile");
        assert_eq!(relative("dashboard_web", "frontend/Dockerfile"), "../frontend/Dockerfile");
        assert_eq!(relative("web/app", "web/Dockerfile"), "../Dockerfile");
        assert_eq!(relative("web", "web/Dockerfile"), "Dockerfile");
        assert_eq!(inside("web", "web/nginx.conf"), Some("nginx.conf"));
        assert_eq!(inside("web", "web2/nginx.conf"), None);
        assert_eq!(inside(".", "a/b"), Some("a/b"));
        assert_eq!(inside("web", "web"), None);
    }
}
