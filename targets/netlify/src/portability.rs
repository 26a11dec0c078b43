//! What of a project Netlify carries.
//!
//! Given: a desk. Gives: an answer for each topic, with the page of Netlify's documentation.

use dashdeploy_contract::{
    Answer, Desk, Name, PageHost, Portability, Recipe, Reference, Service, ServiceKind, Topic, page,
};

use crate::config::TARGET;

const BUILD: &str = "https://docs.netlify.com/build/configure-builds/file-based-configuration/";
const VARIABLES: &str =
    "https://www.netlify.com/knowledge-base/how-to-configure-netlifytoml-redirects-headers-and-env-vars/";
const PROXIES: &str = "https://docs.netlify.com/manage/routing/redirects/rewrites-proxies/";
const REDIRECTS: &str = "https://docs.netlify.com/manage/routing/redirects/redirect-options/";
const HEADERS: &str = "https://docs.netlify.com/manage/routing/headers/";
const CACHING: &str = "https://docs.netlify.com/build/caching/caching-overview/";
const DOMAINS: &str = "https://docs.netlify.com/manage/domains/get-started-with-domains/";
const DEPLOYS: &str = "https://docs.netlify.com/site-deploys/overview/";
const LOGS: &str = "https://docs.netlify.com/monitor-sites/log-drains/";
const COMMAND_LINE: &str = "https://cli.netlify.com/commands/deploy/";

/// The report.
pub(crate) fn report(desk: &Desk) -> Vec<Portability> {
    Portability::report(desk.bound, TARGET, &|service, topic| match service.kind() {
        ServiceKind::Static => page(desk, service, topic),
        ServiceKind::Web => container(topic),
    })
}

/// A container: nothing of it is carried.
fn container(topic: Topic) -> Answer {
    let answer = Answer::impossible("Netlify serves files and runs no containers", BUILD);
    if topic == Topic::Hosting {
        answer.hint("give the service a target that runs containers")
    } else {
        answer
    }
}

fn page(desk: &Desk, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Name => Answer::exact("its site bears the names of project, environment and service", DOMAINS),
        Topic::Region => {
            let reason = "files are served from every edge location: the region is left out";
            Answer::approximated(reason, CACHING).hint("remove `region:` for this service")
        }
        Topic::Address => {
            let reason =
                "the site's address under netlify.app is known beforehand, if nobody else has the name";
            Answer::exact(reason, DOMAINS)
        }
        Topic::Domain => {
            let reason =
                "netlify.toml cannot hold a host name: it is added by hand, the file's head says how";
            Answer::approximated(reason, DOMAINS)
        }
        Topic::ZeroDowntime => {
            Answer::exact("a deploy is switched to at once, when all of its files are there", DEPLOYS)
        }
        Topic::Logs => {
            let reason = "who asks for files is logged nowhere, save in the log drains of a larger plan";
            Answer::approximated(reason, LOGS)
        }
        Topic::BuildVariables => build_variables(desk, service),
        Topic::Proxy => proxy(desk, service),
        Topic::Fallback => Answer::approximated(
            "paths that are no file get the page; a missing file is 404 only below /assets/ and /.well-known/, since a rule \
             cannot name the end of a path",
            REDIRECTS,
        ),
        Topic::Headers => headers(desk, service),
        Topic::Caching => caching(service),
        Topic::Upload => upload(service),
        _ => Answer::exact("Netlify builds the page and serves its files", BUILD),
    }
}

fn build_variables(desk: &Desk, service: &Service) -> Answer {
    let open: Vec<&str> = service
        .env
        .iter()
        .filter(|(_, text)| desk.value(text, service).is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if open.is_empty() {
        return Answer::exact("they stand in [build.environment]", BUILD);
    }
    let reason = format!("not known beforehand, and to be set with `netlify env:set`: {}", open.join(", "));
    Answer::approximated(reason, VARIABLES)
}

fn proxy(desk: &Desk, service: &Service) -> Answer {
    let unknown = service.proxy.iter().find(|(_, named)| PageHost::upstream(desk, named).is_none());
    let Some((path, named)) = unknown else {
        let reason =
            "the edge hands the paths on, so that page and service have one origin; an answer has 26 seconds";
        return Answer::approximated(reason, PROXIES);
    };
    let mend = format!(
        "give `{named}` a host name of your own: environments.{}.services.{named}.domain",
        desk.bound.environment
    );
    let calls = service.env.values().any(|text| text.references().any(|reference| names(reference, named)));
    if calls {
        let reason = format!(
            "{path} cannot be handed on, since the public address of `{named}` is not known beforehand: the page calls it \
             there, as another origin"
        );
        return Answer::approximated(reason, PROXIES).hint(mend);
    }
    let reason = format!(
        "{path} cannot be handed on, since the public address of `{named}` is not known beforehand, and no variable tells \
         it to the page"
    );
    Answer::impossible(reason, PROXIES).hint(mend)
}

fn names(reference: &Reference, named: &Name) -> bool {
    matches!(reference, Reference::Service { service, .. } if service == named)
}

fn headers(desk: &Desk, service: &Service) -> Answer {
    if page::calls_unknown(service, desk.wiring) {
        let reason = "set on every file; the page may call any https address, since the one it needs is not known beforehand";
        return Answer::approximated(reason, HEADERS);
    }
    if service.proxy.is_empty() {
        return Answer::exact("set on every file", HEADERS);
    }
    let reason = "set on every file, and not on what is handed on: the service sets its own";
    Answer::approximated(reason, HEADERS)
}

fn caching(service: &Service) -> Answer {
    if !service.is_spa() {
        return Answer::exact(
            "Netlify has browsers ask for every file anew, and keeps none past a deploy",
            CACHING,
        );
    }
    let reason = "hashed files are kept for a year; everything else is asked for anew with Netlify's own max-age=0 in place of \
                  no-cache, and whether a 404 below /assets/ gets the year too is not documented";
    Answer::approximated(reason, CACHING)
}

fn upload(service: &Service) -> Answer {
    let whole =
        service.build().is_some_and(|build| matches!(&build.recipe, Recipe::Files { root } if root == "."));
    if whole {
        let reason = "the whole folder is sent, save names that start with a dot; what dashdeploy writes there is answered \
                      with 404";
        return Answer::approximated(reason, COMMAND_LINE)
            .hint("keep the page's files in a folder of their own: `build: { kind: static, root: public }`");
    }
    Answer::exact("the command line sends the built files; source maps among them are served", COMMAND_LINE)
}
