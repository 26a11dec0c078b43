//! What of a project a Docker host carries.
//!
//! Given: a bound project. Gives: an answer for each topic, with the page of Docker's or nginx's documentation.

use dashdeploy_contract::{Answer, Desk, Portability, Publish, Service, Source, Topic};

use crate::config::TARGET;
use crate::overlap;

const RUN: &str = "https://docs.docker.com/engine/containers/run/";
const LIMITS: &str = "https://docs.docker.com/engine/containers/resource_constraints/";
const VOLUMES: &str = "https://docs.docker.com/engine/storage/volumes/";
const NETWORKS: &str = "https://docs.docker.com/engine/network/";
const PORTS: &str = "https://docs.docker.com/engine/network/port-publishing/";
const LOGS: &str = "https://docs.docker.com/engine/logging/drivers/json-file/";
const HEALTH: &str = "https://docs.docker.com/reference/dockerfile/#healthcheck";
const LOGIN: &str = "https://docs.docker.com/reference/cli/docker/login/";
const ARGUMENTS: &str = "https://docs.docker.com/build/building/variables/";
const NGINX: &str = "https://nginx.org/en/docs/http/ngx_http_core_module.html#try_files";
const NGINX_PROXY: &str = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html";
const NGINX_HEADERS: &str = "https://nginx.org/en/docs/http/ngx_http_headers_module.html";

/// The report.
pub(crate) fn report(desk: &Desk) -> Vec<Portability> {
    Portability::report(desk.bound, TARGET, &|service, topic| answer(desk, service, topic))
}

fn answer(desk: &Desk, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting => Answer::exact("the engine runs its image", RUN),
        Topic::Name => Answer::exact("other services reach it by its own name", NETWORKS),
        Topic::Region => Answer::approximated("a Docker host is where it is: the region is left out", RUN)
            .hint("remove `region:` from this environment"),
        Topic::Size => Answer::exact("limits of memory and processors are the container's", LIMITS),
        Topic::Image => image(service),
        Topic::Port => Answer::exact("containers reach it on this port", NETWORKS),
        Topic::Address => address(service),
        Topic::Domain => {
            let reason = "what ends TLS in front of the host has to hand the name on to the published port";
            Answer::approximated(reason, PORTS)
        }
        Topic::Health => Answer::exact("the engine runs the check inside the container", HEALTH),
        Topic::Command | Topic::Variables => Answer::exact("the engine starts the container with it", RUN),
        Topic::Secrets => Answer::exact("values are variables of the container, and in no file", RUN),
        Topic::Volumes => volumes(desk, service),
        Topic::Locks => Answer::exact("a volume is a folder of the host: locks of files hold", VOLUMES),
        Topic::ZeroDowntime => zero_downtime(desk, service),
        Topic::Replicas => {
            Answer::impossible("a published port has one container: there are no copies", PORTS)
                .hint("write `replicas: 1` for this environment")
        }
        Topic::Order => Answer::exact("a service starts when those it needs are healthy", RUN),
        Topic::ReadOnly => Answer::exact("the root file system is mounted read-only, /tmp is in memory", RUN),
        Topic::Logs => Answer::exact("the engine keeps three files of 10 MB", LOGS),
        page => served(page),
    }
}

/// What nginx does for a page.
fn served(topic: Topic) -> Answer {
    match topic {
        Topic::BuildVariables => Answer::exact("they are arguments of the image's build", ARGUMENTS),
        Topic::Proxy => {
            Answer::exact("nginx hands the paths on: page and service have one origin", NGINX_PROXY)
        }
        Topic::Headers | Topic::Caching => Answer::exact("nginx sets them on every answer", NGINX_HEADERS),
        Topic::Upload => Answer::exact("the built files are in the image", RUN),
        _ => Answer::exact("nginx answers with the page where a path is no file", NGINX),
    }
}

fn image(service: &Service) -> Answer {
    match service.source {
        Source::Build(_) => Answer::exact("the engine builds it", RUN),
        Source::Image(_) => Answer::exact("the engine pulls it, with the login of `docker login`", LOGIN),
    }
}

fn address(service: &Service) -> Answer {
    match service.publish {
        Publish::Port { .. } => Answer::exact("the published port of the host, known beforehand", PORTS),
        Publish::No => Answer::exact("no port is published: only other containers reach it", PORTS),
    }
}

fn zero_downtime(desk: &Desk, service: &Service) -> Answer {
    if overlap::is_possible(desk.bound, service) {
        return Answer::exact("the former container serves until the new one is healthy and found", NETWORKS);
    }
    let reason = "the former container stops before the new one starts: some seconds without answers";
    Answer::approximated(reason, RUN)
}

fn volumes(desk: &Desk, service: &Service) -> Answer {
    let sized = service
        .volumes
        .keys()
        .find(|volume| desk.bound.volumes.get(*volume).is_some_and(|volume| volume.size.is_some()));
    match sized {
        Some(volume) => {
            let reason = format!("a named volume of the host; its size is not limited (`{volume}`)");
            Answer::approximated(reason, VOLUMES).at(format!("volumes.{volume}.size"))
        }
        None => Answer::exact("a named volume of the host", VOLUMES),
    }
}
