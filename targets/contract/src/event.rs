//! Events: what happened during work, as data. The console makes bars, lines or JSON of them.

use serde::Serialize;

use crate::{Action, Address, Health, Name};

/// How a build step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It runs.
    Running,
    /// It ran.
    Done,
    /// Its result was there already.
    Cached,
    /// It failed.
    Failed,
}

/// How a layer stands that an image is pushed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerState {
    /// It waits for its turn.
    Waiting,
    /// It is sent.
    Sending,
    /// It was sent.
    Sent,
    /// The registry had it.
    Existed,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An image's build began.
    BuildStarted {
        /// The service whose image it is.
        service: Name,
    },
    /// The build context is being sent.
    BuildContext {
        /// The service whose image it is.
        service: Name,
        /// Bytes sent so far.
        bytes: u64,
        /// Files sent so far.
        files: u64,
    },
    /// A build step changed its state.
    BuildStep {
        /// The service whose image it is.
        service: Name,
        /// The step's id, stable within the build.
        step: String,
        /// The step as the Dockerfile has it.
        name: String,
        /// How it stands.
        state: StepState,
        /// Milliseconds it took, once it ended.
        millis: Option<u64>,
    },
    /// A build step moves bytes: layers are fetched, unpacked or written.
    BuildTransfer {
        /// The service whose image it is.
        service: Name,
        /// The step's id.
        step: String,
        /// The step as the Dockerfile has it.
        name: String,
        /// Bytes so far.
        current: u64,
        /// Bytes in all, once they are known.
        total: Option<u64>,
    },
    /// A build step printed a line.
    BuildLog {
        /// The service whose image it is.
        service: Name,
        /// The step's id.
        step: String,
        /// What it printed.
        line: String,
    },
    /// An image is there.
    BuildFinished {
        /// The service whose image it is.
        service: Name,
        /// Its name and tag.
        image: String,
        /// Its content digest.
        id: String,
        /// Milliseconds it took.
        millis: u64,
        /// True where every step was cached.
        cached: bool,
    },
    /// The files of a static service were built, without an image.
    FilesBuilt {
        /// The service.
        service: Name,
        /// Milliseconds it took.
        millis: u64,
        /// True where every step was cached.
        cached: bool,
    },
    /// An image could not be built.
    BuildFailed {
        /// The service whose image it is.
        service: Name,
        /// Why.
        message: String,
    },
    /// An image is being fetched.
    ImagePull {
        /// The image.
        image: String,
        /// What the engine says.
        status: String,
    },
    /// An image is looked for at its registry, and sent where it is not there.
    PushStarted {
        /// The service whose image it is.
        service: Name,
        /// Where it goes, with its tag.
        image: String,
    },
    /// A layer is being sent.
    PushLayer {
        /// The service whose image it is.
        service: Name,
        /// The layer, by the engine's short name for it.
        layer: String,
        /// How it stands.
        state: LayerState,
        /// Bytes sent so far.
        bytes: u64,
        /// Bytes in all; zero where that is not known yet.
        total: u64,
    },
    /// A transfer broke and is begun again.
    PushRetried {
        /// The service whose image it is.
        service: Name,
        /// Why.
        message: String,
    },
    /// An image is at its registry.
    PushFinished {
        /// The service whose image it is.
        service: Name,
        /// Its name by digest, `repository@sha256:…`.
        image: String,
        /// True where it was there already.
        existed: bool,
        /// Bytes sent.
        bytes: u64,
        /// Milliseconds it took.
        millis: u64,
    },
    /// An image could not be pushed.
    PushFailed {
        /// The service whose image it is.
        service: Name,
        /// Why.
        message: String,
    },
    /// Built files were written.
    Exported {
        /// The service.
        service: Name,
        /// Where they are, relative to the project.
        path: String,
        /// How many.
        files: u64,
    },
    /// A change began.
    ChangeStarted {
        /// What is changed.
        address: Address,
        /// What is done to it.
        action: Action,
        /// The cause.
        reason: String,
    },
    /// A change was carried out.
    ChangeFinished {
        /// What was changed.
        address: Address,
        /// What was done to it.
        action: Action,
        /// Milliseconds it took.
        millis: u64,
    },
    /// A change failed.
    ChangeFailed {
        /// What was to be changed.
        address: Address,
        /// Why it was not.
        message: String,
    },
    /// A change was taken back.
    ChangeReverted {
        /// What is as it was before.
        address: Address,
    },
    /// A service's health changed.
    HealthChanged {
        /// The service.
        service: Name,
        /// How it is.
        health: Health,
        /// Milliseconds since its start.
        millis: u64,
    },
    /// A release that serves is looked at from outside.
    CheckStarted {
        /// The service.
        service: Name,
        /// What is looked at: `digest`, `build id`, `GET /api/health`, `preflight from https://…`.
        check: String,
    },
    /// It is as it should be.
    CheckPassed {
        /// The service.
        service: Name,
        /// What was looked at.
        check: String,
        /// Milliseconds it took.
        millis: u64,
    },
    /// It is not.
    CheckFailed {
        /// The service.
        service: Name,
        /// What was looked at.
        check: String,
        /// What was found instead.
        message: String,
    },
    /// Something that only whoever asks for everything wants to know.
    Detail {
        /// The text, one sentence.
        message: String,
    },
    /// Something worth knowing.
    Notice {
        /// The text, one sentence.
        message: String,
    },
    /// Something that is probably not meant.
    Warning {
        /// The text, one sentence.
        message: String,
    },
}

/// Takes events as they happen; cheap, never blocks, never fails.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

/// A sink that forgets everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn emit(&self, _: Event) {}
}
