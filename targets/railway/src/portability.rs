//! What of a project Railway carries.
//!
//! Given: a desk. Gives: an answer for each topic, with the page of Railway's documentation. railway.json has no comments and
//! holds one deployment's settings alone; what stands beside it is said here and in the head of the variables' file.

use dashdeploy_contract::{
    Answer, Descriptor, Desk, HealthCheck, Name, Portability, Publish, Reference, Service, ServiceKind,
    Source, Topic, page,
};

use crate::config::{self, TARGET};
use crate::runtime::{self, Runtime};

const CONFIG: &str = "https://docs.railway.com/config-as-code/reference";
const ENVIRONMENT: &str = "https://docs.railway.com/cli/environment";
const SERVICES: &str = "https://docs.railway.com/services";
const REGIONS: &str = "https://docs.railway.com/deployments/regions";
const SCHEMA: &str = "https://railway.com/railway.schema.json";
const DOCKERFILES: &str = "https://docs.railway.com/builds/dockerfiles";
const MONOREPO: &str = "https://docs.railway.com/deployments/monorepo";
const PUBLIC: &str = "https://docs.railway.com/networking/public-networking";
const PRIVATE: &str = "https://docs.railway.com/networking/private-networking/how-it-works";
const HEALTH: &str = "https://docs.railway.com/deployments/healthchecks";
const COMMAND: &str = "https://docs.railway.com/deployments/start-command";
const VARIABLES: &str = "https://docs.railway.com/variables";
const SET: &str = "https://docs.railway.com/cli/variable";
const VOLUMES: &str = "https://docs.railway.com/volumes";
const SCALING: &str = "https://docs.railway.com/deployments/scaling";
const DEPLOYMENTS: &str = "https://docs.railway.com/deployments/reference";
const LOGS: &str = "https://docs.railway.com/cli/logs";

/// The report.
pub(crate) fn report(descriptor: &Descriptor, desk: &Desk) -> Vec<Portability> {
    Portability::report(desk.bound, TARGET, &|service, topic| {
        answer(Runtime::of(descriptor, desk.bound, service), desk, service, topic)
    })
}

fn answer(runtime: Runtime, desk: &Desk, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting => hosting(runtime, desk, service),
        Topic::Name => named(service),
        Topic::Region => region(desk, service),
        Topic::Size => Answer::exact("the limits of its containers are among the settings", SCHEMA),
        Topic::Image => image(runtime, service),
        Topic::Port => Answer::approximated(
            "the variable PORT tells it to Railway, and is set beside railway.json",
            PUBLIC,
        )
        .hint(variables_hint(service)),
        Topic::Address => address(service),
        Topic::Domain => domain(desk, service),
        Topic::Health => health(service),
        Topic::Command => command(runtime, service),
        Topic::Variables => variables(desk, service),
        Topic::Secrets => secrets(service),
        Topic::Volumes => volumes(desk, service),
        Topic::Locks => {
            Answer::exact("a volume is a disk that one container has: locks of files hold", VOLUMES)
        }
        Topic::ZeroDowntime => zero_downtime(service),
        Topic::Replicas => replicas(service),
        Topic::Order => Answer::approximated(
            "services of one deploy start together: each has to wait for those it needs",
            DEPLOYMENTS,
        ),
        Topic::ReadOnly => Answer::approximated(
            "the root file system can be written to, and is lost with each deploy",
            DEPLOYMENTS,
        ),
        Topic::Logs => Answer::exact("what it prints is in Railway's log explorer", LOGS),
        page => served(runtime, desk, service, page),
    }
}

/// What the nginx of a page does.
fn served(runtime: Runtime, desk: &Desk, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::BuildVariables if runtime == Runtime::Image => {
            Answer::exact("they are arguments of the image's build, before Railway has it", DOCKERFILES)
        }
        Topic::BuildVariables => {
            Answer::approximated("Railway hands variables to the build: they are set beside railway.json", DOCKERFILES)
                .hint(variables_hint(service))
        }
        Topic::Proxy => proxy(runtime, desk, service),
        Topic::Headers if page::calls_unknown(service, desk.wiring) => Answer::approximated(
            "nginx sets them; an address that is not known when the file is written is not among those the page may call",
            DOCKERFILES,
        )
        .hint("give the service that is called a host name with `domain:`"),
        Topic::Upload => Answer::approximated("there are no sites of files alone: nginx in a container serves it", DOCKERFILES),
        _ => Answer::exact("nginx in the container does, as on a Docker host", DOCKERFILES),
    }
}

fn variables_hint(service: &Service) -> String {
    format!("set each line of deploy/railway/{}.env.example with `railway variable set`", service.name)
}

fn hosting(runtime: Runtime, desk: &Desk, service: &Service) -> Answer {
    let head =
        format!("the head of deploy/railway/{}.env.example says how, command by command", service.name);
    if runtime == Runtime::Image {
        let reason =
            "an image has no sources, in which Railway looks for railway.json: its settings are made once";
        return Answer::approximated(reason, ENVIRONMENT).hint(head);
    }
    let alone = desk.bound.services_on(TARGET).count() == 1;
    if alone && desk.suffix.is_none() && runtime::root(runtime, service).is_none() {
        return Answer::exact("Railway runs its container", CONFIG);
    }
    let reason = "Railway looks for railway.json alone, where the sources begin: the path of this service's file is set once";
    Answer::approximated(reason, CONFIG).hint(head)
}

fn named(service: &Service) -> Answer {
    let name = config::name(&service.name);
    if name == service.name.as_str() {
        return Answer::exact("a service of that name in the environment's project", SERVICES);
    }
    Answer::approximated(format!("names have 32 characters at most: it is `{name}` there"), SERVICES)
}

fn region(desk: &Desk, service: &Service) -> Answer {
    let known = desk.bound.region_of(service).is_some_and(|region| config::REGIONS.contains(&region));
    if known {
        return Answer::exact("its copies run there", REGIONS);
    }
    let hint = format!("the regions are {}", config::REGIONS.join(", "));
    Answer::impossible("Railway has no region of that name", REGIONS).hint(hint)
}

fn image(runtime: Runtime, service: &Service) -> Answer {
    match (runtime, &service.source) {
        (Runtime::Dockerfile, Source::Build(build)) if !build.secrets.is_empty() => Answer::impossible(
            "Railway's builder gives no step a secret, and the build reads some",
            DOCKERFILES,
        )
        .hint("write `runtime: image`"),
        (Runtime::Dockerfile, _) => match runtime::root(runtime, service) {
            None if service.is_generated() => {
                Answer::exact("Railway builds it, by the same steps without mounts", DOCKERFILES)
            }
            None => Answer::exact("Railway builds it from the Dockerfile", DOCKERFILES),
            Some(folder) => {
                let reason =
                    "Railway builds it from the Dockerfile, in a folder that railway.json cannot name";
                Answer::approximated(reason, MONOREPO)
                    .hint(format!("set the service's Root Directory to /{folder}"))
            }
        },
        (Runtime::Railpack, _) => Answer::approximated(
            "Railpack builds another image from the same sources, without the Dockerfile",
            CONFIG,
        ),
        (Runtime::Image, source) => {
            let reason = match source {
                Source::Image(_) => "pulled from its registry; a private one needs a Pro plan",
                Source::Build(build) if !build.secrets.is_empty() => {
                    "built elsewhere and pulled from a registry, since Railway's builder gives no step a secret; a private \
                     registry needs a Pro plan"
                }
                Source::Build(_) => {
                    "built elsewhere and pulled from a registry; a private one needs a Pro plan"
                }
            };
            let name = config::name(&service.name);
            Answer::approximated(reason, SCHEMA).hint(format!("`railway add --service {name} --image …`"))
        }
    }
}

fn address(service: &Service) -> Answer {
    if service.publish == Publish::No && service.kind() == ServiceKind::Web {
        return Answer::exact("it is reached inside the project's network alone", PRIVATE);
    }
    Answer::approximated(
        "Railway assigns the public address; variables refer to it in Railway's own syntax",
        PUBLIC,
    )
    .hint(format!(
        "`railway domain --service {} --port {}`, or name an address of your own with `domain:`",
        config::name(&service.name),
        service.port.unwrap_or_default()
    ))
}

fn domain(desk: &Desk, service: &Service) -> Answer {
    let domain = desk.bound.domains.get(&service.name).map_or("", String::as_str);
    let port = service.port.unwrap_or_default();
    Answer::approximated("railway.json cannot hold a host name: it is added once", PUBLIC).hint(format!(
        "`railway domain {domain} --service {} --port {port}`, then set the records it prints",
        config::name(&service.name)
    ))
}

fn health(service: &Service) -> Answer {
    match service.health {
        HealthCheck::Command { .. } => Answer::approximated(
            "Railway asks by HTTP alone: a deployment counts as healthy when its process runs",
            HEALTH,
        )
        .hint("name a path with `health:`"),
        _ => Answer::approximated(
            "asked until it answers 200, and no more after that; the Host header is healthcheck.railway.app",
            HEALTH,
        ),
    }
}

fn command(runtime: Runtime, service: &Service) -> Answer {
    let plain = |word: &String| dashdeploy_contract::shell::word(word) == *word;
    if runtime == Runtime::Railpack {
        return Answer::exact("a shell runs it", COMMAND);
    }
    if !service.command.iter().flatten().all(plain) {
        let reason = "Railway takes a command as one text, and how it takes quotes apart is not documented";
        return Answer::approximated(reason, COMMAND).hint("put the command in a script of the image");
    }
    if service.is_generated() {
        return Answer::exact("it is run in place of the image's own", COMMAND);
    }
    Answer::approximated("it takes the place of the image's ENTRYPOINT too", COMMAND)
}

fn variables(desk: &Desk, service: &Service) -> Answer {
    let open = crate::variables::of(Runtime::Image, desk, service)
        .into_iter()
        .filter(|variable| variable.value.is_none() && service.env.contains_key(&variable.name));
    let open: Vec<String> = open.map(|variable| variable.name).collect();
    if open.is_empty() {
        return Answer::approximated(
            "railway.json cannot hold variables: a file beside it does, in Railway's syntax",
            VARIABLES,
        )
        .hint(variables_hint(service));
    }
    let reason = format!(
        "railway.json cannot hold variables: a file beside it does; not known beforehand are {}",
        open.join(", ")
    );
    Answer::approximated(reason, VARIABLES).hint(variables_hint(service))
}

fn secrets(service: &Service) -> Answer {
    let name = config::name(&service.name);
    let set: Vec<String> = service
        .secrets
        .keys()
        .map(|secret| format!("`railway variable set --service {name} {secret} --stdin`"))
        .collect();
    Answer::approximated("railway.json cannot hold them: they are set once, by name", SET)
        .hint(set.join(", "))
}

fn volumes(desk: &Desk, service: &Service) -> Answer {
    if service.volumes.len() > 1 {
        return Answer::impossible("a service has one volume", VOLUMES)
            .hint("keep the data in folders of one volume");
    }
    let path = service.volumes.values().next().map_or("", String::as_str);
    let mut reason = "a disk that is added once; its size is the plan's".to_owned();
    if service.is_generated() {
        reason.push_str(", and it belongs to root, so that the process runs as root");
    }
    let sized =
        service.volumes.keys().any(|name| desk.bound.volumes.get(name).is_some_and(|v| v.size.is_some()));
    let answer = Answer::approximated(reason, VOLUMES).hint(format!(
        "`railway service {} && railway volume add --mount-path {}`",
        config::name(&service.name),
        dashdeploy_contract::shell::word(path)
    ));
    match service.volumes.keys().next().filter(|_| sized) {
        Some(volume) => answer.at(format!("volumes.{volume}.size")),
        None => answer,
    }
}

fn zero_downtime(service: &Service) -> Answer {
    if !service.volumes.is_empty() {
        let reason =
            "the former deployment stops before the new one has the volume: some seconds without answers";
        return Answer::approximated(reason, VOLUMES);
    }
    if let HealthCheck::Http { .. } = service.health {
        return Answer::exact(
            "requests go to the new deployment once it is healthy, and the former one ends after",
            HEALTH,
        );
    }
    let reason =
        "without a health check by HTTP, requests go to the new deployment as soon as its process runs";
    Answer::approximated(reason, HEALTH).hint("name a path with `health:`")
}

fn replicas(service: &Service) -> Answer {
    if service.volumes.is_empty() {
        return Answer::exact("as many copies run; how many there may be is the plan's", SCALING);
    }
    Answer::impossible("a service with a volume has no copies", VOLUMES).hint("write `replicas: 1`")
}

fn proxy(runtime: Runtime, desk: &Desk, service: &Service) -> Answer {
    if !config::routes(desk.bound, service) {
        return elsewhere(desk, service);
    }
    let reason = "nginx hands the paths on by the private network; in an environment made before 16 October 2025 that is IPv6 \
                  alone, and what listens on 0.0.0.0 is not reached";
    let answer = Answer::approximated(reason, PRIVATE);
    if runtime == Runtime::Image {
        return answer.hint("build the page's image with the argument NGINX_CONF, the name of nginx.railway.conf in its context");
    }
    answer.hint("make the environment anew where it is older: uvicorn listens on :: or on 0.0.0.0, and Railway's edge needs the second")
}

/// Services behind a page that are on another target: nginx has no way to them.
fn elsewhere(desk: &Desk, service: &Service) -> Answer {
    let far =
        |named: &&Name| desk.bound.services.get(*named).is_none_or(|other| !desk.bound.is_on(other, TARGET));
    let far: Vec<&Name> = service.proxy.values().filter(far).collect();
    let called = |named: &&Name| {
        let names = |reference: &Reference| matches!(reference, Reference::Service { service, .. } if service == *named);
        service.env.values().any(|text| text.references().any(names))
    };
    let hint = "put them on `railway` too, or the page on the target that they are on";
    let cause = "nginx reaches services of the project's own network alone, and not all of those behind the page are there";
    if far.iter().all(called) {
        return Answer::approximated(format!("{cause}: it calls them at their own address"), PRIVATE)
            .hint(hint);
    }
    Answer::impossible(format!("{cause}, and no variable tells it their address"), PRIVATE).hint(hint)
}
