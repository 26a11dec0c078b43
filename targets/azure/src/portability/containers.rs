//! What of a container a Container App or a site of App Service carries.

use dashdeploy_contract::{Answer, HealthCheck, Name, Service, Source, Topic};

use super::docs;
use crate::config::{Hosting, Protocol, Reach, Stack};
use crate::manifests::has_slot;
use crate::places::Size;

pub(super) fn answer(stack: &Stack, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Image => image(stack, service),
        Topic::Health => health(stack, service),
        Topic::Volumes => volumes(stack, service),
        Topic::Locks => locks(stack, service),
        topic if stack.hosting(service) == Hosting::Site => site(stack, service, topic),
        topic => app(stack, service, topic),
    }
}

/// A Container App.
fn app(stack: &Stack, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Size => size(service),
        Topic::Port => port(stack, service),
        Topic::Command => {
            Answer::exact("it takes the place of the image's CMD, as with Docker", docs::CONTAINERS)
        }
        Topic::Variables => Answer::exact(
            "each is a variable of the container; what only Azure or the shell knows is kept as a secret of the app",
            docs::VARIABLES,
        ),
        Topic::Secrets => Answer::exact(
            "each is a secret of the app, in lower case, and a variable that names it",
            docs::SECRETS,
        ),
        Topic::ZeroDowntime => rollout(stack, service),
        Topic::Replicas => replicas(stack, service),
        Topic::Order => Answer::approximated(
            "the template makes apps in this order; a restart keeps none, so the service has to wait for what it needs",
            docs::REVISIONS,
        ),
        Topic::ReadOnly => Answer::approximated(
            "the root file system can be written to; what is written there ends with the container",
            docs::MOUNTS,
        ),
        _ => logs(stack, service, docs::APP_LOGS),
    }
}

/// A site of App Service.
fn site(stack: &Stack, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Size => plan(stack, service),
        Topic::Port => Answer::approximated(
            "the site is told the port, and answers by HTTPS at 443, for other services too",
            docs::SITE,
        ),
        Topic::Command => command(service),
        Topic::Variables => {
            Answer::exact("each is a setting of the site, in the template", docs::SITE_SETTINGS)
        }
        Topic::Secrets => Answer::approximated(
            "each is a setting of the site: encrypted at rest, and shown to whoever may change the site",
            docs::SITE_SETTINGS,
        ),
        Topic::ZeroDowntime => swap(stack, service),
        Topic::Replicas => site_replicas(stack, service),
        Topic::Order => Answer::approximated(
            "sites start on their own: the service has to wait for what it needs",
            docs::SITE,
        ),
        Topic::ReadOnly => Answer::approximated(
            "the root file system can be written to; what is written there ends with the container",
            docs::SITE,
        ),
        _ => logs(stack, service, docs::SITE_LOGS),
    }
}

fn size(service: &Service) -> Answer {
    let asked = &service.resources;
    match Size::holding(asked) {
        Some(size) if size.is(asked) => {
            Answer::exact(format!("{} processors and {}", size.cpu(), size.memory()), docs::CONTAINERS)
        }
        Some(size) => Answer::approximated(
            format!(
                "sizes are quarters of a processor, each with half a GiB: rounded up to {} processors and {}",
                size.cpu(),
                size.memory()
            ),
            docs::CONTAINERS,
        )
        .hint("250 thousandths of a processor (`cpu: 0.25`) for each 512Mi fit exactly and cost least"),
        None => Answer::impossible("the largest size has 4 processors and 8 GiB", docs::CONTAINERS)
            .hint("ask for at most 8Gi of memory and 4 processors"),
    }
}

fn plan(stack: &Stack, service: &Service) -> Answer {
    let sku = stack.sku(service);
    let reason = format!(
        "the plan {} has {} processors and {} MiB for all of its sites together; a site has no limits of its own",
        sku.name, sku.cores, sku.memory
    );
    Answer::approximated(reason, docs::SITE_PLANS).hint("the option `sku` chooses another size")
}

fn image(stack: &Stack, service: &Service) -> Answer {
    match &service.source {
        Source::Build(_) if stack.image_is_ours(service) => Answer::exact(
            "it is pushed to the registry of the template and pulled by an identity, without a password",
            docs::PULL,
        ),
        Source::Build(_) => Answer::exact(
            "it is pulled from another registry, with REGISTRY_USER and REGISTRY_PASSWORD where they are given",
            docs::CONTAINERS,
        ),
        Source::Image(_) => {
            Answer::exact("it is pulled from its registry, without a login", docs::CONTAINERS)
        }
    }
}

fn port(stack: &Stack, service: &Service) -> Answer {
    match stack.reach(service) {
        Reach::Public if stack.is_called_inside(service) => Answer::approximated(
            "from outside by HTTPS at 443, or HTTP at 80; other containers call it by name at port 80",
            docs::INGRESS,
        ),
        Reach::Public => {
            Answer::exact("requests come by HTTPS at 443 and are handed to this port", docs::INGRESS)
        }
        _ => Answer::exact("other containers reach it at this port", docs::INGRESS),
    }
}

fn health(stack: &Stack, service: &Service) -> Answer {
    let site = stack.hosting(service) == Hosting::Site;
    match (&service.health, site) {
        (HealthCheck::Http { .. }, false) => {
            Answer::exact("the path is asked at start, before requests, and again and again", docs::PROBES)
        }
        (HealthCheck::Http { .. }, true) => Answer::approximated(
            "App Service asks the path each minute, and takes a bad machine out only where there are several",
            docs::SITE_HEALTH,
        ),
        (_, true) => Answer::approximated(
            "App Service runs no command as a health check: the port is asked at start",
            docs::SITE_HEALTH,
        )
        .hint("a path in `health:` is asked again and again"),
        (_, false) if service.port.is_some() => Answer::approximated(
            "Container Apps run no command as a health check: the port is asked for a connection",
            docs::PROBES,
        )
        .hint("a path in `health:` says more than an open port"),
        (_, false) => Answer::approximated(
            "Container Apps run no command as a health check: the service works while its process lives",
            docs::PROBES,
        ),
    }
}

/// Words that a shell would read are quoted; what App Service makes of quotes is not written anywhere.
fn command(service: &Service) -> Answer {
    let words = service.command.as_deref().unwrap_or_default();
    let plain = |word: &String| dashdeploy_contract::shell::word(word) == *word;
    if words.iter().all(plain) {
        return Answer::exact("it is the site's startup command", docs::SITE);
    }
    Answer::impossible(
        "a site's startup command is one line, and a word of this one has characters that would be read",
        docs::SITE,
    )
    .hint("put the command into a script of the image, or write `hosting: container-app`")
}

fn volumes(stack: &Stack, service: &Service) -> Answer {
    let nfs: Vec<&Name> =
        service.volumes.keys().filter(|volume| stack.protocol(service, volume) == Protocol::Nfs).collect();
    if nfs.is_empty() {
        let page = if stack.hosting(service) == Hosting::Site { docs::SITE_MOUNTS } else { docs::MOUNTS };
        return Answer::exact("each is a share of Azure Files, mounted by SMB", page);
    }
    if !service.is_generated() {
        let reason = "each is a share of Azure Files, mounted by NFS; a fresh one belongs to root, so another user of the image has to be given it once";
        return Answer::approximated(reason, docs::NFS);
    }
    let small = nfs.iter().find(|volume| {
        stack.bound.volumes.get(**volume).and_then(|v| v.size).is_some_and(|size| size < 100 << 30)
    });
    match small {
        Some(volume) => Answer::approximated(
            "each is a share of Azure Files in a premium account, mounted by NFS: at least 100 GiB are paid for",
            docs::NFS,
        )
        .at(format!("volumes.{volume}.size"))
        .hint("`writers: many` is mounted by SMB, which is paid for as it is used, and is not for databases"),
        None => Answer::exact("each is a share of Azure Files in a premium account, mounted by NFS", docs::NFS),
    }
}

fn locks(stack: &Stack, service: &Service) -> Answer {
    let single = |volume: &&Name| stack.is_single(volume);
    let broken = service.volumes.keys().filter(single).find(|v| stack.protocol(service, v) == Protocol::Smb);
    if let Some(volume) = broken {
        let site = stack.hosting(service) == Hosting::Site;
        let mend = if site { "write `hosting: container-app`" } else { "remove `volume_protocol: smb`" };
        return Answer::impossible(
            format!("`{volume}` has a single writer and would be mounted by SMB, on which the locks of SQLite fail"),
            if site { docs::SITE_MOUNTS } else { docs::PROTOCOLS },
        )
        .hint(format!("{mend}, or write `writers: many` for the volume where no database lies on it"));
    }
    if service.volumes.keys().any(|volume| stack.protocol(service, volume) == Protocol::Smb) {
        return Answer::approximated(
            "SMB has the locks of Windows: no database may lie on the volume",
            docs::PROTOCOLS,
        );
    }
    Answer::approximated(
        "locks hold over NFS 4.1; while a release takes over, both revisions mount the volume for some seconds, unless the former one is ended first as the file's head says; SQLite's WAL mode wants one machine and must not be used",
        docs::PROTOCOLS,
    )
}

fn rollout(stack: &Stack, service: &Service) -> Answer {
    let single = service.volumes.keys().any(|volume| stack.is_single(volume));
    if single {
        return Answer::approximated(
            "the new revision is ready before the former one ends, so both write to the volume for some seconds; ended first, there is one writer and a pause",
            docs::REVISIONS,
        );
    }
    match service.health {
        HealthCheck::Http { .. } => {
            Answer::exact("the former revision answers until the new one is healthy", docs::REVISIONS)
        }
        _ => Answer::approximated(
            "the former revision answers until the new one takes connections, which is before it is known to work",
            docs::REVISIONS,
        )
        .hint("a path in `health:` tells when it works"),
    }
}

fn swap(stack: &Stack, service: &Service) -> Answer {
    if has_slot(stack, service) {
        return Answer::exact(
            "a release goes to a slot and is swapped in when it is healthy",
            docs::SITE_SLOTS,
        );
    }
    let hint = if service.volumes.is_empty() {
        "the option `sku: S1` and larger have slots"
    } else {
        "write `hosting: container-app`"
    };
    Answer::approximated(
        "the site restarts with the new image: some seconds without answers",
        docs::SITE_SLOTS,
    )
    .hint(hint)
}

fn replicas(stack: &Stack, service: &Service) -> Answer {
    let fewest = stack.option(service, "min_replicas").and_then(|number| number.parse::<u32>().ok());
    match fewest {
        Some(fewest) if fewest != service.replicas => Answer::approximated(
            format!("from {fewest} to {} copies, as many as the requests ask for", service.replicas),
            docs::SCALE,
        )
        .hint("without `min_replicas` there are always as many as `replicas` says"),
        _ => Answer::exact("there are always so many copies", docs::SCALE),
    }
}

fn site_replicas(stack: &Stack, service: &Service) -> Answer {
    let sku = stack.sku(service);
    let others = stack.hosted(Hosting::Site).filter(|site| stack.sku(site) == sku);
    if others.map(|site| site.replicas).any(|copies| copies != service.replicas) && !sku.has_slots() {
        return Answer::approximated(
            "on a Basic plan every site runs on all machines of the plan",
            docs::SITE_SCALE,
        )
        .hint("the option `sku: S1` and larger give each site its own number");
    }
    Answer::exact("the plan has so many machines, each with a copy", docs::SITE_SCALE)
}

fn logs(stack: &Stack, service: &Service, page: &str) -> Answer {
    if stack.option(service, "logs") == Some("none") {
        return Answer::approximated("they are shown while they come, and kept nowhere (`logs: none`)", page)
            .hint("remove `logs: none` to keep them for 30 days");
    }
    Answer::exact("what the container prints is kept for 30 days in Log Analytics", page)
}
