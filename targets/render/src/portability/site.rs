//! What of a page Render carries: as a static site, or as a web service with the page's nginx image.

use dashdeploy_contract::{AddressField, Answer, Desk, Name, Reference, Service, Topic, page};

use super::{DEPLOYS, DOCKER, NETWORK, WEB};
use crate::config::{Form, Place};
use crate::manifests::by_hand;

const HEADERS: &str = "https://render.com/docs/static-site-headers";
const REWRITES: &str = "https://render.com/docs/redirects-rewrites";
const SITES: &str = "https://render.com/docs/static-sites";

/// The answer for a page.
pub(super) fn answer(place: &Place, desk: &Desk, service: &Service, topic: Topic) -> Answer {
    let site = place.form(service) == Form::Site;
    let asked = topic == Topic::BuildVariables && !by_hand(place, desk, service).is_empty();
    match topic {
        _ if asked => {
            let reason = "Render asks for those that are only known later; the page has to be built anew when they change";
            Answer::approximated(reason, SITES)
        }
        Topic::Hosting if site => Answer::exact("a static site, served by Render's edge", SITES),
        Topic::Hosting => Answer::exact("a web service that runs the page's nginx image", WEB),
        Topic::Name => super::name(place, service),
        Topic::Region => super::region(place, service),
        Topic::Address => super::address(place, service),
        Topic::Domain => super::domain(),
        Topic::ZeroDowntime if site => {
            Answer::exact("the former files are served until the next ones are there", DEPLOYS)
        }
        Topic::ZeroDowntime => {
            Answer::exact("the former instance answers until the next one is good", DEPLOYS)
        }
        Topic::Logs if site => {
            Answer::approximated("Render logs the build of a static site; requests are not logged", SITES)
        }
        Topic::Upload if site => {
            Answer::approximated("Render takes no built files: it builds the page from the repository", SITES)
                .hint("write the option `hosting: docker` for the page's own image")
        }
        Topic::Upload if place.is_built_page(service) => {
            Answer::exact("the built files are in the image, which is deployed by its digest", DOCKER)
        }
        Topic::Upload => Answer::approximated("the built files are in the image that Render builds", DOCKER),
        _ if site => served_by_edge(desk, service, topic),
        _ => served_by_nginx(place, desk, service, topic),
    }
}

fn served_by_edge(desk: &Desk, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::BuildVariables => Answer::exact("they are variables of the build", SITES),
        Topic::Proxy if desk.wiring.same_origin.contains(&service.name) => {
            let reason = "Render's edge hands the paths on to the services' public addresses";
            Answer::approximated(reason, REWRITES)
        }
        Topic::Proxy => {
            let reason =
                "a service behind the page has no public address that is known: the paths are not handed on";
            Answer::impossible(reason, REWRITES).hint("give it a `domain:`, or put it on Render")
        }
        Topic::Fallback => {
            let reason = "Render answers with the page where a path is no file, also where a file was meant that is missing";
            Answer::approximated(reason, REWRITES)
        }
        Topic::Caching => {
            let reason = "files below /assets/ are kept for a year and the page is asked for anew; for other paths Render's own \
                          rule stands";
            if service.is_spa() {
                Answer::approximated(reason, HEADERS)
            } else {
                Answer::exact("everything is asked for anew", HEADERS)
            }
        }
        Topic::Headers if page::calls_unknown(service, desk.wiring) => {
            let reason = "an address that the page calls is not known beforehand, so that its Content-Security-Policy lacks it";
            Answer::approximated(reason, HEADERS)
                .hint("give the service a `domain:`, or write the header under `headers:`")
        }
        _ => Answer::exact("Render's edge sets them on every answer", HEADERS),
    }
}

/// The image's nginx.conf is the one of a Docker host: it reaches services by Docker's name server, and allows the addresses
/// that they have there. Render documents no name server that nginx could ask.
fn served_by_nginx(place: &Place, desk: &Desk, service: &Service, topic: Topic) -> Answer {
    let own = service.headers.keys().any(|name| name.eq_ignore_ascii_case("content-security-policy"));
    match topic {
        Topic::BuildVariables if place.is_built_page(service) => {
            Answer::exact("they are in the image that is pushed to the registry", DOCKER)
        }
        Topic::BuildVariables => {
            Answer::exact("Render gives variables to the build as its arguments", DOCKER)
        }
        Topic::Proxy if service.proxy.values().all(|upstream| is_told(service, upstream)) => {
            let reason = "nginx in the page's image hands nothing on here: the page calls the services' own addresses, which \
                          have to allow its origin";
            Answer::approximated(reason, NETWORK).hint("the option `hosting: static` hands the paths on")
        }
        Topic::Proxy => {
            let reason = "nginx in the page's image knows no name server of Render: it cannot hand paths on, and the page is \
                          not told the service's own address";
            Answer::impossible(reason, NETWORK)
                .hint("write the option `hosting: static`: Render's edge hands them on")
        }
        Topic::Headers if page::calls_unknown(service, desk.wiring) && !own => {
            let reason = "nginx sets them; of an address that Render assigns later the policy says only that it is encrypted";
            Answer::approximated(reason, WEB)
        }
        Topic::Fallback => Answer::exact("nginx answers with the page where a path is no file", DOCKER),
        _ => Answer::exact("nginx sets them on every answer", DOCKER),
    }
}

/// True where a variable of the page is the public address of the service.
fn is_told(service: &Service, upstream: &Name) -> bool {
    let of = |reference: &Reference| {
        matches!(reference, Reference::Service { service: named, field: AddressField::Url | AddressField::Origin }
            if named == upstream)
    };
    service.env.values().flat_map(|text| text.references()).any(of)
}
