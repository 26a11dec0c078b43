//! From BuildKit's status stream to events; keeps the last lines of each running step for the report of its failure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexStatus};
use dashdeploy_contract::{Event, EventSink, Name, StepState};

/// Lines of a step that are kept.
const LINES_KEPT: usize = 200;
/// Bytes of a line that are kept.
const LINE_LIMIT: usize = 4096;

/// The state of one image's build.
pub(super) struct Progress {
    service: Name,
    events: Arc<dyn EventSink>,
    steps: HashMap<String, Step>,
    rebuilt: bool,
    failed: Option<FailedStep>,
}

/// The step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailedStep {
    /// Its name with its place, `[build 3/6] RUN npm ci`.
    pub(super) name: String,
    /// What BuildKit says of it.
    pub(super) error: String,
    /// The last lines it printed.
    pub(super) log: Vec<String>,
}

#[derive(Default)]
struct Step {
    id: String,
    name: String,
    state: Option<StepState>,
    /// The begun line of each stream: 1 is standard output, 2 standard error.
    unfinished: [Vec<u8>; 2],
    lines: VecDeque<String>,
    /// Bytes moved and bytes in all, for each thing that the step moves.
    moved: HashMap<String, (i64, i64)>,
}

impl Progress {
    pub(super) fn new(service: Name, events: Arc<dyn EventSink>) -> Self {
        Self { service, events, steps: HashMap::new(), rebuilt: false, failed: None }
    }

    /// Takes one message of the stream.
    pub(super) fn take(&mut self, status: StatusResponse) {
        // A new step's first lines may come with it, a failed step's last ones too: names, then lines, then ends.
        let (ended, begun): (Vec<_>, Vec<_>) =
            status.vertexes.into_iter().partition(|vertex| vertex.completed.is_some());
        for vertex in &ended {
            self.name(vertex);
        }
        for vertex in begun {
            self.name(&vertex);
            if vertex.started.is_some() {
                self.enter(&vertex, StepState::Running, None);
            }
        }
        self.moved(status.statuses);
        for log in status.logs {
            self.print(&log.vertex, usize::from(log.stream == 2), &log.msg);
        }
        for vertex in ended {
            self.end(&vertex);
        }
    }

    /// Takes output of a build that has no steps to tell apart.
    pub(super) fn print_plain(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.rebuilt |= line.starts_with("STEP ") || line.starts_with("Step ");
            let line = line.chars().take(LINE_LIMIT).collect();
            self.events.emit(Event::BuildLog { service: self.service.clone(), step: String::new(), line });
        }
    }

    /// True where every step's result was there already.
    pub(super) fn cached(&self) -> bool {
        !self.rebuilt
    }

    /// The step that failed, once one has.
    pub(super) fn failed(&self) -> Option<&FailedStep> {
        self.failed.as_ref()
    }

    /// Tells of each step how much it has moved in all; once a message, which comes ten times a second at most.
    fn moved(&mut self, statuses: Vec<VertexStatus>) {
        let mut changed = Vec::new();
        for status in statuses {
            let Some(step) = self.steps.get_mut(&status.vertex).filter(|step| !is_internal(&step.name))
            else {
                continue;
            };
            step.moved.insert(status.id, (status.current, status.total));
            if !changed.contains(&status.vertex) {
                changed.push(status.vertex);
            }
        }
        for digest in changed {
            let Some(step) = self.steps.get(&digest) else { continue };
            let sum = step.moved.values().fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
            let (current, total) = (u64::try_from(sum.0).unwrap_or(0), u64::try_from(sum.1).unwrap_or(0));
            if current > 0 {
                self.events.emit(Event::BuildTransfer {
                    service: self.service.clone(),
                    step: step.id.clone(),
                    name: step.name.clone(),
                    current,
                    total: Some(total).filter(|total| *total >= current),
                });
            }
        }
    }

    fn name(&mut self, vertex: &Vertex) {
        let step = self.steps.entry(vertex.digest.clone()).or_default();
        if step.name.is_empty() {
            step.id = vertex.digest.trim_start_matches("sha256:").chars().take(12).collect();
            step.name.clone_from(&vertex.name);
        }
    }

    fn enter(&mut self, vertex: &Vertex, state: StepState, millis: Option<u64>) {
        let Some(step) = self.steps.get_mut(&vertex.digest) else {
            return;
        };
        if step.state == Some(state) {
            return;
        }
        step.state = Some(state);
        if is_internal(&step.name) {
            return;
        }
        self.events.emit(Event::BuildStep {
            service: self.service.clone(),
            step: step.id.clone(),
            name: step.name.clone(),
            state,
            millis,
        });
    }

    fn end(&mut self, vertex: &Vertex) {
        self.finish_lines(&vertex.digest);
        let state = match vertex.error.as_str() {
            "" if vertex.cached => StepState::Cached,
            "" => StepState::Done,
            _ => StepState::Failed,
        };
        // A step that another one's failure ended is not to blame.
        let to_blame = state == StepState::Failed && !vertex.error.contains("context canceled");
        let lines = self.steps.get_mut(&vertex.digest).map(|step| std::mem::take(&mut step.lines));
        if to_blame && self.failed.is_none() {
            let log = lines.unwrap_or_default().into();
            self.failed = Some(FailedStep { name: vertex.name.clone(), error: vertex.error.clone(), log });
        }
        if state == StepState::Done && is_instruction(&vertex.name) {
            self.rebuilt = true;
        }
        self.enter(vertex, state, elapsed(vertex));
    }

    fn print(&mut self, digest: &str, stream: usize, bytes: &[u8]) {
        let Some(step) = self.steps.get_mut(digest) else {
            return;
        };
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let unfinished = &mut step.unfinished[stream];
            let room = LINE_LIMIT.saturating_sub(unfinished.len());
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            unfinished.extend_from_slice(&text[..text.len().min(room)]);
            if piece.ends_with(b"\n") {
                lines.push(take_line(unfinished));
            }
        }
        self.tell(digest, lines);
    }

    fn finish_lines(&mut self, digest: &str) {
        let Some(step) = self.steps.get_mut(digest) else {
            return;
        };
        let begun = step.unfinished.iter_mut().filter(|line| !line.is_empty());
        let lines = begun.map(take_line).collect();
        self.tell(digest, lines);
    }

    fn tell(&mut self, digest: &str, lines: Vec<String>) {
        let Some(step) = self.steps.get_mut(digest) else {
            return;
        };
        for line in lines {
            if step.lines.len() == LINES_KEPT {
                step.lines.pop_front();
            }
            step.lines.push_back(line.clone());
            self.events.emit(Event::BuildLog { service: self.service.clone(), step: step.id.clone(), line });
        }
    }
}

/// The line as a terminal would show it in the end: what stands after the last carriage return.
fn take_line(bytes: &mut Vec<u8>) -> String {
    let bytes = std::mem::take(bytes);
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end_matches('\r');
    text.rsplit('\r').next().unwrap_or(text).to_owned()
}

/// Steps that no Dockerfile has: BuildKit's own, and the unpacking of what was sent.
fn is_internal(name: &str) -> bool {
    name.starts_with("[internal]") || name.starts_with("copy /context")
}

/// True for the instructions of the Dockerfile whose results can be cached. A base image is no result of a build.
fn is_instruction(name: &str) -> bool {
    name.starts_with('[') && !is_internal(name) && !name.contains("] FROM ")
}

fn elapsed(vertex: &Vertex) -> Option<u64> {
    let (from, to) = (vertex.started.as_ref()?, vertex.completed.as_ref()?);
    let nanos = (to.seconds - from.seconds) * 1_000_000_000 + i64::from(to.nanos - from.nanos);
    u64::try_from(nanos / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bollard::moby::buildkit::v1::VertexLog;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Event>>);

    impl EventSink for Kept {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    fn vertex(digest: &str, name: &str) -> Vertex {
        Vertex { digest: format!("sha256:{digest}"), name: name.into(), ..Vertex::default() }
    }

    fn ended(vertex: Vertex, cached: bool, error: &str) -> Vertex {
        Vertex { completed: Some(Default::default()), cached, error: error.into(), ..vertex }
    }

    fn said(digest: &str, stream: i64, text: &str) -> VertexLog {
        VertexLog { vertex: format!("sha256:{digest}"), stream, msg: text.into(), ..VertexLog::default() }
    }

    fn progress() -> (Progress, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        (Progress::new(Name::parse("api").unwrap(), Arc::clone(&kept) as Arc<dyn EventSink>), kept)
    }

    #[test]
    fn only_steps_of_the_dockerfile_that_ran_make_an_image_new() {
        let (mut progress, kept) = progress();
        let base = ended(vertex("a", "[1/2] FROM docker.io/library/x"), false, "");
        let own = ended(vertex("b", "[internal] load build context"), false, "");
        let copy = ended(vertex("c", "[2/2] COPY . ."), true, "");
        progress.take(StatusResponse { vertexes: vec![base, own, copy], ..Default::default() });
        assert!(progress.cached());
        assert_eq!(kept.0.lock().unwrap().len(), 2, "BuildKit's own steps are not told");
        let run = ended(vertex("d", "[2/2] RUN x"), false, "");
        progress.take(StatusResponse { vertexes: vec![run], ..Default::default() });
        assert!(!progress.cached());
    }

    #[test]
    fn the_last_lines_of_the_failing_step_are_kept_and_no_more() {
        let (mut progress, _) = progress();
        let step = vertex("d", "[2/2] RUN x");
        progress.take(StatusResponse { vertexes: vec![step.clone()], ..Default::default() });
        for index in 0..1000 {
            let logs =
                vec![said("d", 1, &format!("{index}\n")), said("d", 2, "half "), said("d", 1, "10%\r20%\n")];
            progress.take(StatusResponse { logs, ..Default::default() });
        }
        progress
            .take(StatusResponse { logs: vec![said("d", 1, &"x".repeat(1 << 20))], ..Default::default() });
        let other = ended(vertex("e", "[other 2/2] RUN y"), false, "context canceled");
        progress.take(StatusResponse {
            vertexes: vec![other, ended(step, false, "exit code: 1")],
            ..Default::default()
        });
        let failed = progress.failed().unwrap();
        assert_eq!(failed.name, "[2/2] RUN x");
        assert_eq!(failed.log.len(), LINES_KEPT);
        assert!(failed.log.iter().all(|line| line.len() <= LINE_LIMIT));
        assert!(failed.log.contains(&"20%".to_owned()) && failed.log.contains(&"999".to_owned()));
    }
}
