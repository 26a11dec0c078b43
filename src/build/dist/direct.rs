//! The built files of a static service without an image: BuildKit's local exporter hands over the stage that holds them.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bollard::Docker;
use dashdeploy_contract::{Event, EventSink};

use super::{ExportError, Exported, FilesError, conclude, path_of, remembered};
use crate::build::context::Sent;
use crate::build::image::{Prepared, failure, prepare};
use crate::build::progress::Progress;
use crate::build::session::files::Receiver;
use crate::build::solve::{Order, Output, solve};
use crate::build::{BuildOptions, BuildRequest};
use crate::io::context::inspect::Inspect;
use crate::io::unpack::{self, Unpacked};

/// The stage of generated Dockerfiles that holds the built files and nothing else.
const STAGE: &str = "files";

/// Builds the files that an image would serve from the folder `from`, and puts them into `.dashdeploy/dist/<service>`; what was
/// there before is replaced in one step, or stays where this fails. Nothing is built where they are there.
///
/// # Errors
/// [`FilesError`]: a build that fails, or files that cannot be written or must not be published.
pub async fn build_files(
    engine: &Docker,
    request: BuildRequest,
    options: &BuildOptions,
    from: &str,
    project_dir: &Path,
    inspect: Option<Arc<dyn Inspect>>,
    events: &Arc<dyn EventSink>,
) -> Result<Exported, FilesError> {
    let service = request.service.clone();
    let mut prepared = prepare(engine, request, options, events).await?;
    let path = path_of(&service);
    let to = project_dir.join(&path);
    let made_of = prepared.key.clone().filter(|_| !options.no_cache && !options.pull);
    let memory =
        remembered(options.cache_dir.as_deref(), &to, made_of.as_deref(), inspect.as_ref(), &path).await;
    if let (_, Some(current)) = memory {
        return Ok(current);
    }
    events.emit(Event::BuildStarted { service: service.clone() });
    take_files_only(&mut prepared, from);
    let begun = Instant::now();
    let (unpacked, cached, keyed) = solved(engine, &prepared, options, &to, inspect, events).await?;
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    events.emit(Event::FilesBuilt { service: service.clone(), millis, cached });
    let exported = conclude(&service, &path, unpacked, events.as_ref())?;
    if let Some(memory) = memory.0.filter(|_| keyed) {
        let _ = tokio::task::spawn_blocking(move || memory.remember()).await;
    }
    Ok(exported)
}

/// What was unpacked; whether every step was cached; whether the content key stands for it.
async fn solved(
    engine: &Docker,
    prepared: &Prepared,
    options: &BuildOptions,
    to: &Path,
    inspect: Option<Arc<dyn Inspect>>,
    events: &Arc<dyn EventSink>,
) -> Result<(Unpacked, bool, bool), FilesError> {
    let service = &prepared.request.service;
    let (feed, unpacking) = unpack::start(to, inspect);
    let mut progress = Progress::new(service.clone(), Arc::clone(events));
    let sent = Sent::default();
    let order = Order {
        request: &prepared.request,
        definition: &prepared.definition,
        options,
        context: &prepared.context,
        labels: prepared.request.labels.clone(),
    };
    let solving = solve(engine, &order, Output::Files(Receiver { feed }), &sent, &mut progress, events);
    // The unpacking ends when the session does, which the solve holds.
    let (solved, unpacked) = tokio::join!(solving, unpacking);
    // Files that a guard refuses end the solve as well: theirs is the reason.
    if let Ok(unpacked) = unpacked.as_ref().map(Clone::clone)
        && unpacked.is_refused()
    {
        return Ok((unpacked, progress.cached(), false));
    }
    solved.map_err(|error| failure(prepared, &sent, &progress, error))?;
    let unpacked = unpacked.map_err(|error| ExportError {
        service: service.clone(),
        reason: error.to_string(),
        hint: None,
        refused: Vec::new(),
    })?;
    Ok((unpacked, progress.cached(), !sent.is_another()))
}

/// Makes the build end with the files: by the generated stage, or by one that takes them out of the last.
fn take_files_only(prepared: &mut Prepared, from: &str) {
    let text = &mut prepared.definition.text;
    let stages: Vec<Option<String>> = stages(text);
    if stages.iter().flatten().any(|name| name == STAGE) {
        prepared.request.target = Some(STAGE.to_owned());
        return;
    }
    let last = stages.len().saturating_sub(1);
    text.push_str(&format!(
        "\nFROM scratch AS dashdeploy-files\nCOPY --from={last} {}/ /\n",
        from.trim_end_matches('/')
    ));
    prepared.request.target = None;
}

fn stages(text: &str) -> Vec<Option<String>> {
    let Ok(parsed) = parse_dockerfile::parse(text) else {
        return Vec::new();
    };
    parsed.stages().map(|stage| stage.from.as_.as_ref().map(|(_, name)| name.value.to_lowercase())).collect()
}
