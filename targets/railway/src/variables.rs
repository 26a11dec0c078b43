//! The variables of a service, in Railway's own syntax.
//!
//! Given: a desk and a service. Gives: what stands in the variables' file. Another service's public address, which Railway
//! assigns, becomes a reference (docs.railway.com, "Variables", reference variables). Deliberately absent: values of secrets
//! and of the process environment.

use dashdeploy_contract::{Desk, Finding, Requirement, Service, ServiceKind, Text, ValuePart, page};

use crate::config::{self, TARGET};
use crate::runtime::{self, Runtime};

/// What starts a reference in a value.
const OPENING: &str = "${{";

/// A line of the file.
pub(crate) struct Variable {
    pub(crate) name: String,
    /// The value; none where it is to be set by hand.
    pub(crate) value: Option<String>,
    /// What is to be known of it.
    pub(crate) about: Option<String>,
}

/// All variables of a service: Railway's own settings, then the service's, then its secrets.
pub(crate) fn of(runtime: Runtime, desk: &Desk, service: &Service) -> Vec<Variable> {
    let mut all = settings(runtime, desk, service);
    // Those of a page whose image is built elsewhere are in the image.
    let built = service.kind() == ServiceKind::Static && runtime == Runtime::Image;
    let own = service.env.iter().filter(|(name, _)| !built && all.iter().all(|set| set.name != **name));
    let own: Vec<Variable> = own.map(|(name, text)| plain(desk, service, name, text)).collect();
    all.extend(own);
    all.extend(service.secrets.iter().map(|(name, requirement)| Variable {
        name: name.clone(),
        value: None,
        about: Some(match requirement {
            Requirement::Required => "required, secret".to_owned(),
            Requirement::Optional => "optional, secret".to_owned(),
        }),
    }));
    let build = service.build().filter(|_| runtime == Runtime::Railpack);
    let build = build.map_or(&[][..], |build| &build.secrets).iter();
    all.extend(build.filter(|name| !service.secrets.contains_key(*name)).map(|name| Variable {
        name: name.clone(),
        value: None,
        about: Some("secret, read when the image is built".to_owned()),
    }));
    all
}

fn settings(runtime: Runtime, desk: &Desk, service: &Service) -> Vec<Variable> {
    let set = |name: &str, value: String, about: &str| Variable {
        name: name.to_owned(),
        value: Some(value),
        about: Some(about.to_owned()),
    };
    let mut all = Vec::new();
    if let Some(port) = service.port {
        all.push(set("PORT", port.to_string(), "where Railway asks for health and sends requests"));
    }
    if !service.volumes.is_empty() && service.is_generated() {
        all.push(set("RAILWAY_RUN_UID", "0".to_owned(), "a volume belongs to root, and to nobody else"));
    }
    if let Some((name, version)) = runtime::version(runtime, service) {
        all.push(set(name, version.to_owned(), "read by the build"));
    }
    if let Some(conf) = configuration(desk, service).filter(|_| runtime == Runtime::Dockerfile) {
        all.push(set("NGINX_CONF", conf, "the build takes the configuration for Railway's network"));
    }
    all
}

/// The page's configuration on Railway as the build's context has it.
fn configuration(desk: &Desk, service: &Service) -> Option<String> {
    page::configuration_in_context(desk.bound, service, &config::page_server(desk, service)?)
}

/// The arguments of the build of a page's image; none for a value that whoever builds has to give.
pub(crate) fn arguments(desk: &Desk, service: &Service) -> Vec<(String, Option<String>)> {
    if service.kind() != ServiceKind::Static {
        return Vec::new();
    }
    let values = service.env.iter().map(|(name, text)| (name.clone(), desk.value(text, service)));
    let mut all: Vec<(String, Option<String>)> = values.collect();
    all.extend(configuration(desk, service).map(|conf| ("NGINX_CONF".to_owned(), Some(conf))));
    all
}

fn plain(desk: &Desk, service: &Service, name: &str, text: &Text) -> Variable {
    let mut value = String::new();
    let mut missing = Vec::new();
    for part in desk.parts(text, service) {
        match part {
            ValuePart::Text(text) => value.push_str(&text),
            ValuePart::Url(named) if on_railway(desk, &named) => {
                value.push_str(&format!(
                    "https://{OPENING}{}.RAILWAY_PUBLIC_DOMAIN}}}}",
                    config::name(&named)
                ));
            }
            ValuePart::Url(named) => missing.push(format!("the address of {named}")),
            ValuePart::Host(named) => missing.push(format!("the host name of {named}")),
            ValuePart::Port(named) => missing.push(format!("the port of {named}")),
            ValuePart::Given(name) => missing.push(format!("your own {name}")),
            ValuePart::Release => missing.push("the release".to_owned()),
        }
    }
    let known = missing.is_empty();
    let about = (!known).then(|| format!("to be set by hand: {} holds {}", text, missing.join(", ")));
    Variable { name: name.to_owned(), value: known.then_some(value), about }
}

fn on_railway(desk: &Desk, named: &dashdeploy_contract::Name) -> bool {
    desk.bound.services.get(named).is_some_and(|service| desk.bound.is_on(service, TARGET))
}

/// Values that Railway would read in its own way, or that the file cannot hold, each by its name.
pub(crate) fn unfit(desk: &Desk, service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in &service.env {
        let key = format!("services.{}.env.{name}", service.name);
        let texts = desk.parts(text, service).into_iter();
        let texts: Vec<String> = texts
            .filter_map(|part| if let ValuePart::Text(text) = part { Some(text) } else { None })
            .collect();
        if texts.iter().any(|text| text.contains(OPENING)) {
            let message = format!(
                "Railway reads `{OPENING}` in `{name}` as a reference, and knows no way to write it plainly"
            );
            findings
                .push(Finding::error("value-not-carried", key, message).hint("choose a value without it"));
        } else if texts.iter().any(|text| text.chars().any(|c| c.is_control() && c != '\t')) {
            let message = format!(
                "the variables' file has a line for each: `{name}` has more than one, or a control character"
            );
            findings.push(
                Finding::error("value-not-carried", key, message)
                    .hint(format!("remove it here, and set it with `railway variable set {name} --stdin`")),
            );
        }
    }
    findings
}
