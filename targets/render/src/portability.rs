//! What of a project Render carries.
//!
//! Given: a bound project. Gives: an answer for each topic, with Render's page about it.

mod site;

use dashdeploy_contract::{
    Answer, Desk, HealthCheck, Portability, Service, ServiceKind, Source, Topic, ValuePart,
};

use crate::check::docker_command;
use crate::config::{Form, Place, REGIONS, Runtime, TARGET};
use crate::size;

const BLUEPRINT: &str = "https://render.com/docs/blueprint-spec";
const DEPLOYS: &str = "https://render.com/docs/deploys";
const DISKS: &str = "https://render.com/docs/disks";
const DOCKER: &str = "https://render.com/docs/docker";
const DOMAINS: &str = "https://render.com/docs/custom-domains";
const HEALTH: &str = "https://render.com/docs/health-checks";
const IMAGES: &str = "https://render.com/docs/deploying-an-image";
const LOGS: &str = "https://render.com/docs/log-streams";
const NETWORK: &str = "https://render.com/docs/private-network";
const PLANS: &str = "https://render.com/pricing";
const PRIVATE: &str = "https://render.com/docs/private-services";
const PYTHON: &str = "https://render.com/docs/python-version";
const REGION: &str = "https://render.com/docs/regions";
const SCALING: &str = "https://render.com/docs/scaling";
const VARIABLES: &str = "https://render.com/docs/configure-environment-variables";
const WEB: &str = "https://render.com/docs/web-services";
const WORKERS: &str = "https://render.com/docs/background-workers";

/// The report.
pub(crate) fn report(place: &Place, desk: &Desk) -> Vec<Portability> {
    Portability::report(desk.bound, TARGET, &|service, topic| {
        if service.kind() == ServiceKind::Static {
            site::answer(place, desk, service, topic)
        } else {
            answer(place, desk, service, topic)
        }
    })
}

fn answer(place: &Place, desk: &Desk, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting => hosting(place, service),
        Topic::Name => name(place, service),
        Topic::Region => region(place, service),
        Topic::Size => sizes(place, service),
        Topic::Image => image(place, service),
        Topic::Port => Answer::exact("the variable PORT tells Render where requests go", WEB),
        Topic::Address => address(place, service),
        Topic::Domain => domain(),
        Topic::Health => health(place, service),
        Topic::Command => command(place, service),
        Topic::Variables => variables(place, desk, service),
        Topic::Secrets => {
            Answer::exact("the Blueprint names them, and Render asks for the values", BLUEPRINT)
        }
        Topic::Volumes => volumes(place, service),
        Topic::Locks => Answer::exact("a disk belongs to one instance: locks of files hold", DISKS),
        Topic::ZeroDowntime => zero_downtime(place, service),
        Topic::Replicas => replicas(service),
        Topic::Order => {
            let reason =
                "Render starts all services at once: a service has to bear that another is not there yet";
            Answer::approximated(reason, BLUEPRINT)
        }
        Topic::ReadOnly => {
            let reason = "Render's root file system can be written to; what is written there is gone with the next deploy";
            Answer::approximated(reason, DISKS)
        }
        _ => Answer::exact("Render collects what the service prints", LOGS),
    }
}

fn hosting(place: &Place, service: &Service) -> Answer {
    match place.form(service) {
        Form::Private => {
            let reason = "a private service: only services on Render in the same region reach it";
            Answer::exact(reason, PRIVATE)
        }
        Form::Worker => Answer::exact("a background worker, since it has no port", WORKERS),
        _ => Answer::exact("a web service", WEB),
    }
}

/// The answer about a name, shared with pages.
fn name(place: &Place, service: &Service) -> Answer {
    Answer::exact(
        format!("it is named `{}`, which no other service of the workspace may be", place.name(service)),
        BLUEPRINT,
    )
}

fn region(place: &Place, service: &Service) -> Answer {
    match place.region(service) {
        Some(region) if REGIONS.contains(&region) => {
            Answer::exact("it runs there; the region of a service cannot be changed later", REGION)
        }
        Some(region) => Answer::impossible(format!("Render has no region `{region}`"), REGION)
            .hint(format!("choose one of {}", REGIONS.join(", "))),
        None => Answer::approximated("a static site is on every edge: the region is left out", REGION),
    }
}

fn sizes(place: &Place, service: &Service) -> Answer {
    let Some(plan) = size::of(place, service) else {
        return Answer::impossible("no instance type is that large", PLANS)
            .hint("lower `memory:` or `cpus:`");
    };
    let reason = format!("the instance type `{}` has {}", plan.word, plan.about());
    let enough = size::has_memory(&plan, service);
    let exact = enough
        && plan.memory << 20 == service.resources.memory
        && plan.cpu_millis == service.resources.cpu_millis;
    match (exact, enough) {
        (true, _) => Answer::exact(reason, PLANS),
        (false, true) => Answer::approximated(reason, PLANS).hint("the option `plan` chooses another"),
        (false, false) => {
            Answer::approximated(format!("{reason}, which is less than the service may use"), PLANS)
                .hint("remove the option `plan`, or write a larger one")
        }
    }
}

fn image(place: &Place, service: &Service) -> Answer {
    match (place.runtime(service), &service.source) {
        (Runtime::Python, _) => Answer::approximated(
            "Render installs and starts the source with its own Python, and builds no image",
            PYTHON,
        )
        .hint("write the option `runtime: docker` for the image that runs everywhere else"),
        (Runtime::Image, Source::Build(_)) => {
            let reason = "Render pulls what was pushed to the registry: by digest where `dashdeploy deploy` puts it, by the tag `latest` where render.yaml is used by hand";
            private(place, service, Answer::approximated(reason, IMAGES))
        }
        (_, Source::Image(_)) if place.option(service, "registry_credential").is_none() => {
            private(place, service, Answer::exact("Render pulls it", IMAGES))
        }
        (_, Source::Image(_)) => Answer::exact("Render pulls it with the workspace's credential", IMAGES),
        _ => Answer::exact("Render builds its Dockerfile from the repository", DOCKER),
    }
}

/// What a private image takes besides.
fn private(place: &Place, service: &Service, answer: Answer) -> Answer {
    if place.option(service, "registry_credential").is_some() {
        return answer;
    }
    let login = "a private one is pulled by RENDER_REGISTRY_USERNAME and RENDER_REGISTRY_TOKEN, of which a deploy keeps a credential, or by the option `registry_credential`";
    let option = "a private one needs a credential made in Render's dashboard, named by the option `registry_credential`";
    answer.hint(if crate::registry::pull(place, service).is_some() { login } else { option })
}

/// The answer about an address, shared with pages.
fn address(place: &Place, service: &Service) -> Answer {
    let Some(url) = place.url(service) else {
        return Answer::exact("it has no public address", PRIVATE);
    };
    if !place.is_predicted(service) {
        return Answer::exact("it is known beforehand", WEB);
    }
    let reason =
        format!("{url}, or another where that is taken; variables that hold it alone get the one assigned");
    Answer::approximated(reason, WEB)
        .hint("write a `domain:`, or the word Render gave it as option `subdomain`")
}

/// The answer about an own host name, shared with pages.
fn domain() -> Answer {
    let reason = "Render serves it and its certificate once its DNS record points there; `www.` is added to a root domain";
    Answer::exact(reason, DOMAINS)
}

fn health(place: &Place, service: &Service) -> Answer {
    match (&service.health, place.form(service)) {
        (HealthCheck::Http { .. }, Form::Web) => {
            Answer::exact("Render asks the path; an answer below 400 within 5 seconds is good", HEALTH)
        }
        (HealthCheck::Command { .. }, Form::Web) => {
            Answer::approximated("Render runs no command: it waits until the port is open", HEALTH)
                .hint("write a path instead of a command")
        }
        _ => Answer::approximated(
            "Render checks web services alone: this one is good while its process lives",
            HEALTH,
        ),
    }
}

fn command(place: &Place, service: &Service) -> Answer {
    if place.runtime(service) == Runtime::Python {
        return Answer::exact("it is the start command", DEPLOYS);
    }
    match docker_command(place, service) {
        Some(_) => Answer::exact("it is the Docker command; words with blanks or quotes are refused", DOCKER),
        None => Answer::exact("it is the image's own", DOCKER),
    }
}

fn variables(place: &Place, desk: &Desk, service: &Service) -> Answer {
    let pieces = service.env.values().map(|text| desk.parts(text, service));
    let unknown = pieces.flatten().any(|part| !matches!(part, ValuePart::Text(_)));
    let by_hand = unknown && !crate::manifests::by_hand(place, desk, service).is_empty();
    if by_hand {
        let reason =
            "Render puts no values together: it asks for those that are made of parts only known later";
        return Answer::approximated(reason, BLUEPRINT);
    }
    Answer::exact("values stand in the Blueprint, addresses refer to the services that have them", VARIABLES)
}

fn volumes(place: &Place, service: &Service) -> Answer {
    if service.volumes.len() > 1 {
        return Answer::impossible("a service has one disk", DISKS).hint("keep one volume");
    }
    if place.runtime(service) == Runtime::Python {
        let reason =
            "a disk with a snapshot each day, filled at first with what the source ships in its place";
        return Answer::exact(reason, DISKS);
    }
    // Measured nowhere yet: Render's pages do not say whose a new disk is.
    let reason = "a disk, empty at first: what the image ships in its place is not copied to it, and the image's user must be \
                  able to write there, which Render's pages do not promise";
    Answer::approximated(reason, DISKS)
}

fn zero_downtime(place: &Place, service: &Service) -> Answer {
    if !service.volumes.is_empty() {
        let reason =
            "a service with a disk stops before its next version starts: some seconds without answers";
        return Answer::approximated(reason, DEPLOYS);
    }
    match place.form(service) {
        Form::Web => Answer::exact("the former instance answers until the next one is good", DEPLOYS),
        _ => Answer::exact("the former instance runs until the next one is up", NETWORK),
    }
}

fn replicas(service: &Service) -> Answer {
    if service.volumes.is_empty() {
        return Answer::exact("as many instances", SCALING);
    }
    Answer::impossible("a service with a disk has one instance", DISKS).hint("write `replicas: 1`")
}
