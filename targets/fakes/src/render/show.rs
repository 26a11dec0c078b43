//! How a service looks in answers.
//!
//! Given: a service. Gives: the vendor's JSON. Deliberately absent: its variables and files, which have paths of their own.

use serde_json::{Value, json};

use super::Render;
use super::body::{Generation, Kind};
use super::state::{Service, Source, set};

impl Render {
    /// A service.
    pub(super) fn shown_service(&self, service: &Service) -> Value {
        let date = |moment| self.stage.calendar.date(moment);
        let suspended = service.suspended;
        let mut shown = json!({
            "id": service.id, "autoDeploy": if service.auto_deploy { "yes" } else { "no" },
            "createdAt": date(service.created), "updatedAt": date(service.updated),
            "dashboardUrl": format!("https://dashboard.render.com/{}/{}", path(service.kind), service.id),
            "name": service.name, "slug": service.slug, "ownerId": service.owner, "type": service.kind, "rootDir": service.root_dir,
            "notifyOnFail": "default", "suspended": if suspended { "suspended" } else { "not_suspended" },
            "suspenders": if suspended { vec!["user"] } else { Vec::new() },
        });
        set(&mut shown, "environmentId", service.environment.clone().map(Value::from));
        set(&mut shown, "buildFilter", service.build_filter.as_ref().map(|filter| json!(filter)));
        match &service.source {
            Source::Image { path, credential } => {
                shown["imagePath"] = json!(path);
                let known = credential
                    .as_ref()
                    .and_then(|id| Some(json!({ "id": id, "name": self.credential_name(id)? })));
                set(&mut shown, "registryCredential", known);
                shown["serviceDetails"] = self.shown_container(service);
            }
            Source::Repository { url, branch, build, publish } => {
                (shown["repo"], shown["branch"]) = (json!(url), json!(branch));
                let mut details = json!({ "buildCommand": build, "publishPath": publish, "buildPlan": "starter", "url": public(service) });
                Self::add_common(&mut details, service);
                shown["serviceDetails"] = details;
            }
        }
        shown
    }

    /// The name of a credential, while there is one.
    pub(super) fn credential_name(&self, id: &str) -> Option<String> {
        self.credentials
            .iter()
            .find(|credential| credential.id == id)
            .map(|credential| credential.name.clone())
    }

    fn shown_container(&self, service: &Service) -> Value {
        let settings = &service.settings;
        let docker = json!({
            "dockerCommand": settings.command, "dockerContext": settings.docker_context, "dockerfilePath": settings.dockerfile,
            "preDeployCommand": settings.prepare,
        });
        let mut details = json!({
            "env": "image", "runtime": "image", "envSpecificDetails": docker, "numInstances": settings.instances, "plan": settings.plan,
            "region": settings.region, "buildPlan": "starter", "maxShutdownDelaySeconds": settings.shutdown,
        });
        let disk = service.disk.as_ref();
        set(
            &mut details,
            "disk",
            disk.map(|disk| json!({ "id": disk.id, "name": disk.name, "sizeGB": disk.size, "mountPath": disk.mount })),
        );
        set(&mut details, "autoscaling", settings.autoscaling.as_ref().map(|autoscaling| json!(autoscaling)));
        Self::add_common(&mut details, service);
        if service.kind != Kind::BackgroundWorker {
            let port = json!([{ "port": service.port(), "protocol": "TCP" }]);
            details["openPorts"] = if service.serving(self.now).is_some() { port } else { json!([]) };
            details["url"] = json!(if service.kind == Kind::WebService {
                public(service)
            } else {
                format!("{}:{}", service.slug, service.port())
            });
        }
        if service.kind == Kind::WebService {
            details["healthCheckPath"] = json!(settings.health);
            set(&mut details, "maintenanceMode", settings.maintenance.as_ref().map(|mode| json!(mode)));
            set(&mut details, "cache", settings.cache.as_ref().map(|cache| json!(cache)));
        }
        details
    }

    /// What static sites and containers have alike.
    fn add_common(details: &mut Value, service: &Service) {
        let settings = &service.settings;
        details["previews"] = json!({ "generation": settings.previews });
        details["pullRequestPreviewsEnabled"] =
            json!(if settings.previews == Generation::Automatic { "yes" } else { "no" });
        if matches!(service.kind, Kind::WebService | Kind::StaticSite) {
            details["renderSubdomainPolicy"] = json!(settings.subdomain);
            set(details, "ipAllowList", settings.allowed.as_ref().map(|list| json!(list)));
        }
    }
}

/// The address from outside.
fn public(service: &Service) -> String {
    format!("https://{}.onrender.com", service.slug)
}

/// Where the dashboard has it.
fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::StaticSite => "static",
        Kind::WebService => "web",
        Kind::PrivateService => "pserv",
        Kind::BackgroundWorker => "worker",
        Kind::CronJob => "cron",
    }
}
