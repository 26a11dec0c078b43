//! The keys of an environment and of what differs there.

use super::service::{ENV, SECRETS};
use crate::config::rules;
use crate::config::shape::{Key, Map, Object, Shape};

pub(super) static ENVIRONMENTS: Map =
    Map { key: &rules::NAME, value: Shape::Object(&ENVIRONMENT), most: 50, least: 0 };

const TARGET_DOC: &str = "The platform: docker, or one of render, fly, aws, azure, railway, netlify, vercel.";
const REGION_DOC: &str = "The platform's word for the region, such as `oregon` or `iad`.";

const OPTIONS_DOC: &str = "Choices that only the target offers, such as `runtime: python` on Render; `dashdeploy targets NAME` lists them.";

static OPTIONS: Map =
    Map { key: &rules::OPTION_NAME, value: Shape::Scalar(&rules::OPTION), most: 100, least: 0 };

static ENVIRONMENT: Object = Object {
    title: "an environment",
    kind: None,
    json: None,
    keys: &[
        Key::new("target", Shape::Scalar(&rules::TARGET), TARGET_DOC),
        Key::new("region", Shape::Scalar(&rules::REGION), REGION_DOC),
        Key::new("registry", Shape::Scalar(&rules::REGISTRY), super::REGISTRY_DOC),
        Key::new("ledger", Shape::Scalar(&rules::LEDGER), super::LEDGER_DOC),
        Key::new(
            "hooks",
            Shape::Object(&super::HOOKS),
            "What is run around a deploy there, instead of the project's own `hooks`.",
        ),
        Key::new("options", Shape::Map(&OPTIONS), OPTIONS_DOC),
        Key::new(
            "services",
            Shape::Map(&OVERRIDES),
            "What differs for single services, by the service's name.",
        ),
    ],
};

static OVERRIDES: Map = Map { key: &rules::NAME, value: Shape::Object(&OVERRIDE), most: 200, least: 0 };

static OVERRIDE: Object = Object {
    title: "a service in an environment",
    kind: None,
    json: None,
    keys: &[
        Key::new("target", Shape::Scalar(&rules::TARGET), TARGET_DOC),
        Key::new("region", Shape::Scalar(&rules::REGION), REGION_DOC),
        Key::new("publish", Shape::Scalar(&rules::PUBLISH), "Another host port or address, or `false`."),
        Key::new("public", Shape::Scalar(&rules::BOOLEAN), "Whether every address of the host is bound."),
        Key::new("env", Shape::Map(&ENV), "Variables added or replaced."),
        Key::new("secrets", Shape::Map(&SECRETS), "Secret variables added or replaced."),
        Key::new("memory", Shape::Scalar(&rules::MEMORY), "Another limit of memory, such as `1Gi`."),
        Key::new("cpus", Shape::Scalar(&rules::CPUS), "Another share of processors, such as `0.5`."),
        Key::new("replicas", Shape::Scalar(&rules::REPLICAS), "Another number of copies."),
        Key::new(
            "domain",
            Shape::Scalar(&rules::DOMAIN),
            "Your own host name for it, such as `api.example.com`; its address is then https:// and this name.",
        ),
        Key::new("options", Shape::Map(&OPTIONS), OPTIONS_DOC),
    ],
};
