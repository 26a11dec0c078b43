//! What lets one in at a registry: the variables that are looked at and the command that writes a login down.

/// The mend for a login that is missing or refused at a registry.
pub fn mend(host: &str) -> String {
    let own = match host {
        "ghcr.io" => {
            "set GITHUB_TOKEN (with the right `write:packages`) and GITHUB_ACTOR, or run `docker login ghcr.io`"
                .to_owned()
        }
        "docker.io" => "set DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, or run `docker login`".to_owned(),
        "registry.fly.io" => {
            "set FLY_API_TOKEN (`fly tokens create deploy`), or run `fly auth docker`; the app must exist"
                .to_owned()
        }
        "public.ecr.aws" => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (right `ecr-public:GetAuthorizationToken`), or run \
             `docker login`"
                .to_owned()
        }
        host if super::ecr::is_private(host) => format!(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (right `ecr:GetAuthorizationToken` and those to push), or run \
             `aws ecr get-login-password | docker login --username AWS --password-stdin {host}`"
        ),
        host if host.ends_with(".azurecr.io") || host.ends_with(".azurecr.cn") => {
            let name = host.split('.').next().unwrap_or(host);
            format!(
                "set AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (role `AcrPush`), or run `az acr login --name {name}`"
            )
        }
        host if host.contains("gitlab") => format!(
            "in GitLab CI: CI_REGISTRY with CI_REGISTRY_USER and CI_REGISTRY_PASSWORD; elsewhere run `docker login {host}`"
        ),
        host => format!("run `docker login {host}`"),
    };
    format!("{own}; DASHDEPLOY_REGISTRY_USERNAME and DASHDEPLOY_REGISTRY_PASSWORD count before all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_registry_has_its_mend() {
        for (host, word) in [
            ("ghcr.io", "GITHUB_TOKEN"),
            ("docker.io", "DOCKERHUB_TOKEN"),
            ("registry.fly.io", "FLY_API_TOKEN"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "AWS_ACCESS_KEY_ID"),
            ("acme.azurecr.io", "az acr login --name acme"),
            ("registry.gitlab.com", "CI_REGISTRY_PASSWORD"),
            ("127.0.0.1:5000", "docker login 127.0.0.1:5000"),
        ] {
            let mend = mend(host);
            assert!(mend.contains(word) && mend.contains("DASHDEPLOY_REGISTRY_PASSWORD"), "{mend}");
        }
    }
}
