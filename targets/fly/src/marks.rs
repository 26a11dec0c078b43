//! The marks that prove whose a thing is: metadata of machines, and for an app, which has none, the name of a secret.
//!
//! Given: an app. Gives: names and values of marks. Deliberately absent: where they are written and read.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::config::App;

/// The project's name.
pub(crate) const PROJECT: &str = "dashdeploy_project";
/// The environment's name.
pub(crate) const ENVIRONMENT: &str = "dashdeploy_environment";
/// The service's name.
pub(crate) const SERVICE: &str = "dashdeploy_service";
/// The content of the image: [`dashdeploy_contract::ReleaseImage::id`].
pub(crate) const IMAGE: &str = "dashdeploy_image";
/// The secrets that the machine was started with: name to fingerprint and Fly's digest, as JSON.
pub(crate) const SECRETS: &str = "dashdeploy_secrets";
/// Secrets of ours that go once the machine serves: names with commas between.
pub(crate) const UNSET: &str = "dashdeploy_unset";
/// A hash of the configuration.
pub(crate) const CONFIG: &str = "dashdeploy_config";
/// A hash of image, configuration and secrets: machines of one are alike.
pub(crate) const GENERATION: &str = "dashdeploy_generation";
/// A hash of what the app has beside machines: addresses, volume, host name. All of it was there before the machine.
pub(crate) const SETUP: &str = "dashdeploy_setup";
/// The release's number.
pub(crate) const RELEASE: &str = "dashdeploy_release";
/// The machine's part in an exchange: [`LIVE`], [`GREEN`], [`BLUE`], [`CANARY`].
pub(crate) const STAGE: &str = "dashdeploy_stage";

/// It takes traffic.
pub(crate) const LIVE: &str = "live";
/// It is new, and takes none yet.
pub(crate) const GREEN: &str = "green";
/// It took traffic before, and is kept for the way back.
pub(crate) const BLUE: &str = "blue";
/// It is new, to be tried and taken away again.
pub(crate) const CANARY: &str = "canary";

/// How the name of the secret begins that marks an app.
pub(crate) const OWNER: &str = "DASHDEPLOY_OWNER_";

/// The name of the secret that marks an app as ours: an app has no labels, and a secret's value cannot be read back.
pub(crate) fn owner(app: &App) -> String {
    let whose = format!("{}/{}/{}", app.bound.project, app.bound.environment, app.service.name);
    format!("{OWNER}{}", short_hash(&whose, 8))
}

/// The marks of a machine that say whose it is; the last two let flyctl take it for its own, so that `fly status` and
/// `fly deploy` go on from here.
pub(crate) fn of_machine(app: &App) -> BTreeMap<String, String> {
    let marks = [
        (PROJECT, app.bound.project.as_str()),
        (ENVIRONMENT, app.bound.environment.as_str()),
        (SERVICE, app.service.name.as_str()),
        ("fly_platform_version", "v2"),
        ("fly_process_group", "app"),
    ];
    marks.into_iter().map(|(mark, value)| (mark.to_owned(), value.to_owned())).collect()
}

/// True where a machine's marks are those of the app's service.
pub(crate) fn are_ours<'m>(app: &App, mark: impl Fn(&str) -> Option<&'m str>) -> bool {
    mark(PROJECT) == Some(app.bound.project.as_str())
        && mark(ENVIRONMENT) == Some(app.bound.environment.as_str())
        && mark(SERVICE) == Some(app.service.name.as_str())
}

/// The first hex digits of a hash.
pub(crate) fn short_hash(text: &str, digits: usize) -> String {
    let hex = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    hex.chars().take(digits).collect()
}
