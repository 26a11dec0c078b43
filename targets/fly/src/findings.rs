//! What Fly.io cannot carry, each with the mend.
//!
//! Given: a bound project. Gives: findings by the platform's own rules: names, regions, sizes, volumes, variables, options
//! that do not go together. Deliberately absent: what is carried roughly; that is `portability.rs`.

use dashdeploy_contract::{Bound, Descriptor, Finding, HealthCheck, Service, ServiceKind};

use crate::config::{App, LONGEST_NAME, REGIONS, TARGET};
use crate::size;

/// Gigabytes of the largest volume (fly.io/docs/volumes/overview, "Volume limits").
pub(crate) const LARGEST_VOLUME: u64 = 500;
/// Megabytes of the largest machine that can be suspended (fly.io/docs/reference/suspend-resume).
const MOST_SUSPENDED: u64 = 2048;

/// Everything found.
pub(crate) fn all(descriptor: &Descriptor, bound: &Bound) -> Vec<Finding> {
    let mut findings = Vec::new();
    let apps = App::all(descriptor, bound);
    for app in &apps {
        for check in [names, region, size_of, volumes, replicas, strategy, sleep, variables, numbers] {
            findings.extend(check(app));
        }
    }
    findings.extend(same_names(&apps));
    findings.extend(several_organisations(&apps));
    findings.extend(asked_from_elsewhere(&apps));
    findings
}

/// True for what Fly.io takes as the name of an app, an organisation or a bucket: a label of a host name.
fn is_label(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn names(app: &App) -> Vec<Finding> {
    let hint = "write 1 to 63 characters of a-z, 0-9 and -, the first and the last of them no -";
    let wrong = ["app", "org", "bucket"].into_iter().filter_map(|option| {
        let value = app.option(option).filter(|value| !is_label(value))?;
        let message = format!("`{value}` cannot be the name of {} on Fly.io", what(option));
        Some(Finding::error("invalid-option", app.option_key(option), message).hint(hint))
    });
    wrong.collect()
}

fn what(option: &str) -> &'static str {
    match option {
        "app" => "an app",
        "org" => "an organisation",
        _ => "a bucket",
    }
}

fn same_names(apps: &[App]) -> Vec<Finding> {
    let doubled = |(at, app): (usize, &App)| {
        let first = apps[..at].iter().find(|other| other.name() == app.name())?;
        let message = format!(
            "`{}` and `{}` would both be the app `{}`",
            first.service.name,
            app.service.name,
            app.name()
        );
        let hint = "write `app` below the options of each service, not of the whole environment";
        Some(Finding::error("same-app", app.option_key("app"), message).hint(hint))
    };
    apps.iter().enumerate().filter_map(doubled).collect()
}

/// A private address is known inside one organisation alone (fly.io/docs/networking/private-networking).
fn several_organisations(apps: &[App]) -> Option<Finding> {
    let first = apps.first()?;
    let other = apps.iter().find(|app| app.option("org") != first.option("org"))?;
    apps.iter().any(|app| app.is_public() && app.is_private()).then(|| {
        let message = format!(
            "`{}` and `{}` are in different organisations, and apps reach each other in one alone",
            first.service.name, other.service.name
        );
        let hint = "write `org` below the options of the environment";
        Finding::error("several-organisations", other.option_key("org"), message).hint(hint)
    })
}

/// Variables of services on other platforms that hold a private address.
fn asked_from_elsewhere(apps: &[App]) -> Vec<Finding> {
    let Some(bound) = apps.first().map(|app| app.bound) else { return Vec::new() };
    let mut findings = Vec::new();
    for service in bound.services.values().filter(|service| !bound.is_on(service, TARGET)) {
        for (name, text) in &service.env {
            let Some(app) = apps.iter().find(|app| text.references().any(|r| app.is_meant(r))) else {
                continue;
            };
            let called = &app.service.name;
            let message = format!(
                "`{}` is not on Fly.io and does not reach `{called}` by its private address",
                service.name
            );
            let key = format!("services.{}.env.{name}", service.name);
            let hint = format!("write `${{services.{called}.url}}`, or put both on one platform");
            findings.push(Finding::error("private-address", key, message).hint(hint));
        }
    }
    findings
}

fn region(app: &App) -> Vec<Finding> {
    let Some(written) = app.bound.region_of(app.service) else { return Vec::new() };
    if is_region(written) {
        return Vec::new();
    }
    let message = format!("Fly.io has no region `{written}`");
    let all: Vec<String> = REGIONS.iter().map(|(code, city)| format!("{code} ({city})")).collect();
    let list = format!("the regions are {}", all.join(", "));
    let hint = match meant(written) {
        Some((code, city)) => format!("did you mean `{code}`, {city}? {list}"),
        None => list,
    };
    vec![Finding::error("unknown-region", app.bound.region_key(app.service), message).hint(hint)]
}

/// True for the code of a region.
pub(crate) fn is_region(code: &str) -> bool {
    REGIONS.iter().any(|(known, _)| *known == code)
}

/// The region that was probably meant: by its city, by the word of another platform, or by one letter that differs.
fn meant(written: &str) -> Option<(&'static str, &'static str)> {
    const ELSEWHERE: [(&str, &str); 12] = [
        ("oregon", "sjc"),
        ("ohio", "ord"),
        ("virginia", "iad"),
        ("us-east", "iad"),
        ("us-west", "sjc"),
        ("eu-west", "lhr"),
        ("eu-central", "fra"),
        ("eastus", "iad"),
        ("westus", "sjc"),
        ("westeurope", "ams"),
        ("southeast", "sin"),
        ("northeast", "nrt"),
    ];
    let plain = written.to_ascii_lowercase();
    let squeezed: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
    let by_code = |code: &str| REGIONS.iter().find(|(known, _)| *known == code).copied();
    let by_city = |(_, city): &&(&str, &str)| {
        let city: String = city.to_ascii_lowercase().replace(' ', "");
        squeezed.len() > 3 && (squeezed.contains(&city) || city.starts_with(&squeezed))
    };
    let near = |(code, _): &&(&str, &str)| {
        plain.len() == code.len() && code.chars().zip(plain.chars()).filter(|(a, b)| a != b).count() == 1
    };
    by_code(&plain)
        .or_else(|| REGIONS.iter().find(by_city).copied())
        .or_else(|| by_code(ELSEWHERE.iter().find(|(word, _)| plain.contains(word))?.1))
        .or_else(|| REGIONS.iter().find(near).copied())
}

fn size_of(app: &App) -> Vec<Finding> {
    let key = format!("services.{}.memory", app.service.name);
    match size::of(app.service.resources, app.option("size")) {
        Ok(_) => Vec::new(),
        Err(why) => {
            vec![
                Finding::error("no-such-size", key, why)
                    .hint("write less `memory` or `cpus`, or another `size`"),
            ]
        }
    }
}

fn volumes(app: &App) -> Vec<Finding> {
    let key = format!("services.{}.volumes", app.service.name);
    let mut findings = Vec::new();
    if app.service.volumes.len() > 1 {
        let message = format!(
            "a machine of Fly.io mounts one volume, and `{}` has {}",
            app.service.name,
            app.service.volumes.len()
        );
        let hint =
            "mount one volume and keep the data in folders of it; `build.links` leads other paths there";
        findings.push(Finding::error("several-volumes", key.clone(), message).hint(hint));
    }
    for volume in app.service.volumes.keys() {
        let shares = |other: &&Service| other.name != app.service.name && other.volumes.contains_key(volume);
        if let Some(other) = app.bound.services.values().find(shares) {
            let message = format!(
                "`{volume}` is mounted by `{}` too, and a volume of Fly.io belongs to one machine of one app",
                other.name
            );
            let hint = "give each service a volume of its own, and let one ask the other for its data";
            findings.push(Finding::error("shared-volume", key.clone(), message).hint(hint));
        }
        let size = app.bound.volumes.get(volume).and_then(|volume| volume.size).unwrap_or_default();
        if size.div_ceil(1 << 30) > LARGEST_VOLUME {
            let message = format!("a volume of Fly.io has at most {LARGEST_VOLUME} GB");
            let hint = format!("write at most `size: {LARGEST_VOLUME}Gi`");
            findings.push(
                Finding::error("volume-too-large", format!("volumes.{volume}.size"), message).hint(hint),
            );
        }
    }
    findings
}

fn replicas(app: &App) -> Vec<Finding> {
    if app.service.replicas < 2 || app.service.volumes.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "`{}` has a volume, and each of its {} machines would have one of its own with other data",
        app.service.name, app.service.replicas
    );
    let key = format!("services.{}.replicas", app.service.name);
    vec![
        Finding::error("replicas-with-volume", key, message).hint("write `replicas: 1` for this environment"),
    ]
}

fn strategy(app: &App) -> Vec<Finding> {
    let Some(strategy) = app.option("strategy") else { return Vec::new() };
    let wrong = |message: &str| {
        let finding = Finding::error("invalid-option", app.option_key("strategy"), message);
        vec![finding.hint("write `strategy: rolling`, or leave it out")]
    };
    if ["bluegreen", "canary"].contains(&strategy) && !app.service.volumes.is_empty() {
        return wrong("`bluegreen` and `canary` start a second machine, which cannot have the volume");
    }
    if strategy == "bluegreen" && (app.service.health == HealthCheck::None || app.service.port.is_none()) {
        return wrong("`bluegreen` waits for a health check, and there is none");
    }
    Vec::new()
}

fn sleep(app: &App) -> Vec<Finding> {
    let sleeps = app.option("auto_stop").is_some_and(|value| value != "off");
    let mut findings = Vec::new();
    if !sleeps && app.option("min_machines").is_some() {
        let key = app.option_key("min_machines");
        let message = "`min_machines` counts only where `auto_stop` is `stop` or `suspend`";
        findings.push(Finding::warning("no-effect", key, message).hint("remove it, or set `auto_stop`"));
    }
    if sleeps && app.service.port.is_none() {
        let key = app.option_key("auto_stop");
        let message = format!("nobody asks `{}`, which has no port: it is never stopped", app.service.name);
        findings.push(Finding::info("no-effect", key, message));
    }
    let memory = size::of(app.service.resources, app.option("size")).map_or(0, |size| size.memory);
    if app.option("auto_stop") == Some("suspend") && memory > MOST_SUSPENDED {
        let key = app.option_key("auto_stop");
        let message = format!("machines with more than {MOST_SUSPENDED} MB of memory cannot be suspended");
        findings.push(Finding::warning("no-effect", key, message).hint("write `auto_stop: stop`"));
    }
    findings
}

/// Fly.io sets variables of these names itself (fly.io/docs/machines/runtime-environment).
fn variables(app: &App) -> Vec<Finding> {
    if app.service.kind() == ServiceKind::Static {
        return Vec::new();
    }
    let taken = |name: &&String| name.starts_with("FLY_") || name.as_str() == "PRIMARY_REGION";
    let found = |part: &str, name: &String| {
        let key = format!("services.{}.{part}.{name}", app.service.name);
        let message = format!("Fly.io sets `{name}` itself: a value of one's own would be lost");
        Finding::error("reserved-name", key, message).hint("call the variable something else")
    };
    let env = app.service.env.keys().filter(taken).map(|name| found("env", name));
    let secrets = app.service.secrets.keys().filter(taken).map(|name| found("secrets", name));
    env.chain(secrets).collect()
}

fn numbers(app: &App) -> Vec<Finding> {
    let days = app.option("snapshot_days").and_then(|days| days.parse::<u32>().ok()).unwrap_or(1);
    if (1..=60).contains(&days) {
        return Vec::new();
    }
    let message = "snapshots are kept for 1 to 60 days";
    vec![Finding::error("invalid-option", app.option_key("snapshot_days"), message).hint("write 1 to 60")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_of_elsewhere_is_understood() {
        for (written, code) in [
            ("frankfurt", Some("fra")),
            ("FRA", Some("fra")),
            ("San Jose", Some("sjc")),
            ("oregon", Some("sjc")),
            ("eu-central-1", Some("fra")),
            ("us-east-1", Some("iad")),
            ("idd", Some("iad")),
            ("mars", None),
            ("", None),
        ] {
            assert_eq!(meant(written).map(|(code, _)| code), code, "{written}");
        }
    }

    #[test]
    fn labels_of_host_names_are_told() {
        for good in ["a", "shop-api", "9a", &"a".repeat(63)] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a b", "é", &"a".repeat(64)] {
            assert!(!is_label(bad), "{bad}");
        }
    }
}
