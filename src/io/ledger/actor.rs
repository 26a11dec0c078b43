//! Who runs this process, where.

use crate::io::env::Environment;
use crate::ledger::Actor;

/// Who runs this process: the user that a CI run was started by, else the one of the machine.
pub fn actor(environment: &Environment) -> Actor {
    let first = |names: &[&str]| names.iter().find_map(|name| environment.get(name)).map(str::to_owned);
    let ci = Actor::ci_run(|name| environment.get(name));
    let starter = ci.as_ref().and_then(|_| first(&["GITHUB_ACTOR", "GITLAB_USER_LOGIN"]));
    let user = starter.or_else(|| first(&["USER", "LOGNAME", "USERNAME"]));
    Actor {
        user: user.unwrap_or_else(|| "somebody".to_owned()),
        host: host()
            .or_else(|| first(&["HOSTNAME", "COMPUTERNAME"]))
            .unwrap_or_else(|| "a machine".to_owned()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ci,
    }
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ci_run_is_its_starter() {
        let mut environment = Environment::default();
        let mut set = |name: &str, value: &str| environment.variables.insert(name.into(), value.into());
        set("USER", "root");
        set("CI_JOB_URL", "https://gitlab.example.com/-/jobs/7");
        set("GITLAB_USER_LOGIN", "ann");
        let found = actor(&environment);
        assert_eq!((found.user.as_str(), found.pid), ("ann", std::process::id()));
        assert!(found.words().ends_with("https://gitlab.example.com/-/jobs/7"));
        environment.variables.remove("CI_JOB_URL");
        let found = actor(&environment);
        assert_eq!(found.words(), format!("root@{}, process {}", found.host, found.pid));
    }
}
