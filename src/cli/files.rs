//! The built files of static services: out of their images after a build, or built without any (`build --only-files`).

use std::sync::Arc;

use dashdeploy_contract::{Finding, ServiceKind, Severity, ownership_marks};
use serde_json::json;

use super::build::{Supply, interruptible};
use super::build_secrets::Hidden;
use super::stack::Stack;
use super::{CliError, CliResult, Context, Exit};
use crate::build::dist::{self, FilesError, build_files};
use crate::build::{BuildOptions, BuildRequest, BuiltImage};
use crate::console::table;
use crate::guard::{Border, Guard};
use crate::io::docker::Engine;

/// Where the generated images of static services keep the files they serve.
const SERVED_FILES: &str = "/usr/share/nginx/html";

/// Takes the files of static services out of the images that were built.
///
/// # Errors
/// Exit code 8 where they hold secrets; nothing is written then.
pub(super) async fn export(
    context: &Context,
    stack: &Stack,
    engine: &Engine,
    guard: &Arc<Guard>,
    built: &[BuiltImage],
) -> CliResult<()> {
    for image in built {
        let service = &stack.bound.services[&image.service];
        if service.kind() != ServiceKind::Static {
            continue;
        }
        let export = dist::Export {
            service: &service.name,
            image: &image.id,
            from: SERVED_FILES,
            project_dir: stack.loaded.dir.path(),
            labels: &ownership_marks(&stack.bound, Some(&service.name)),
            inspect: Some(guard.at(Border::Bundle)),
            cache_dir: context.environment.cache_dir(),
        };
        let exporting = dist::export_static(&engine.docker, &export, &context.console);
        let exported = interruptible(context, exporting).await?;
        tell(context, exported.findings);
    }
    Ok(())
}

/// What a guard found that stops nothing.
fn tell(context: &Context, mut findings: Vec<Finding>) {
    findings.retain(|finding| finding.severity > Severity::Info || context.console.is_verbose());
    context.console.findings(&findings);
}

/// Builds the files of static services and no image.
///
/// # Errors
/// Exit code 2 where none of the services is static, else as for a build.
pub(super) async fn only(
    context: &Context,
    stack: &Stack,
    engine: &Engine,
    supply: &Supply,
    requests: Vec<BuildRequest>,
    options: &BuildOptions,
) -> CliResult {
    let is_static = |request: &BuildRequest| {
        stack
            .bound
            .services
            .get(&request.service)
            .is_some_and(|service| service.kind() == ServiceKind::Static)
    };
    let wanted: Vec<BuildRequest> = requests.into_iter().filter(is_static).collect();
    if wanted.is_empty() {
        let message = "`--only-files` builds static services, and none is among these";
        return Err(CliError::new(Exit::Usage, "no-static-service", message)
            .hint("leave --only-files out, or name a service of kind vite or static"));
    }
    let hidden = Hidden::of(stack, &supply.secrets);
    let events = hidden.before(Arc::new(context.console.clone()));
    let (mut rows, mut answer) = (Vec::new(), Vec::new());
    for request in wanted {
        let service = request.service.clone();
        let inspect = Some(supply.guard.at(Border::Bundle));
        let (dir, docker) = (stack.loaded.dir.path(), &engine.docker);
        let building = async {
            let built = build_files(docker, request, options, SERVED_FILES, dir, inspect, &events).await;
            built.map_err(|error| match error {
                FilesError::Build(failure) => stack.build_error(hidden.failure(failure)),
                FilesError::Export(error) => error.into(),
            })
        };
        let exported = interruptible(context, building).await?;
        rows.push(vec![service.to_string(), exported.path.clone(), exported.files.to_string()]);
        answer.push(json!({ "service": service, "files": &exported }));
        tell(context, exported.findings);
    }
    context.console.answer(json!({ "files": answer }), &table(&["SERVICE", "FOLDER", "FILES"], &rows));
    Ok(Exit::Done)
}
