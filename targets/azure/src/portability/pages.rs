//! What of a page a Static Web App or a Storage account carries.

use dashdeploy_contract::{Answer, Desk, Service, Topic};

use super::docs;
use crate::config::{Hosting, Stack, names_publicly};
use crate::manifests::{called, unknown};

pub(super) fn answer(desk: &Desk, stack: &Stack, page: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::BuildVariables => variables(desk, page),
        Topic::Proxy => proxy(stack, page),
        topic if stack.hosting(page) == Hosting::Bucket => bucket(topic),
        Topic::Headers => headers(desk, stack, page),
        topic => static_web_app(topic),
    }
}

fn static_web_app(topic: Topic) -> Answer {
    match topic {
        Topic::Fallback => Answer::approximated(
            "paths that are no file get the page; ends of files have to be listed, and a missing file of an unlisted end gets it too",
            docs::PAGE_CONFIG,
        ),
        Topic::Caching => {
            Answer::exact("a year for hashed files, asked for anew for all others", docs::PAGE_CONFIG)
        }
        Topic::ZeroDowntime => {
            Answer::exact("the former files are served until the new ones are there", docs::PAGE_DEPLOY)
        }
        Topic::Upload => Answer::exact(
            "built files are sent by the Static Web Apps CLI, with the file of rules beside them",
            docs::PAGE_DEPLOY,
        ),
        _ => Answer::approximated("a Static Web App keeps no log of its requests", docs::PAGE_LOGS),
    }
}

fn bucket(topic: Topic) -> Answer {
    let better = "write `page_hosting: static-web-app`";
    match topic {
        Topic::Fallback => Answer::approximated(
            "the page is the site's error page: it comes with status 404, also where a file is missing",
            docs::BUCKET,
        )
        .hint(better),
        Topic::Headers => Answer::approximated(
            "a Storage account sets no headers of ours: the page is without them",
            docs::BUCKET,
        )
        .hint(better),
        Topic::Caching => Answer::approximated(
            "each file's own, given when it is sent, as the template's head does",
            docs::BUCKET,
        ),
        Topic::ZeroDowntime => Answer::approximated(
            "files are replaced one after the other, hashed ones first, as the template's head does",
            docs::BUCKET,
        ),
        Topic::Upload => Answer::exact("built files are sent by the Azure CLI", docs::BUCKET),
        _ => Answer::approximated(
            "requests are logged only where that is switched on by hand",
            docs::BUCKET_LOGS,
        ),
    }
}

fn variables(desk: &Desk, page: &Service) -> Answer {
    let later = unknown(desk, page);
    match later.first() {
        None => Answer::exact("they are set when the page is built, before it is sent", docs::PAGE_DEPLOY),
        Some(name) => Answer::approximated(
            format!("Azure assigns the address of `{name}`: the page is built after the first deployment, with its output"),
            docs::PAGE_DEPLOY,
        )
        .hint(format!("write `domain:` for `{name}`, or let the page hand `/api` on to it")),
    }
}

fn proxy(stack: &Stack, page: &Service) -> Answer {
    if let Some(service) = stack.backend(page) {
        return Answer::exact(
            format!(
                "the page and `{0}` have one origin (Standard plan); `{0}` then answers through the page alone, within 45 seconds, without WebSockets",
                service.name
            ),
            docs::PAGE_APIS,
        );
    }
    let told = page.proxy.values().all(|upstream| names_publicly(page, upstream));
    let reason = if stack.hosting(page) == Hosting::Bucket {
        "a Storage account hands nothing on"
    } else if stack.option(page, "page_sku") == Some("Free") {
        "the Free plan hands nothing on"
    } else {
        "a Static Web App hands on `/api` alone, to one service on Azure, and a service has one page"
    };
    if told {
        return Answer::approximated(
            format!(
                "{reason}: the page calls the address that it was built with, so the service must allow its origin"
            ),
            docs::PAGE_APIS,
        );
    }
    Answer::impossible(
        format!("{reason}, and no variable of the page holds the service's address"),
        docs::PAGE_APIS,
    )
    .hint("give the page a variable with `${services.NAME.url}`, or hand on `/api` alone")
}

fn headers(desk: &Desk, stack: &Stack, page: &Service) -> Answer {
    if unknown(desk, page).is_empty() {
        return Answer::exact("they are set on every answer", docs::PAGE_CONFIG);
    }
    let wide = called(desk, stack, page).iter().any(|origin| origin == "https:");
    let allowed = if wide { "every address by HTTPS" } else { "every address of Container Apps" };
    Answer::approximated(
        format!("set on every answer; as the address of the service is not known beforehand, the page may call {allowed}"),
        docs::PAGE_CONFIG,
    )
    .hint("write `domain:` for the service")
}
