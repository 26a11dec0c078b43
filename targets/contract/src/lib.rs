//! The vocabulary of dashdeploy and the promises every target keeps.
//!
//! Given: nothing; this crate is types, traits and pure functions over them. Gives: the words that `config`, `render`,
//! `build`, `deploy`, `console` and every crate under `targets/` share, so that data flows one way:
//! configuration → [`Project`] → [`Bound`] → [`Release`] → [`Plan`] → changes applied → health → verdict.
//! Deliberately absent: input and output, a runtime, a command line, a template engine. The dependency list proves it.

mod api_answer;
mod bound;
#[cfg(feature = "conformance")]
pub mod conformance;
mod container;
mod error;
mod event;
mod exec;
mod finding;
mod health;
mod logs;
mod manifest;
mod name;
mod observed;
mod option;
pub mod page;
mod page_host;
mod plan;
mod portability;
mod ports;
mod project;
mod recipe;
mod release;
mod secret;
pub mod shell;
mod supplies;
mod target;
mod text;
mod wiring;

pub use api_answer::{ApiAnswer, in_words};
pub use bound::{Bound, UnknownEnvironment};
pub use container::{
    APP_USER, ContainerSpec, EnvValue, Limits, LogRotation, PortBinding, Probe, RestartPolicy, Tmpfs,
    VolumeMount, image_reference, labels, ownership_marks, stack_name,
};
pub use error::{ErrorKind, TargetError};
pub use event::{Event, EventSink, LayerState, NoEvents, StepState};
pub use exec::{ExecInput, ExecOutput, ExecOutputFeed, ExecRequest, ExecSession, ExecStream};
pub use finding::{Finding, Place, Severity};
pub use health::{Health, HealthSample, HealthWatch, Served};
pub use logs::{LogFeed, LogLine, LogQuery, LogStream};
pub use manifest::{Desk, Manifest, Manifests, Template, ValuePart, derived_name, word};
pub use name::{InvalidName, Name};
pub use observed::{Observed, Resource};
pub use option::{OptionKind, OptionRule, OptionScope, Options};
pub use page::PageServer;
pub use page_host::PageHost;
pub use plan::{Action, Address, Change, FieldChange, Plan, Risk};
pub use portability::{Answer, Portability, Topic, Verdict};
pub use ports::{
    Access, CallError, Clock, Method, Pace, ReadCall, Reads, Repeat, WriteCall, Writes, no_writes,
};
pub use project::{
    Ci, Environment, HealthCheck, Hooks, Log, LogLevel, Project, Publish, Requirement, Resources, Service,
    ServiceKind, ServiceOverride, Smoke, Source, Volume, Writers,
};
pub use recipe::{
    Build, BuildKind, NodeManager, NodeRecipe, PythonPackages, PythonRecipe, Recipe, SpaRecipe,
};
pub use release::{GitSource, ImageId, Release, ReleaseImage};
pub use secret::{SecretStore, fingerprint};
pub use supplies::Supplies;
pub use target::{
    Capabilities, Credential, Descriptor, Federation, ImageHome, KEPT, KeptSecret, OwnRepository, Reader,
    Removal, SecretEdit, Setting, Target, Writer,
};
pub use text::{AddressField, Part, Reference, Text, TextError};
pub use wiring::{ServiceAddress, Unresolved, Wiring};
