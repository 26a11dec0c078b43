//! The keys of a service.

use serde_json::json;

use super::build::BUILD;
use crate::config::rules;
use crate::config::shape::{Key, Map, Object, Shape};

pub(super) static SERVICE: Object = Object {
    title: "a service",
    kind: None,
    json: Some(
        || json!({ "oneOf": [{ "required": ["build"] }, { "required": ["image"], "not": { "required": ["dockerfile"] } }] }),
    ),
    keys: &[
        Key::new("build", Shape::Object(&BUILD), "How the image is built."),
        Key::new("image", Shape::Scalar(&rules::IMAGE), "An image from a registry, instead of `build`."),
        Key::new(
            "dockerfile",
            Shape::Scalar(&rules::FILE),
            "Where the Dockerfile is written, relative to this file (default: deploy/SERVICE/Dockerfile); for kind `dockerfile`, where it is (default: Dockerfile in the context).",
        ),
        Key::new(
            "port",
            Shape::Scalar(&rules::PORT),
            "The port it listens on. Default: 8000 for Python web frameworks, 3000 for node, 8080 for vite and static, otherwise none.",
        ),
        Key::new(
            "publish",
            Shape::Scalar(&rules::PUBLISH),
            "The port on the Docker host: a number, `\"address:port\"` or false. Default: its own port on loopback; for `image`, false.",
        ),
        Key::new(
            "public",
            Shape::Scalar(&rules::BOOLEAN),
            "True binds every address of the host instead of loopback. Default: false.",
        ),
        Key::new(
            "health",
            Shape::Either(&[Shape::Scalar(&rules::HEALTH), Shape::Object(&HEALTH)]),
            "How to tell that it works: a path that answers below 400, a command, or false.",
        ),
        Key::new(
            "env",
            Shape::Map(&ENV),
            "Variables: at run time; for vite and static at build time, and public.",
        ),
        Key::new(
            "secrets",
            Shape::Map(&SECRETS),
            "Names of secret variables. Their values never stand in this file.",
        ),
        Key::new("volumes", Shape::Map(&MOUNTS), "Volumes and where each is mounted, such as `data: /data`."),
        Key::new(
            "proxy",
            Shape::Map(&PROXY),
            "Paths that a static service hands on to another service, such as `/api: api`.",
        ),
        Key::new(
            "depends_on",
            Shape::List(&Shape::Scalar(&rules::NAME), 0),
            "Services that must be healthy before, besides those that follow from references and `proxy`.",
        ),
        Key::new(
            "command",
            Shape::List(&Shape::Scalar(&rules::WORD), 1),
            "The command instead of the image's own, word by word.",
        ),
        Key::new(
            "memory",
            Shape::Scalar(&rules::MEMORY),
            "Limit of memory. Default: 512Mi; 128Mi for vite and static.",
        ),
        Key::new(
            "cpus",
            Shape::Scalar(&rules::CPUS),
            "Share of processors, up to three decimals. Default: 1.",
        ),
        Key::new(
            "replicas",
            Shape::Scalar(&rules::REPLICAS),
            "How many copies run at once. Default: 1. More than one needs volumes with `writers: many`, or none.",
        ),
        Key::new(
            "log",
            Shape::Object(&LOG),
            "What it logs. Where dashdeploy knows the server, the variables that say so are set.",
        ),
        Key::new(
            "read_only",
            Shape::Scalar(&rules::BOOLEAN),
            "Whether the root file system cannot be written to. Default: true where dashdeploy writes the Dockerfile.",
        ),
        Key::new(
            "headers",
            Shape::Map(&HEADERS),
            "Response headers of a static service, instead of the built-in ones of the same name; an empty value removes one.",
        ),
    ],
};

pub(super) static ENV: Map =
    Map { key: &rules::VARIABLE, value: Shape::Scalar(&rules::TEXT), most: 10_000, least: 0 };

pub(super) static SECRETS: Map =
    Map { key: &rules::VARIABLE, value: Shape::Scalar(&rules::REQUIREMENT), most: 1_000, least: 0 };

static MOUNTS: Map = Map { key: &rules::NAME, value: Shape::Scalar(&rules::MOUNT), most: 100, least: 0 };
static PROXY: Map = Map { key: &rules::PREFIX, value: Shape::Scalar(&rules::NAME), most: 100, least: 0 };
static HEADERS: Map =
    Map { key: &rules::HEADER_NAME, value: Shape::Scalar(&rules::HEADER_VALUE), most: 100, least: 0 };

static LOG: Object = Object {
    title: "`log`",
    kind: None,
    json: None,
    keys: &[
        Key::new(
            "level",
            Shape::Scalar(&rules::LOG_LEVEL),
            "The least important messages that are logged: debug, info, warning, error or critical. Sets LOG_LEVEL, and what Uvicorn and Gunicorn read.",
        ),
        Key::new("access", Shape::Scalar(&rules::BOOLEAN), "Whether requests are logged. Default: true."),
    ],
};

static HEALTH: Object = Object {
    title: "`health`",
    kind: None,
    json: Some(|| json!({ "oneOf": [{ "required": ["path"] }, { "required": ["command"] }] })),
    keys: &[
        Key::new("path", Shape::Scalar(&rules::URL_PATH), "A path that answers with a status below 400."),
        Key::new(
            "command",
            Shape::List(&Shape::Scalar(&rules::WORD), 1),
            "A command in the container that exits with 0, word by word.",
        ),
    ],
};
