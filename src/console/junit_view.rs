//! How an environment stands as a JUnit report: the form of test results that every CI system shows.
//!
//! Given: a [`Standing`]. Gives: XML with one suite for the environment and, for each service, a case for each of the
//! questions *health*, *digest* and *drift*. What cannot be told is skipped; a platform that cannot be asked is an error.
//! The form follows <https://github.com/testmoapp/junitxml>. Deliberately absent: times, so that the same standing gives
//! the same bytes.

use dashdeploy_contract::Health;
use maud::{Markup, PreEscaped, html};

use super::plan_view::field_words;
use super::safe;
use crate::deploy::{DigestMatch, Drift, ServiceStanding, Standing, StandingVerdict};

/// The answer to one question.
enum Answer {
    Passed,
    Failed(String, Vec<String>),
    Error(String),
    Skipped(String),
}

struct Case {
    class: String,
    name: &'static str,
    answer: Answer,
}

/// The standing as JUnit XML.
pub fn status_junit(standing: &Standing) -> String {
    let name = format!("{} in {}", standing.project, standing.environment);
    let shared = Case {
        class: format!("{}.{}", standing.project, standing.environment),
        name: "drift",
        answer: drift(&standing.drift),
    };
    let services = standing.services.iter().flat_map(|service| cases(standing, service));
    let cases: Vec<Case> = services.chain([shared]).collect();
    let count = |wanted: fn(&Answer) -> bool| cases.iter().filter(|case| wanted(&case.answer)).count();
    let failures = count(|answer| matches!(answer, Answer::Failed(..)));
    let errors = count(|answer| matches!(answer, Answer::Error(_)));
    let skipped = count(|answer| matches!(answer, Answer::Skipped(_)));
    let report = html! {
        // The declaration is no element; it holds no value.
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        testsuites name="dashdeploy status" tests=(cases.len()) failures=(failures) errors=(errors) skipped=(skipped) {
            testsuite name=(name) tests=(cases.len()) failures=(failures) errors=(errors) skipped=(skipped) {
                @for case in &cases { (element(case)) }
            }
        }
    };
    report.into_string() + "\n"
}

fn element(case: &Case) -> Markup {
    html! {
        testcase classname=(case.class) name=(case.name) {
            @match &case.answer {
                Answer::Passed => {}
                Answer::Failed(message, lines) => failure type=(case.name) message=(attribute(message)) {
                    (text(&lines.join("\n")))
                }
                Answer::Error(message) => error type="unreachable" message=(attribute(message)) {}
                Answer::Skipped(message) => skipped message=(attribute(message)) {}
            }
        }
    }
}

/// Text that XML 1.0 can carry (section 2.2, "Characters"): control characters are shown, and two code points that are
/// none are replaced. The macro escapes the rest.
fn text(value: &str) -> String {
    safe(value).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// The same on one line, since a reader makes blanks of an attribute's line ends anyway.
fn attribute(value: &str) -> String {
    text(value).replace(['\n', '\t'], " ")
}

fn cases(standing: &Standing, service: &ServiceStanding) -> [Case; 3] {
    let class = format!("{}.{}.{}", standing.project, standing.environment, service.service);
    let case = |name, answer| Case { class: class.clone(), name, answer };
    let untold = (service.verdict == StandingVerdict::Unknown)
        .then(|| Answer::Skipped(service.reason.clone().unwrap_or_default()));
    [
        case("health", health(service)),
        case("digest", digest(service)),
        case("drift", untold.unwrap_or_else(|| drift(&service.drift))),
    ]
}

fn health(service: &ServiceStanding) -> Answer {
    let reason = || service.reason.clone().unwrap_or_default();
    match &service.health {
        None => Answer::Error(reason()),
        Some(health) if health.is_serving() => Answer::Passed,
        Some(health @ (Health::Unhealthy { detail } | Health::Exited { detail, .. })) => {
            Answer::Failed(format!("{} is {}", service.service, health.word()), vec![detail.clone()])
        }
        Some(health) => Answer::Failed(format!("{} is {}", service.service, health.word()), vec![reason()]),
    }
}

fn digest(service: &ServiceStanding) -> Answer {
    match service.digest {
        DigestMatch::Same => Answer::Passed,
        DigestMatch::Unknown if service.desired.is_none() => {
            Answer::Skipped("no release is known that should run".to_owned())
        }
        DigestMatch::Unknown => Answer::Skipped("the platform does not tell what runs".to_owned()),
        DigestMatch::Differs => {
            let desired = service.desired.clone().unwrap_or_default();
            let lines = vec![format!("desired: {desired}"), format!("served: {}", service.served.join(", "))];
            Answer::Failed("another image runs than should".to_owned(), lines)
        }
    }
}

fn drift(drift: &[Drift]) -> Answer {
    let lines = drift.iter().flat_map(|drift| {
        let head = format!("{} {}: {}", drift.action.symbol(), drift.address, drift.reason);
        [head].into_iter().chain(drift.fields.iter().map(|field| format!("  {}", field_words(field))))
    });
    match drift.len() {
        0 => Answer::Passed,
        1 => Answer::Failed("1 thing differs".to_owned(), lines.collect()),
        many => Answer::Failed(format!("{many} things differ"), lines.collect()),
    }
}
