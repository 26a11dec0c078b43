//! The keys of dashdeploy.yaml: one table per map, one line per key, with what an editor says about it.

mod build;
mod environment;
mod lock;
mod service;

pub(crate) use lock::LOCK;

use super::rules;
use super::shape::{Key, Map, Object, Shape};

const REGISTRY_DOC: &str = "Where images are pushed to, such as `ghcr.io/acme`; the name of an image there is `<project>-<service>`.";

const LEDGER_DOC: &str = "Where the history of deploys and the lock lie for everybody who deploys, such as `s3://bucket/prefix`, `az://container` or `gs://bucket`. Default: `.dashdeploy/ledger/` in the project's folder.";

const HOOKS_DOC: &str = "Commands of your own around a deploy or a rollback: each a line for `sh`, run on the machine that deploys, in the project's folder. `DASHDEPLOY_ENVIRONMENT`, `DASHDEPLOY_RELEASE` and others tell them what is deployed.";

const CI_DOC: &str = "Whose pipeline is written: `github`, `gitlab` or `false`. Default: github where an environment other than `local` exists.";

const ONE_NAME: Shape = Shape::Scalar(&rules::NAME);

/// The file.
pub(crate) static FILE: Object = Object {
    title: "dashdeploy.yaml",
    kind: None,
    json: None,
    keys: &[
        Key::new("version", Shape::Scalar(&rules::FORMAT), "The version of this format. Only 1 exists."),
        Key::new("project", ONE_NAME, "The application's name: a-z, 0-9 and -, at most 63 characters.")
            .required(),
        Key::new("services", Shape::Map(&SERVICES), "What the application is made of, by name.").required(),
        Key::new("registry", Shape::Scalar(&rules::REGISTRY), REGISTRY_DOC),
        Key::new("ledger", Shape::Scalar(&rules::LEDGER), LEDGER_DOC),
        Key::new("volumes", Shape::Map(&VOLUMES), "Data that outlives containers, by name."),
        Key::new(
            "smoke",
            Shape::List(&Shape::Object(&SMOKE), 0),
            "Requests that must be answered as said after every deploy.",
        ),
        Key::new("hooks", Shape::Object(&HOOKS), HOOKS_DOC),
        Key::new(
            "environments",
            Shape::Map(&environment::ENVIRONMENTS),
            "Where the application runs, by name. `local` on target `docker` is always there.",
        ),
        Key::new("ci", Shape::Scalar(&rules::CI), CI_DOC),
        Key::new("check", Shape::Object(&CHECK), "What `dashdeploy check` does not tell."),
        Key::new("guard", Shape::Object(&GUARD), "What the guards against leaked secrets let pass."),
    ],
};

static SERVICES: Map =
    Map { key: &rules::NAME, value: Shape::Object(&service::SERVICE), most: 200, least: 1 };

static VOLUMES: Map = Map {
    key: &rules::NAME,
    value: Shape::Either(&[Shape::Object(&VOLUME), Shape::Nothing]),
    most: 200,
    least: 0,
};

static VOLUME: Object = Object {
    title: "a volume",
    kind: None,
    json: None,
    keys: &[
        Key::new(
            "size",
            Shape::Scalar(&rules::SIZE),
            "How much room is wanted, such as `1Gi`, where the platform asks. A Docker host does not limit it.",
        ),
        Key::new(
            "writers",
            Shape::Scalar(&rules::WRITERS),
            "`single` (default): one container at a time, so that the old one stops before the new one starts; `many`: any number.",
        ),
    ],
};

static CHECK: Object = Object {
    title: "`check`",
    kind: None,
    json: None,
    keys: &[Key::new(
        "silence",
        Shape::Map(&SILENCED),
        "Findings about the code that are not told: the code, or the code and a service as in `no-lock-file api`, and the reason.",
    )],
};

static SILENCED: Map =
    Map { key: &rules::SILENCE, value: Shape::Scalar(&rules::REASON), most: 1_000, least: 0 };

static GUARD: Object = Object {
    title: "`guard`",
    kind: None,
    json: None,
    keys: &[Key::new(
        "allow",
        Shape::Map(&ALLOWED),
        "Findings that may pass: the fingerprint a guard gave, and the reason. `--allow` writes them.",
    )],
};

static ALLOWED: Map =
    Map { key: &rules::FINGERPRINT, value: Shape::Scalar(&rules::REASON), most: 1_000, least: 0 };

static HOOKS: Object = Object {
    title: "`hooks`",
    kind: None,
    json: None,
    keys: &[
        Key::new(
            "before",
            Shape::List(&Shape::Scalar(&rules::COMMAND_LINE), 0),
            "Run before the first change; the first that fails ends the deploy, and nothing was changed.",
        ),
        Key::new(
            "after",
            Shape::List(&Shape::Scalar(&rules::COMMAND_LINE), 0),
            "Run once the release runs and is verified.",
        ),
    ],
};

static SMOKE: Object = Object {
    title: "a smoke test",
    kind: None,
    json: None,
    keys: &[
        Key::new("service", ONE_NAME, "The service that is asked.").required(),
        Key::new("path", Shape::Scalar(&rules::URL_PATH), "The path that is asked for.").required(),
        Key::new("status", Shape::Scalar(&rules::STATUS), "The HTTP status expected. Default: 200."),
        Key::new("contains", Shape::Scalar(&rules::NONEMPTY), "Text that the answer must contain."),
    ],
};
