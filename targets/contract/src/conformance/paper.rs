//! The part of the suite for what a target decides without its platform: findings, addresses, report, files, options.
//!
//! Given: a [`Target`]. Gives: the promises that were broken. The sample project is moved to the target first, so that a
//! target that serves files alone is asked about the page alone.

use std::collections::BTreeSet;

use super::{Broken, Held, expect, sample};
use crate::{Bound, Desk, Manifests, Name, Severity, Target, Text, Verdict, Wiring};

/// Runs this part of the suite; empty where every promise is kept.
pub fn paper(target: &dyn Target) -> Vec<Broken> {
    let suite: [fn(&dyn Target) -> Held; 9] = [
        descriptor_says_who_it_is,
        options_keep_their_own_rules,
        ordinary_projects_have_no_error,
        addresses_are_hosts_that_exist,
        reports_say_why_and_where,
        files_have_places_of_their_own,
        environments_do_not_share_files,
        same_input_gives_the_same,
        unknown_options_are_found,
    ];
    suite.iter().filter_map(|check| check(target).err()).collect()
}

/// The sample project as it would be on a target.
pub fn sample_on(target: &dyn Target) -> Bound {
    // From a target that runs everything: what the target cannot host stays there.
    let mut bound = sample("docker").bound.moved_to(target.descriptor());
    bound.environment = Name::from_any("production", "production");
    if let Some(web) = bound.services.get_mut("web") {
        // The suite cannot parse; these are `${services.api.url}` and a plain value.
        let url = Text::parse("${services.api.url}").unwrap_or_default();
        web.env.insert("VITE_API_BASE_URL".to_owned(), url);
    }
    if let Some(api) = bound.services.get_mut("api") {
        let origin = Text::parse("${services.web.origin}").unwrap_or_default();
        api.env.insert("CORS_ORIGINS".to_owned(), origin);
    }
    bound
}

/// The addresses of a bound project, all its services being on one target or on none that is known.
pub fn wired(target: &dyn Target, bound: &Bound) -> Wiring {
    Wiring::of(bound, &|name| (name == target.descriptor().name).then_some(target))
}

fn with_desk<T>(target: &dyn Target, bound: &Bound, suffix: Option<&str>, ask: impl FnOnce(&Desk) -> T) -> T {
    let wiring = wired(target, bound);
    ask(&Desk { bound, wiring: &wiring, suffix })
}

fn manifests(target: &dyn Target, bound: &Bound, suffix: Option<&str>) -> Manifests {
    with_desk(target, bound, suffix, |desk| target.manifests(desk))
}

fn descriptor_says_who_it_is(target: &dyn Target) -> Held {
    const PROMISE: &str = "the descriptor is sane";
    let descriptor = target.descriptor();
    expect(Name::parse(&descriptor.name).is_ok(), PROMISE, || format!("`{}` is no name", descriptor.name))?;
    expect(!descriptor.title.is_empty(), PROMISE, || "it has no title".to_owned())?;
    expect(descriptor.docs.starts_with("https://"), PROMISE, || format!("docs: {}", descriptor.docs))?;
    let can = descriptor.capabilities;
    expect(can.containers || can.static_files, PROMISE, || "it can run nothing".to_owned())
}

fn options_keep_their_own_rules(target: &dyn Target) -> Held {
    const PROMISE: &str = "options keep their own rules";
    let mut seen = BTreeSet::new();
    for rule in &target.descriptor().options {
        expect(seen.insert(&rule.name), PROMISE, || format!("`{}` is there twice", rule.name))?;
        expect(!rule.purpose.is_empty(), PROMISE, || format!("`{}` has no purpose", rule.name))?;
        let fits = rule
            .default
            .as_deref()
            .is_none_or(|value| rule.values.is_empty() || rule.values.iter().any(|v| v == value));
        expect(fits, PROMISE, || format!("the default of `{}` is not allowed", rule.name))?;
        let page = rule.page.as_deref().is_none_or(|page| page.starts_with("https://"));
        expect(page, PROMISE, || format!("the page of `{}`: {:?}", rule.name, rule.page))?;
    }
    Ok(())
}

fn ordinary_projects_have_no_error(target: &dyn Target) -> Held {
    const PROMISE: &str = "an ordinary project has no error";
    let bound = sample_on(target);
    for finding in target.check(&bound) {
        expect(finding.severity != Severity::Error, PROMISE, || {
            format!("{}: {}", finding.code, finding.message)
        })?;
    }
    for row in with_desk(target, &bound, None, |desk| target.portability(desk)) {
        expect(row.verdict != Verdict::Impossible, PROMISE, || {
            format!("{}: {}", row.topic.as_str(), row.reason)
        })?;
    }
    Ok(())
}

fn addresses_are_hosts_that_exist(target: &dyn Target) -> Held {
    const PROMISE: &str = "addresses are hosts that can exist, also for the longest names";
    for project in ["shop".to_owned(), "p".repeat(63), "a-".repeat(31) + "b"] {
        let mut bound = sample_on(target);
        bound.project = Name::from_any(&project, "shop");
        let addresses = target.addresses(&bound);
        let mut seen = BTreeSet::new();
        for (service, address) in &addresses {
            let on = bound.targets.get(service).is_some_and(|on| *on.as_str() == *target.descriptor().name);
            expect(on, PROMISE, || format!("`{service}` is not on this target"))?;
            let Some(url) = &address.url else { continue };
            let host = url.split("://").nth(1).unwrap_or_default().split(':').next().unwrap_or_default();
            let label = |label: &str| {
                !label.is_empty() && label.len() <= 63 && !label.ends_with('-') && !label.starts_with('-')
            };
            expect(host.split('.').all(label) && !url.ends_with('/'), PROMISE, || url.clone())?;
            expect(seen.insert(url.clone()), PROMISE, || format!("two services have {url}"))?;
        }
    }
    Ok(())
}

fn reports_say_why_and_where(target: &dyn Target) -> Held {
    const PROMISE: &str = "each row of the report says why, with the vendor's page";
    let mut bound = sample_on(target);
    bound.region = Some("nowhere-1".to_owned());
    if let Some(api) = bound.services.get_mut("api") {
        api.command = Some(vec!["run".to_owned()]);
        api.replicas = 2;
    }
    for row in with_desk(target, &bound, None, |desk| target.portability(desk)) {
        let said = !row.reason.is_empty() && !row.reason.ends_with('.') && !row.reason.contains('\n');
        expect(said, PROMISE, || format!("{}: {:?}", row.topic.as_str(), row.reason))?;
        expect(row.page.starts_with("https://"), PROMISE, || {
            format!("{}: {}", row.topic.as_str(), row.page)
        })?;
        let placed = row.key.starts_with("services.")
            || row.key.starts_with("environments.")
            || row.key.starts_with("volumes.");
        expect(placed, PROMISE, || format!("{}: {}", row.topic.as_str(), row.key))?;
    }
    Ok(())
}

fn files_have_places_of_their_own(target: &dyn Target) -> Held {
    const PROMISE: &str = "each file has a place of its own inside the project, and a template";
    let Manifests { files, findings } = manifests(target, &sample_on(target), None);
    expect(findings.is_empty(), PROMISE, || format!("{findings:?}"))?;
    let mut paths = BTreeSet::new();
    for file in &files {
        let inside =
            !file.path.starts_with('/') && !file.path.split('/').any(|part| part.is_empty() || part == "..");
        expect(inside && paths.insert(&file.path), PROMISE, || file.path.clone())?;
        let known = target.templates().iter().any(|(name, _)| *name == file.template);
        expect(known, PROMISE, || format!("{} is no template", file.template))?;
        let one_line = file.head.iter().all(|line| !line.contains(['\n', '\r']));
        expect(one_line, PROMISE, || format!("{}: {:?}", file.path, file.head))?;
    }
    for (name, _) in target.templates() {
        let own = name.starts_with(&format!("{}/", target.descriptor().name)) && name.ends_with(".j2");
        expect(own, PROMISE, || format!("the template {name} does not bear the target's name"))?;
    }
    Ok(())
}

fn environments_do_not_share_files(target: &dyn Target) -> Held {
    const PROMISE: &str = "two environments never write one file differently";
    let bound = sample_on(target);
    let mut staging = bound.clone();
    staging.environment = Name::from_any("staging", "staging");
    let other = manifests(target, &staging, Some("staging")).files;
    for file in manifests(target, &bound, None).files {
        let same = other.iter().find(|other| other.path == file.path && **other != file);
        expect(same.is_none(), PROMISE, || file.path.clone())?;
    }
    Ok(())
}

fn same_input_gives_the_same(target: &dyn Target) -> Held {
    const PROMISE: &str = "the same project gives the same files and the same report";
    let bound = sample_on(target);
    let again = bound.clone();
    let same = manifests(target, &bound, None) == manifests(target, &again, None);
    expect(same, PROMISE, || "files differ".to_owned())?;
    let report = |bound: &Bound| with_desk(target, bound, None, |desk| target.portability(desk));
    expect(report(&bound) == report(&again), PROMISE, || "reports differ".to_owned())
}

fn unknown_options_are_found(target: &dyn Target) -> Held {
    const PROMISE: &str = "an option that the target does not have is an error";
    let mut bound = sample_on(target);
    let service = bound.services_on(&target.descriptor().name).next().map(|service| service.name.clone());
    let Some(service) = service else { return Ok(()) };
    bound.options.entry(service).or_default().insert("no_such_option".to_owned(), "1".to_owned());
    let found = target.descriptor().check_options(&bound);
    expect(found.iter().any(|finding| finding.code == "unknown-option"), PROMISE, || format!("{found:?}"))
}
