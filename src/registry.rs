//! The only file that names the targets.

use dashdeploy_contract::Target;

use crate::io::env::Environment;

/// Targets that dashdeploy.yaml may name. Those this build cannot deploy to yet are refused by the commands that would.
const KNOWN: [&str; 8] = ["docker", "render", "fly", "aws", "azure", "railway", "netlify", "vercel"];

/// The words that may stand under `target:`.
pub fn known_names() -> Vec<&'static str> {
    KNOWN.to_vec()
}

/// The targets of this build.
pub fn all(environment: &Environment) -> Vec<Box<dyn Target>> {
    let mut targets: Vec<Box<dyn Target>> = Vec::new();
    #[cfg(feature = "docker")]
    targets.push(Box::new(dashdeploy_docker::target(crate::io::docker::connector(environment))));
    #[cfg(not(feature = "docker"))]
    let _ = environment;
    targets
}

/// The target of a name; none where this build has no such target.
pub fn target(name: &str, environment: &Environment) -> Option<Box<dyn Target>> {
    all(environment).into_iter().find(|target| target.descriptor().name == name)
}
