//! What of a project Azure carries.
//!
//! Given: a desk. Gives: an answer for each topic, with Microsoft's page. Deliberately absent: wrong names, regions and sizes,
//! which are findings ([`crate::findings`]).

mod containers;
mod pages;

use dashdeploy_contract::{Answer, Desk, Portability, Service, ServiceKind, Topic};

use crate::config::{Hosting, Reach, Stack, TARGET};
use crate::places;

/// Microsoft's pages.
mod docs {
    pub(super) const COMPARE: &str = "https://learn.microsoft.com/azure/container-apps/compare-options";
    pub(super) const CONTAINERS: &str = "https://learn.microsoft.com/azure/container-apps/containers";
    pub(super) const CONNECT: &str = "https://learn.microsoft.com/azure/container-apps/connect-apps";
    pub(super) const INGRESS: &str = "https://learn.microsoft.com/azure/container-apps/ingress-overview";
    pub(super) const APP_DOMAIN: &str =
        "https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates";
    pub(super) const PROBES: &str = "https://learn.microsoft.com/azure/container-apps/health-probes";
    pub(super) const VARIABLES: &str =
        "https://learn.microsoft.com/azure/container-apps/environment-variables";
    pub(super) const SECRETS: &str = "https://learn.microsoft.com/azure/container-apps/manage-secrets";
    pub(super) const MOUNTS: &str = "https://learn.microsoft.com/azure/container-apps/storage-mounts";
    pub(super) const NFS: &str = "https://learn.microsoft.com/azure/storage/files/files-nfs-protocol";
    pub(super) const PROTOCOLS: &str =
        "https://learn.microsoft.com/azure/storage/files/storage-files-compare-protocols";
    pub(super) const REVISIONS: &str =
        "https://learn.microsoft.com/azure/container-apps/application-lifecycle-management";
    pub(super) const SCALE: &str = "https://learn.microsoft.com/azure/container-apps/scale-app";
    pub(super) const APP_LOGS: &str = "https://learn.microsoft.com/azure/container-apps/log-options";
    pub(super) const PULL: &str =
        "https://learn.microsoft.com/azure/container-apps/managed-identity-image-pull";
    pub(super) const NAMES: &str =
        "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules";
    pub(super) const REGIONS: &str = "https://learn.microsoft.com/azure/reliability/regions-list";
    pub(super) const SITE: &str = "https://learn.microsoft.com/azure/app-service/configure-custom-container";
    pub(super) const SITE_PLANS: &str =
        "https://learn.microsoft.com/azure/app-service/overview-hosting-plans";
    pub(super) const SITE_DOMAIN: &str =
        "https://learn.microsoft.com/azure/app-service/app-service-web-tutorial-custom-domain";
    pub(super) const SITE_HEALTH: &str =
        "https://learn.microsoft.com/azure/app-service/monitor-instances-health-check";
    pub(super) const SITE_SETTINGS: &str = "https://learn.microsoft.com/azure/app-service/configure-common";
    pub(super) const SITE_MOUNTS: &str =
        "https://learn.microsoft.com/azure/app-service/configure-connect-to-azure-storage";
    pub(super) const SITE_SLOTS: &str = "https://learn.microsoft.com/azure/app-service/deploy-staging-slots";
    pub(super) const SITE_SCALE: &str = "https://learn.microsoft.com/azure/app-service/manage-scale-per-app";
    pub(super) const SITE_LOGS: &str =
        "https://learn.microsoft.com/azure/app-service/troubleshoot-diagnostic-logs";
    pub(super) const PAGE: &str = "https://learn.microsoft.com/azure/static-web-apps/overview";
    pub(super) const PAGE_CONFIG: &str = "https://learn.microsoft.com/azure/static-web-apps/configuration";
    pub(super) const PAGE_APIS: &str = "https://learn.microsoft.com/azure/static-web-apps/apis-overview";
    pub(super) const PAGE_DOMAIN: &str = "https://learn.microsoft.com/azure/static-web-apps/custom-domain";
    pub(super) const PAGE_FAQ: &str = "https://learn.microsoft.com/azure/static-web-apps/faq";
    pub(super) const PAGE_DEPLOY: &str =
        "https://learn.microsoft.com/azure/static-web-apps/static-web-apps-cli-deploy";
    pub(super) const PAGE_LOGS: &str = "https://learn.microsoft.com/azure/static-web-apps/monitor";
    pub(super) const BUCKET: &str =
        "https://learn.microsoft.com/azure/storage/blobs/storage-blob-static-website";
    pub(super) const BUCKET_DOMAIN: &str =
        "https://learn.microsoft.com/azure/storage/blobs/storage-custom-domain-name";
    pub(super) const BUCKET_LOGS: &str =
        "https://learn.microsoft.com/azure/storage/blobs/monitor-blob-storage";
}

/// The report.
pub(crate) fn report(desk: &Desk, stack: Stack) -> Vec<Portability> {
    Portability::report(desk.bound, TARGET, &|service, topic| answer(desk, &stack, service, topic))
}

fn answer(desk: &Desk, stack: &Stack, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting => hosting(stack, service),
        Topic::Name => name(stack, service),
        Topic::Region => region(stack, service),
        Topic::Address => address(stack, service),
        Topic::Domain => domain(stack, service),
        topic if service.kind() == ServiceKind::Static => pages::answer(desk, stack, service, topic),
        topic => containers::answer(stack, service, topic),
    }
}

fn hosting(stack: &Stack, service: &Service) -> Answer {
    match stack.hosting(service) {
        Hosting::App => Answer::exact("a Container App runs its image", docs::COMPARE),
        Hosting::Site if service.port.is_none() => Answer::impossible(
            "App Service stops a container that answers no requests on a port, and this service has none",
            docs::SITE,
        )
        .hint("write `hosting: container-app` for this service"),
        Hosting::Site => Answer::exact("a site of an App Service plan runs its image", docs::SITE),
        Hosting::Page => Answer::exact("a Static Web App serves its files from everywhere", docs::PAGE),
        Hosting::Bucket => {
            Answer::exact("the static website of a Storage account serves its files", docs::BUCKET)
        }
    }
}

fn name(stack: &Stack, service: &Service) -> Answer {
    let host = stack.host(service);
    match stack.hosting(service) {
        Hosting::App | Hosting::Page => Answer::exact(
            format!("it is called `{host}` in the resource group `{}`", stack.group()),
            docs::NAMES,
        ),
        Hosting::Site | Hosting::Bucket => Answer::approximated(
            format!("it is called `{host}`, which has to be free in all of Azure"),
            docs::NAMES,
        )
        .hint("the option `name_suffix` ends such names"),
    }
}

fn region(stack: &Stack, service: &Service) -> Answer {
    let region = stack.bound.region_of(service).unwrap_or_default();
    if stack.hosting(service) == Hosting::Page && !places::PAGE_REGIONS.contains(&region) {
        let near = stack.page_region(service);
        let reason =
            format!("a Static Web App is registered in `{near}`, and its files are served from everywhere");
        return Answer::approximated(reason, docs::PAGE_FAQ)
            .hint(format!("the regions are {}", places::PAGE_REGIONS.join(", ")));
    }
    Answer::exact(format!("it is made in `{region}`"), docs::REGIONS)
}

fn address(stack: &Stack, service: &Service) -> Answer {
    match (stack.hosting(service), stack.reach(service)) {
        (Hosting::App, Reach::Inside) => {
            Answer::exact("only other containers of the environment reach it, by its name", docs::CONNECT)
        }
        (Hosting::App, _) => Answer::approximated(
            "Azure assigns the address with the first deployment: it is an output of the template",
            docs::CONNECT,
        )
        .hint("write `domain:` for this service to know it before"),
        (Hosting::Site, _) if service.publish == dashdeploy_contract::Publish::No => Answer::impossible(
            "a site is reached from everywhere, and this service publishes no port",
            docs::SITE,
        )
        .hint("write `hosting: container-app`, which has addresses for the inside"),
        (Hosting::Site, _) => {
            Answer::exact("the address follows from the site's name, which we choose", docs::SITE)
        }
        (Hosting::Page, _) => Answer::approximated(
            "Azure assigns the address with the first deployment; containers are told it by the template",
            docs::PAGE,
        )
        .hint("write `domain:` for this service to know it before"),
        (Hosting::Bucket, _) => Answer::approximated(
            "Azure puts a number into the address; containers are told it by the template",
            docs::BUCKET,
        ),
    }
}

fn domain(stack: &Stack, service: &Service) -> Answer {
    match stack.hosting(service) {
        Hosting::App => Answer::approximated(
            "the DNS records and the certificate are made once by hand, as the template's head says; then it keeps them",
            docs::APP_DOMAIN,
        ),
        Hosting::Site => Answer::approximated(
            "the DNS record, the name and its certificate are made once by hand, as the template's head says",
            docs::SITE_DOMAIN,
        ),
        Hosting::Page => Answer::approximated(
            "once the DNS record is there, the template takes the name on and Azure makes the certificate",
            docs::PAGE_DOMAIN,
        ),
        Hosting::Bucket => {
            Answer::impossible("a Storage account has no HTTPS for a name of one's own", docs::BUCKET_DOMAIN)
                .hint("write `page_hosting: static-web-app`")
        }
    }
}
