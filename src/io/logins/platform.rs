//! Logins that stand in variables: the user's own for the project's registry, and those of platforms and CI runs.

use super::Login;

/// A variable's value; none where it is not set or empty.
pub(super) type Get<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

/// `DASHDEPLOY_REGISTRY_USERNAME` and `DASHDEPLOY_REGISTRY_PASSWORD`.
pub(super) fn explicit(get: &Get) -> Result<Option<Login>, String> {
    both(get, "DASHDEPLOY_REGISTRY_USERNAME", "DASHDEPLOY_REGISTRY_PASSWORD")
}

/// What a platform's own variables say about its registry.
pub(super) fn token(host: &str, get: &Get) -> Result<Option<Login>, String> {
    if let Some(login) = gitlab(host, get) {
        return Ok(Some(login));
    }
    match host {
        // Any user name goes with a token: https://docs.github.com/packages/working-with-a-github-packages-registry
        "ghcr.io" => Ok(get("GITHUB_TOKEN")
            .or_else(|| get("GH_TOKEN"))
            .map(|token| Login::new(get("GITHUB_ACTOR").unwrap_or("token"), token))),
        // https://fly.io/docs/flyctl/auth-docker/
        "registry.fly.io" => {
            Ok(get("FLY_API_TOKEN").or_else(|| get("FLY_ACCESS_TOKEN")).map(|token| Login::new("x", token)))
        }
        "docker.io" => both(get, "DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"),
        // https://learn.microsoft.com/azure/container-registry/container-registry-auth-service-principal
        host if host.ends_with(".azurecr.io") || host.ends_with(".azurecr.cn") => {
            let pair = get("AZURE_CLIENT_ID").zip(get("AZURE_CLIENT_SECRET"));
            Ok(pair.map(|(user, secret)| Login::new(user, secret)))
        }
        _ => Ok(None),
    }
}

/// The registry of a GitLab CI run: <https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/>.
fn gitlab(host: &str, get: &Get) -> Option<Login> {
    get("CI_REGISTRY").filter(|own| *own == host)?;
    let pair = get("CI_REGISTRY_USER").zip(get("CI_REGISTRY_PASSWORD"));
    let pair = pair.or_else(|| Some(("gitlab-ci-token", get("CI_JOB_TOKEN")?)));
    pair.map(|(user, secret)| Login::new(user, secret))
}

fn both(get: &Get, user: &str, password: &str) -> Result<Option<Login>, String> {
    match (get(user), get(password)) {
        (Some(user), Some(password)) => Ok(Some(Login::new(user, password))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(format!("{user} is set and {password} is not")),
        (None, Some(_)) => Err(format!("{password} is set and {user} is not")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn found(host: &str, set: &[(&'static str, &'static str)]) -> Option<(String, String)> {
        let get = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let login = token(host, &get).unwrap()?;
        Some((login.username.clone(), login.password.expose_secret().to_owned()))
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn each_platform_has_its_own_variables() {
        assert_eq!(found("ghcr.io", &[("GITHUB_TOKEN", "t"), ("GITHUB_ACTOR", "me")]), pair("me", "t"));
        assert_eq!(found("ghcr.io", &[("GH_TOKEN", "t")]), pair("token", "t"));
        assert_eq!(found("registry.fly.io", &[("FLY_ACCESS_TOKEN", "t")]), pair("x", "t"));
        assert_eq!(
            found("docker.io", &[("DOCKERHUB_USERNAME", "u"), ("DOCKERHUB_TOKEN", "t")]),
            pair("u", "t")
        );
        let azure = [("AZURE_CLIENT_ID", "id"), ("AZURE_CLIENT_SECRET", "s")];
        assert_eq!(found("acme.azurecr.io", &azure), pair("id", "s"));
        assert_eq!(found("acme.azurecr.io", &azure[..1]), None);
        assert_eq!(found("azurecr.io.evil.com", &azure), None);
        let gitlab = [("CI_REGISTRY", "r.example.com:5050"), ("CI_JOB_TOKEN", "j")];
        assert_eq!(found("r.example.com:5050", &gitlab), pair("gitlab-ci-token", "j"));
        assert_eq!(found("registry.gitlab.com", &gitlab), None);
        let full = [gitlab[0], gitlab[1], ("CI_REGISTRY_USER", "u"), ("CI_REGISTRY_PASSWORD", "p")];
        assert_eq!(found("r.example.com:5050", &full), pair("u", "p"));
    }

    #[test]
    fn half_a_login_is_named() {
        let get = |name: &str| (name == "DASHDEPLOY_REGISTRY_USERNAME").then_some("me");
        assert!(explicit(&get).unwrap_err().contains("DASHDEPLOY_REGISTRY_PASSWORD is not"));
        let get = |name: &str| (name == "DOCKERHUB_TOKEN").then_some("secret-value");
        let error = token("docker.io", &get).unwrap_err();
        assert!(error.contains("DOCKERHUB_USERNAME is not") && !error.contains("secret-value"));
    }
}
