//! The settings of a service: which kind may have which, and which go together.
//!
//! Given: `serviceDetails` of a request. Gives: the service's settings, or what is wrong with them. Deliberately absent: what a
//! request may say beside them.

use serde_json::Value;

use super::Stage;
use super::body::{
    ContainerDetails, Generation, Kind, Plan, Policy, Previews, Region, StaticDetails, Switch, part,
};
use super::fault::Fault;
use super::state::{Service, Settings, Source};

/// `serviceDetails` of a static site that is changed; when it is made, `routes` and `headers` come to it.
const SITE: &[&str] = &[
    "buildCommand",
    "publishPath",
    "pullRequestPreviewsEnabled",
    "previews",
    "renderSubdomainPolicy",
    "ipAllowList",
];
/// `serviceDetails` of any container that is changed.
const CONTAINER: &[&str] = &[
    "envSpecificDetails",
    "plan",
    "preDeployCommand",
    "pullRequestPreviewsEnabled",
    "previews",
    "runtime",
    "maxShutdownDelaySeconds",
];
/// What comes to it where the container is made: these cannot be changed by PATCH.
const MADE: &[&str] = &["autoscaling", "disk", "env", "numInstances", "region"];
/// What comes to it where the container takes requests from outside.
const WEB: &[&str] = &["healthCheckPath", "maintenanceMode", "renderSubdomainPolicy", "ipAllowList"];

/// Instances of a service at most: <https://render.com/docs/scaling>.
pub(super) const MAX_INSTANCES: u32 = 100;

/// Reads the details of a static site.
///
/// # Errors
/// 400 for a field that is not for it.
pub(super) fn read_site(value: Option<&Value>, made: bool) -> Result<StaticDetails, Fault> {
    let made: &[&str] = if made { &["routes", "headers"] } else { &[] };
    part(value.unwrap_or(&Value::Object(Default::default())), &[SITE, made].concat())
}

/// Reads the details of a container.
///
/// # Errors
/// 400 for a field that is not for it.
pub(super) fn read_container(
    kind: Kind,
    value: Option<&Value>,
    made: bool,
) -> Result<ContainerDetails, Fault> {
    let mut allowed = CONTAINER.to_vec();
    if made {
        allowed.extend(MADE);
    }
    if kind == Kind::WebService {
        allowed.extend(WEB);
        allowed.extend(if made { None } else { Some("cache") });
    }
    part(value.unwrap_or(&Value::Object(Default::default())), &allowed)
}

impl Settings {
    /// What the vendor assumes: <https://api-docs.render.com/reference/create-service>.
    pub(super) fn new() -> Self {
        Self {
            plan: Plan::Starter,
            region: Region::Oregon,
            instances: 1,
            health: String::new(),
            shutdown: 30,
            prepare: String::new(),
            command: String::new(),
            docker_context: String::new(),
            dockerfile: String::new(),
            previews: Generation::Off,
            subdomain: Policy::Enabled,
            allowed: None,
            autoscaling: None,
            maintenance: None,
            cache: None,
        }
    }

    /// Takes what is set; what is not stays.
    pub(super) fn take(&mut self, details: &ContainerDetails) {
        keep(&mut self.plan, details.plan);
        keep(&mut self.region, details.region);
        keep(&mut self.instances, details.num_instances);
        keep(&mut self.health, details.health_check_path.clone());
        keep(&mut self.shutdown, details.max_shutdown_delay_seconds);
        keep(&mut self.prepare, details.pre_deploy_command.clone());
        keep(&mut self.subdomain, details.render_subdomain_policy);
        self.take_previews(details.previews.as_ref(), details.pull_request_previews_enabled);
        if let Some(docker) = &details.env_specific_details {
            keep(&mut self.command, docker.docker_command.clone());
            keep(&mut self.docker_context, docker.docker_context.clone());
            keep(&mut self.dockerfile, docker.dockerfile_path.clone());
        }
        self.allowed = details.ip_allow_list.clone().or(self.allowed.take());
        self.autoscaling = details.autoscaling.clone().or(self.autoscaling.take());
        self.maintenance = details.maintenance_mode.clone().or(self.maintenance.take());
        self.cache = details.cache.clone().or(self.cache.take());
    }

    /// Takes what is set of a static site; what it is built with is its [`Source`].
    pub(super) fn take_site(&mut self, details: &StaticDetails) {
        keep(&mut self.subdomain, details.render_subdomain_policy);
        self.take_previews(details.previews.as_ref(), details.pull_request_previews_enabled);
        self.allowed = details.ip_allow_list.clone().or(self.allowed.take());
    }

    /// The former switch means what the newer word says.
    fn take_previews(&mut self, previews: Option<&Previews>, former: Option<Switch>) {
        let former =
            former.map(|switch| if switch == Switch::Yes { Generation::Automatic } else { Generation::Off });
        keep(&mut self.previews, previews.and_then(|previews| previews.generation).or(former));
    }
}

/// Sets what is given.
pub(super) fn keep<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

impl Stage {
    /// Holds a service against the rules between its settings.
    ///
    /// # Errors
    /// 400, and 402 where it costs something and there is no card.
    pub(super) fn hold(&self, service: &Service) -> Result<(), Fault> {
        let (settings, disk) = (&service.settings, service.disk.is_some());
        if let Source::Repository { .. } = service.source {
            return Ok(());
        }
        let only_web =
            matches!(settings.plan, Plan::StarterPlus | Plan::StandardPlus | Plan::Free | Plan::Custom);
        let rules = [
            (only_web && service.kind != Kind::WebService, "this plan is for web services only"),
            (settings.plan == Plan::Free && disk, "a disk needs a paid plan"),
            (settings.plan == Plan::Free && settings.instances > 1, "a free service has one instance"),
            (disk && settings.instances > 1, "a service with a disk has one instance"),
            (disk && service.autoscales(), "a service with a disk cannot be scaled"),
            (!(1..=MAX_INSTANCES).contains(&settings.instances), "numInstances must be between 1 and 100"),
            (!(1..=300).contains(&settings.shutdown), "maxShutdownDelaySeconds must be between 1 and 300"),
            (service.disk.as_ref().is_some_and(|disk| disk.size == 0), "sizeGB must be at least 1"),
            (
                service.disk.as_ref().is_some_and(|disk| !disk.mount.starts_with('/') || disk.mount == "/"),
                "mountPath must be absolute, and not the root",
            ),
        ];
        if let Some((_, message)) = rules.iter().find(|(broken, _)| *broken) {
            return Err(Fault::bad(*message));
        }
        if !self.options.card && settings.plan != Plan::Free {
            return Err(Fault::new(402, "payment information is required to complete this request"));
        }
        Ok(())
    }
}
