//! The keys of `build`.

use crate::config::rules;
use crate::config::shape::{Key, Map, Object, Shape};

const PYTHON: &[&str] = &["fastapi", "flask", "django", "python"];
const APPLICATION: &[&str] = &["fastapi", "flask", "django"];
const NODE: &[&str] = &["node", "vite"];
const SERVER: &[&str] = &["node"];
const PAGE: &[&str] = &["vite"];
const GENERATED: &[&str] = &["fastapi", "flask", "django", "python", "node", "vite", "static"];
const FILES: &[&str] = &["static"];
const OWN: &[&str] = &["dockerfile"];

pub(super) static BUILD: Object = Object {
    title: "`build`",
    kind: Some("kind"),
    json: None,
    keys: &[
        Key::new("kind", Shape::Scalar(&rules::KIND), "What is built. `vite` and `static` are files served by nginx; all others are containers.").required(),
        Key::new("context", Shape::Scalar(&rules::FOLDER), "The folder that is built, relative to this file. Default: `.`."),
        Key::new("ignore", Shape::List(&Shape::Scalar(&rules::PATTERN), 0), "Patterns added to the ignore file, in Docker's syntax.").only_for(GENERATED),
        Key::new("secrets", Shape::List(&Shape::Scalar(&rules::BUILD_SECRET), 0), "Names of secrets that steps of the build may read below `/run/secrets`; generated Dockerfiles give them as variables to the steps that install packages. They are in no layer."),
        Key::new("links", Shape::Map(&LINKS), "Paths in the application folder that become links to a volume, such as `data: /data`. What the context ships there seeds an empty volume.").only_for(GENERATED),
        Key::new("python", Shape::Scalar(&rules::PYTHON), "Python's version, such as `\"3.11\"` (the default).").only_for(PYTHON),
        Key::new("packages", Shape::Scalar(&rules::PACKAGES), "Where the Python dependencies come from. Default: pip.").only_for(PYTHON),
        Key::new("requirements", Shape::Either(&[Shape::Scalar(&rules::FILE), Shape::List(&Shape::Scalar(&rules::FILE), 1)]), "Requirement files for pip, relative to the context. Default: requirements.txt.").only_for(PYTHON),
        Key::new("app", Shape::Scalar(&rules::APP), "The application object, such as `dashboard_api.app:app`.").required().only_for(APPLICATION),
        Key::new("source", Shape::Scalar(&rules::FILE), "The folder below the context that holds the packages, such as `src`.").only_for(PYTHON),
        Key::new("node", Shape::Scalar(&rules::NODE), "Node.js's major version, such as `\"20\"` (the default).").only_for(NODE),
        Key::new("manager", Shape::Scalar(&rules::MANAGER), "Who installs: npm (default), pnpm or yarn.").only_for(NODE),
        Key::new("lockfile", Shape::Scalar(&rules::BOOLEAN), "Whether the lock file is there and obeyed. Default: true.").only_for(NODE),
        Key::new("script", Shape::Scalar(&rules::SCRIPT), "The package script that builds. Default for vite: build.").only_for(NODE),
        Key::new("start", Shape::List(&Shape::Scalar(&rules::WORD), 1), "The command that starts the server, such as `[node, server.js]`.").required().only_for(SERVER),
        Key::new("dev_script", Shape::Scalar(&rules::SCRIPT), "The package script of the development server. Default: dev.").only_for(PAGE),
        Key::new("output", Shape::Scalar(&rules::FILE), "The folder with the built files, relative to the context. Default: dist.").only_for(PAGE),
        Key::new("root", Shape::Scalar(&rules::FOLDER), "The folder that is served, relative to the context. Default: `.`.").only_for(FILES),
        Key::new("stage", Shape::Scalar(&rules::STAGE), "The stage of the Dockerfile to build. Default: the last.").only_for(OWN),
    ],
};

static LINKS: Map = Map { key: &rules::FILE, value: Shape::Scalar(&rules::MOUNT), most: 100, least: 0 };
