//! What of a project Vercel carries.
//!
//! Given: a desk. Gives: an answer for each topic, with the page of Vercel's documentation. vercel.json has no comments, so
//! the hints here say how it is used.

use dashdeploy_contract::{
    Answer, Descriptor, Desk, Name, PageHost, Portability, Recipe, Reference, Service, ServiceKind, Topic,
    page,
};

use crate::config::{self, TARGET};
use crate::manifests::Commands;

const BUILDS: &str = "https://vercel.com/docs/builds/configure-a-build";
const CONFIGURATION: &str = "https://vercel.com/docs/project-configuration/vercel-json";
const VARIABLES: &str = "https://vercel.com/docs/environment-variables/managing-environment-variables";
const REWRITES: &str = "https://vercel.com/docs/routing/rewrites";
const HEADERS: &str = "https://vercel.com/docs/headers/response-headers";
const CACHING: &str = "https://vercel.com/docs/caching/cdn-cache";
const PROJECTS: &str = "https://vercel.com/docs/projects";
const REGIONS: &str = "https://vercel.com/docs/regions";
const COMMAND_LINE: &str = "https://vercel.com/docs/projects/deploy-from-cli";
const DEPLOYMENTS: &str = "https://vercel.com/docs/cli/deploying-from-cli";
const LOGS: &str = "https://vercel.com/docs/logs/runtime";
const IGNORED: &str = "https://vercel.com/docs/deployments/vercel-ignore";

/// The report.
pub(crate) fn report(descriptor: &Descriptor, desk: &Desk) -> Vec<Portability> {
    Portability::report(desk.bound, TARGET, &|service, topic| match service.kind() {
        ServiceKind::Static => page(descriptor, desk, service, topic),
        ServiceKind::Web => container(topic),
    })
}

/// A container: nothing of it is carried.
fn container(topic: Topic) -> Answer {
    let answer = Answer::impossible("Vercel serves files and runs no containers", BUILDS);
    if topic == Topic::Hosting {
        answer.hint("give the service a target that runs containers")
    } else {
        answer
    }
}

fn page(descriptor: &Descriptor, desk: &Desk, service: &Service, topic: Topic) -> Answer {
    let project = config::HOST.name(descriptor, desk.bound, service);
    match topic {
        Topic::Hosting => hosting(desk, service, &project),
        Topic::Name => Answer::exact("its project bears the names of project, environment and service", PROJECTS),
        Topic::Region => {
            let reason = "files are served from every edge location: the region is left out";
            Answer::approximated(reason, REGIONS).hint("remove `region:` for this service")
        }
        Topic::Address => Answer::approximated(
            format!("{project}.vercel.app, unless somebody else has it: Vercel then adds to the name and says so on the first \
                     deploy"),
            PROJECTS,
        )
        .hint("name an address of your own with `domain:`, or another name with the option `project`"),
        Topic::Domain => domain(desk, service, &project),
        Topic::ZeroDowntime => Answer::exact("a deployment takes over at once, when all of it is there", DEPLOYMENTS),
        Topic::Logs => {
            Answer::approximated("requests are shown for a short time, and kept in no place of your own", LOGS)
        }
        Topic::BuildVariables => build_variables(desk, service),
        Topic::Proxy => proxy(desk, service),
        Topic::Fallback => {
            Answer::exact("paths that are no file get the page; what ends like a file and is missing is 404", REWRITES)
        }
        Topic::Headers => headers(desk, service),
        Topic::Caching => caching(service),
        _ => upload(service),
    }
}

fn hosting(desk: &Desk, service: &Service, project: &str) -> Answer {
    let mut mend = format!("`vercel link --yes --project {project}`");
    let secrets = service.build().map_or(&[][..], |build| &build.secrets);
    for name in secrets {
        mend.push_str(&format!(", `vercel env add {name} production`"));
    }
    mend.push_str(", then `vercel deploy --prod");
    if let Some(suffix) = desk.suffix {
        mend.push_str(&format!(" --local-config vercel.{suffix}.json"));
    }
    mend.push_str("` in the folder of vercel.json");
    let answer = match service.build().map(|build| &build.recipe) {
        Some(Recipe::Spa(spa)) => Answer::approximated(
            format!(
                "Vercel builds it with the Node.js of the project's settings, which vercel.json cannot name: write \
                 `\"engines\": {{ \"node\": \"{}.x\" }}` in package.json",
                spa.version
            ),
            CONFIGURATION,
        ),
        _ => Answer::exact("Vercel serves its files; /page.html leads to /page", CONFIGURATION),
    };
    answer.hint(mend)
}

fn domain(desk: &Desk, service: &Service, project: &str) -> Answer {
    let domain = desk.bound.domains.get(&service.name).map_or("", String::as_str);
    Answer::approximated("vercel.json cannot hold a host name: it is added once", COMMAND_LINE)
        .hint(format!("`vercel domains add {domain} {project}`, then point its DNS there"))
}

fn build_variables(desk: &Desk, service: &Service) -> Answer {
    let Some(commands) = Commands::on(desk, service) else {
        return Answer::exact("there is no build", BUILDS);
    };
    if !commands.open.is_empty() {
        let reason = format!("not known beforehand, and to be set by hand: {}", commands.open.join(", "));
        let add: Vec<String> =
            commands.open.iter().map(|name| format!("`vercel env add {name} production`")).collect();
        return Answer::approximated(reason, VARIABLES).hint(add.join(", "));
    }
    if service.build().is_some_and(|build| !matches!(build.recipe, Recipe::Spa(_))) {
        return Answer::approximated("nothing is built that could read them", BUILDS);
    }
    if commands.env.is_empty() {
        return Answer::exact("the build's command sets them", BUILDS);
    }
    let reason = "they stand in `build.env`, since a command holds 256 characters; `vercel build` on your own machine does not \
                  read it";
    Answer::approximated(reason, CONFIGURATION)
}

fn proxy(desk: &Desk, service: &Service) -> Answer {
    let unknown = service.proxy.iter().find(|(_, named)| PageHost::upstream(desk, named).is_none());
    let Some((path, named)) = unknown else {
        return Answer::exact(
            "the edge hands the paths on, so that page and service have one origin",
            REWRITES,
        );
    };
    let mend = format!(
        "give `{named}` a host name of your own: environments.{}.services.{named}.domain",
        desk.bound.environment
    );
    let calls = service.env.values().any(|text| text.references().any(|reference| names(reference, named)));
    let cause =
        format!("{path} cannot be handed on, since no public https address of `{named}` is known beforehand");
    if calls {
        let reason = format!("{cause}: the page calls it there, as another origin");
        return Answer::approximated(reason, REWRITES).hint(mend);
    }
    Answer::impossible(format!("{cause}, and no variable tells it to the page"), REWRITES).hint(mend)
}

fn names(reference: &Reference, named: &Name) -> bool {
    matches!(reference, Reference::Service { service, .. } if service == named)
}

fn headers(desk: &Desk, service: &Service) -> Answer {
    if page::calls_unknown(service, desk.wiring) {
        let reason = "set on every file; the page may call any https address, since the one it needs is not known beforehand";
        return Answer::approximated(reason, HEADERS);
    }
    Answer::exact("set on every answer but those that are handed on, which keep the service's own", HEADERS)
}

fn caching(service: &Service) -> Answer {
    if service.is_spa() {
        let reason = "hashed files are kept for a year, everything else is asked for anew; the rule goes by the path, so that \
                      a 404 below /assets/ is kept too";
        return Answer::approximated(reason, CACHING);
    }
    Answer::exact("every file is asked for anew", CACHING)
}

fn upload(service: &Service) -> Answer {
    let whole = service.build().is_some_and(|build| build.context == ".");
    if whole {
        let reason =
            "the whole project is sent, save what .vercelignore names; source maps that are built are served";
        return Answer::approximated(reason, IGNORED)
            .hint("name what else is not to be sent in .vercelignore");
    }
    Answer::exact(
        "the page's folder is sent and built there; source maps that are built are served",
        COMMAND_LINE,
    )
}
