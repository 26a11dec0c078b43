//! What of a project Fly.io carries.
//!
//! Given: the desk of an environment. Gives: an answer for each topic, with the page of Fly.io's documentation.

use dashdeploy_contract::{
    Answer, Descriptor, Desk, HealthCheck, Portability, Recipe, Service, Source, Topic,
};

use crate::config::{App, TARGET};
use crate::findings::is_region;
use crate::{head, manifests, size};

const CONFIGURATION: &str = "https://fly.io/docs/reference/configuration/";
const NAMES: &str = "https://fly.io/docs/reference/configuration/#the-app-name";
const BUILD: &str = "https://fly.io/docs/reference/configuration/#the-build-section";
const DEPLOY: &str = "https://fly.io/docs/reference/configuration/#picking-a-deployment-strategy";
const ENV: &str = "https://fly.io/docs/reference/configuration/#the-env-variables-section";
const MOUNTS: &str = "https://fly.io/docs/reference/configuration/#the-mounts-section";
const STATICS: &str = "https://fly.io/docs/reference/configuration/#the-statics-sections";
const CHECKS: &str = "https://fly.io/docs/reference/health-checks/";
const FLYCAST: &str = "https://fly.io/docs/networking/flycast/";
const SERVICES: &str = "https://fly.io/docs/networking/services/";
const DOMAINS: &str = "https://fly.io/docs/networking/custom-domain/";
const REGIONS: &str = "https://fly.io/docs/reference/regions/";
const SIZES: &str = "https://fly.io/docs/machines/guides-examples/machine-sizing/";
const PROCESSORS: &str = "https://fly.io/docs/machines/cpu-performance/";
const MACHINES: &str = "https://fly.io/docs/machines/runtime-environment/";
const VOLUMES: &str = "https://fly.io/docs/volumes/overview/";
const SECRETS: &str = "https://fly.io/docs/apps/secrets/";
const COUNT: &str = "https://fly.io/docs/launch/scale-count/";
const REGISTRY: &str = "https://fly.io/docs/blueprints/using-the-fly-docker-registry/";
const LOGS: &str = "https://fly.io/docs/monitoring/logging-overview/";

/// The way to a page without a machine.
const ELSEWHERE: &str = "write `target: aws` for the page: S3 and CloudFront serve it without a machine";

/// The report.
pub(crate) fn report(descriptor: &Descriptor, desk: &Desk) -> Vec<Portability> {
    let answer = |service: &Service, topic| answer(&App::of(descriptor, desk.bound, service), desk, topic);
    Portability::report(desk.bound, TARGET, &answer)
}

fn answer(app: &App, desk: &Desk, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting => hosting(app),
        Topic::Name => name(app),
        Topic::Region => region(app),
        Topic::Size => size_of(app),
        Topic::Image => image(app),
        Topic::Port => port(app),
        Topic::Address => address(app),
        Topic::Domain => Answer::approximated(
            "a deploy asks for the certificate; the DNS records that it needs are yours to make",
            DOMAINS,
        ),
        Topic::Health => health(app),
        Topic::Command => {
            Answer::exact("the words replace the image's own command one by one", CONFIGURATION)
        }
        Topic::Variables => variables(app, desk),
        Topic::BuildVariables => build_variables(app, desk),
        Topic::Secrets => {
            Answer::exact("the app keeps them; neither a file nor a plan has their values", SECRETS)
        }
        Topic::Volumes => volumes(app),
        Topic::Locks => {
            Answer::exact("a volume is a disk of the machine's own: locks of files hold", VOLUMES)
        }
        Topic::ZeroDowntime => downtime(app),
        Topic::Replicas => replicas(app),
        Topic::Order => Answer::approximated(
            "a deploy waits until those it needs are healthy; machines that start again by themselves do not",
            CONFIGURATION,
        )
        .hint("let the program try again until those it needs answer"),
        Topic::ReadOnly => Answer::approximated(
            "the root file system can be written to; what is written there is gone after a restart",
            VOLUMES,
        ),
        Topic::Logs => Answer::exact("what it prints is in `fly logs` and can be shipped elsewhere", LOGS),
        Topic::Proxy => proxy(app),
        Topic::Fallback | Topic::Headers | Topic::Caching | Topic::Upload => served(app, topic),
    }
}

fn hosting(app: &App) -> Answer {
    if app.has_bucket() {
        let reason =
            "a bucket of Tigris holds the files, and a machine with nginx has to be up to hand them out";
        return Answer::approximated(reason, STATICS).hint(ELSEWHERE);
    }
    if app.is_page() {
        let reason = "nginx serves the page as an app of its own: Fly.io has no hosting for files alone";
        return Answer::approximated(reason, STATICS).hint(ELSEWHERE);
    }
    Answer::exact("its image runs as a machine of its own app", MACHINES)
}

fn name(app: &App) -> Answer {
    let reason = format!("the app is called `{}`, which must be free among all users of Fly.io", app.name());
    Answer::approximated(reason, NAMES).hint("write `options: { app: … }` for the service where it is taken")
}

fn region(app: &App) -> Answer {
    if is_region(app.region()) {
        return Answer::exact("the app's primary region: its machines and volumes are made there", REGIONS);
    }
    Answer::impossible(format!("Fly.io has no region `{}`", app.region()), REGIONS)
        .hint("`fly platform regions` lists them")
}

fn size_of(app: &App) -> Answer {
    let wanted = app.service.resources;
    match size::of(wanted, app.option("size")) {
        Err(why) => Answer::impossible(why, SIZES).hint("write less `memory` or `cpus`"),
        Ok(size) if size.shared => {
            let reason = format!(
                "a machine {} with {} MB; of a shared processor a sixteenth is its own, more is lent for a while",
                size.name, size.memory
            );
            Answer::approximated(reason, PROCESSORS)
                .hint("write `options: { size: performance-1x }` for whole ones")
        }
        Ok(size) if size.is_just(wanted) => {
            Answer::exact(format!("a machine {} with {} MB", size.name, size.memory), SIZES)
        }
        Ok(size) => {
            let reason = format!("the smallest machine that holds it: {} with {} MB", size.name, size.memory);
            Answer::approximated(reason, SIZES)
        }
    }
}

fn image(app: &App) -> Answer {
    match &app.service.source {
        Source::Build(_) => {
            Answer::exact("its image goes to the app's repository in Fly.io's own registry", REGISTRY)
        }
        Source::Image(image) if image.starts_with("registry.fly.io/") => {
            Answer::exact("it is in Fly.io's own registry", REGISTRY)
        }
        Source::Image(_) => {
            let reason =
                "Fly.io logs in to no registry but its own: a deploy copies the image there by its digest";
            Answer::approximated(reason, REGISTRY).hint(
                "`fly deploy` with the file alone needs a public image, or one at `registry.fly.io/<app>`",
            )
        }
    }
}

fn port(app: &App) -> Answer {
    let port = app.private_port().unwrap_or_default();
    if app.is_public() && app.is_private() {
        let reason = format!(
            "other apps reach it by Flycast on port {port}, which is open on its public addresses too, without TLS"
        );
        return Answer::approximated(reason, FLYCAST)
            .hint("write `publish: no` to leave it to other apps alone");
    }
    if app.is_private() {
        return Answer::exact(
            format!("other apps reach it by Flycast on port {port}, nobody else does"),
            FLYCAST,
        );
    }
    Answer::exact("Fly's proxy hands requests on to this port", SERVICES)
}

fn address(app: &App) -> Answer {
    if app.is_public() {
        return Answer::exact("`https://<app>.fly.dev`, known beforehand, with TLS by Fly's proxy", SERVICES);
    }
    Answer::exact("it has no public address: other apps of the organisation reach it by Flycast", FLYCAST)
}

fn health(app: &App) -> Answer {
    match app.service.health {
        HealthCheck::Command { .. } if app.service.port.is_some() => {
            let reason = "Fly.io runs no command in a machine: whether the port is open is what it looks at";
            Answer::approximated(reason, CHECKS).hint("write `health:` as a path that answers with 200")
        }
        HealthCheck::Command { .. } => {
            let reason =
                "Fly.io runs no command in a machine: it starts again when its process ends, and that is all";
            Answer::approximated(reason, CHECKS)
        }
        HealthCheck::Http { .. } if app.service.port.is_none() => {
            Answer::approximated("it has no port that could be asked: the check is left out", CHECKS)
        }
        _ => {
            let reason = "asked every 15 seconds; only answers of 200 to 299 count, a redirect is a failure";
            Answer::approximated(reason, CHECKS)
        }
    }
}

/// The variables whose value only the user knows.
fn by_hand(app: &App, desk: &Desk) -> Vec<String> {
    let env = app.service.env.iter();
    env.filter(|(_, text)| head::missing(text, app.service, desk).is_some())
        .map(|(name, _)| name.clone())
        .collect()
}

fn variables(app: &App, desk: &Desk) -> Answer {
    let unknown = by_hand(app, desk);
    if unknown.is_empty() {
        return Answer::exact("they are in the file's [env]", ENV);
    }
    let reason = format!(
        "a deploy fills in {}; the file has them not, so that with it alone `fly secrets set` has to give them",
        unknown.join(", ")
    );
    Answer::approximated(reason, SECRETS)
}

fn build_variables(app: &App, desk: &Desk) -> Answer {
    let unknown = by_hand(app, desk);
    if unknown.is_empty() {
        return Answer::exact("they are in the file's [build.args]", BUILD);
    }
    let reason = format!(
        "`fly deploy --build-arg` has to give {}: their values are not known beforehand",
        unknown.join(", ")
    );
    Answer::approximated(reason, BUILD)
}

fn volumes(app: &App) -> Answer {
    if app.service.volumes.len() > 1 {
        return Answer::impossible("a machine mounts one volume", VOLUMES)
            .hint("mount one volume and keep the data in folders of it");
    }
    let links = app
        .service
        .build()
        .is_some_and(|build| !build.links.is_empty() && !matches!(build.recipe, Recipe::Own { .. }));
    if links {
        let reason =
            "a new volume is empty: what the image has at this path is hidden, where Docker would copy it";
        return Answer::approximated(reason, VOLUMES)
            .hint("bring files with `fly ssh sftp` after the first deploy");
    }
    let size = app.service.volumes.keys().next().and_then(|name| app.bound.volumes.get(name)?.size);
    if size.is_some_and(|bytes| bytes != manifests::gigabytes(bytes) << 30) {
        let gigabytes = manifests::gigabytes(size.unwrap_or_default());
        return Answer::approximated(format!("volumes have whole gigabytes: {gigabytes} GB"), MOUNTS);
    }
    Answer::exact("one volume on the machine's own host, with a snapshot each day", VOLUMES)
}

fn downtime(app: &App) -> Answer {
    if !app.service.volumes.is_empty() {
        let reason = "a volume has one machine, which stops before the new release starts: some seconds without answers";
        return Answer::approximated(reason, DEPLOY);
    }
    match app.strategy() {
        "bluegreen" => {
            Answer::exact("new machines take over when they are healthy, then the former ones go", DEPLOY)
        }
        "canary" => {
            Answer::approximated("one new machine is tried first, then each is replaced in its turn", DEPLOY)
        }
        "rolling" if app.service.replicas > 1 => {
            Answer::exact("machines are replaced one after the other", DEPLOY)
        }
        _ => in_place(app),
    }
}

fn in_place(app: &App) -> Answer {
    let answer =
        Answer::approximated("its machine is replaced in place: some seconds without answers", DEPLOY);
    match app.option("strategy") {
        Some(_) => answer.hint("leave `strategy` out"),
        None => answer.hint("give it a health check: then `strategy: bluegreen` is taken"),
    }
}

fn replicas(app: &App) -> Answer {
    if !app.service.volumes.is_empty() {
        return Answer::impossible("each machine would have a volume of its own, with other data", VOLUMES)
            .hint("write `replicas: 1` for this environment");
    }
    let reason = format!(
        "a deploy makes {0} machines; a fly.toml does not hold their number: `fly scale count {0}` sets it",
        app.service.replicas
    );
    Answer::approximated(reason, COUNT)
}

fn proxy(app: &App) -> Answer {
    if let Some(service) = manifests::proxied_elsewhere(app).first() {
        let reason = format!(
            "nginx reaches only apps of Fly.io, and `{}` is elsewhere: the page calls it directly",
            service.name
        );
        return Answer::approximated(reason, FLYCAST)
            .hint(format!("put `{}` on Fly.io too, or let it allow the page's origin", service.name));
    }
    let reason = "nginx hands the paths on by Flycast, which reaches servers on 0.0.0.0 and wakes machines, as `.internal` does not";
    Answer::exact(reason, FLYCAST)
}

/// What happens to a page's files.
fn served(app: &App, topic: Topic) -> Answer {
    let (spa, bucket) = (app.service.is_spa(), app.has_bucket());
    match topic {
        Topic::Headers if bucket => Answer::approximated(
            "files from the bucket bear no headers of one's own, nginx's answers do",
            STATICS,
        )
        .hint("leave `hosting: statics` out"),
        Topic::Caching if bucket => {
            Answer::approximated("no Cache-Control can be set on files from the bucket", STATICS)
                .hint("leave `hosting: statics` out")
        }
        Topic::Upload if bucket => {
            Answer::approximated("`aws s3 sync` brings the files into the bucket before each deploy", STATICS)
                .hint("`dashdeploy deploy` fills no bucket: leave `hosting: statics` out")
        }
        Topic::Fallback if bucket && spa => Answer::exact(
            "only files with a hash in their name are asked of the bucket: nginx answers the rest",
            STATICS,
        ),
        Topic::Fallback => Answer::exact("nginx answers with the page where a path is no file", MACHINES),
        Topic::Headers => Answer::exact("nginx sets them on every answer", MACHINES),
        Topic::Caching => Answer::exact("nginx says how long each file is kept", MACHINES),
        _ => Answer::exact("the built files are in the image", BUILD),
    }
}
