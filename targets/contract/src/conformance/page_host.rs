//! The part of the suite for platforms that host pages and nothing else.
//!
//! Given: a [`Target`] made of a [`PageHost`]. Gives: the promises that were broken.

use super::{Broken, Held, expect, sample_on, wired};
use crate::{Bound, Desk, Name, Options, PageHost, Target, Text, Topic, Verdict};

/// Runs this part of the suite; empty where every promise is kept.
pub fn page_host(target: &dyn Target, host: &PageHost) -> Vec<Broken> {
    let suite: [fn(&dyn Target, &PageHost) -> Held; 5] = [
        names_say_whose_it_is,
        unfit_names_are_found,
        containers_are_refused,
        folders_are_not_shared,
        paths_need_addresses,
    ];
    suite.iter().filter_map(|check| check(target, host).err()).collect()
}

fn name(text: &str) -> Name {
    Name::from_any(text, "shop")
}

fn codes(target: &dyn Target, bound: &Bound) -> Vec<String> {
    let options = target.descriptor().check_options(bound);
    target.check(bound).iter().chain(&options).map(|finding| finding.code.to_string()).collect()
}

fn named(target: &dyn Target, host: &PageHost, word: &str) -> Bound {
    let mut bound = sample_on(target);
    bound.options.insert(name("web"), Options::from([(host.unit.to_owned(), word.to_owned())]));
    bound
}

fn names_say_whose_it_is(target: &dyn Target, host: &PageHost) -> Held {
    const PROMISE: &str = "a page is named after project, environment and service, or as the option says";
    let mut bound = sample_on(target);
    let is = |bound: &Bound, word: &str| {
        let found = target.addresses(bound).get("web").and_then(|address| address.url.clone());
        let wanted = Some(format!("https://{word}.{}", host.domain));
        expect(found == wanted, PROMISE, || format!("{found:?} is not {wanted:?}"))
    };
    is(&bound, "shop-web")?;
    is(&named(target, host, "mine"), "mine")?;
    bound.environment = name("staging");
    is(&bound, "shop-staging-web")
}

fn unfit_names_are_found(target: &dyn Target, host: &PageHost) -> Held {
    const PROMISE: &str = "a name that cannot be one is found";
    let good = codes(target, &named(target, host, "mine"));
    expect(good.is_empty(), PROMISE, || format!("`mine`: {good:?}"))?;
    let long = "x".repeat(64);
    for bad in ["Mine", "-x", "x-", "a.b", "a b", &long].into_iter().chain(host.forbidden) {
        let found = codes(target, &named(target, host, bad));
        expect(found == ["invalid-option"], PROMISE, || format!("`{bad}`: {found:?}"))?;
    }
    Ok(())
}

fn containers_are_refused(target: &dyn Target, host: &PageHost) -> Held {
    const PROMISE: &str = "a container is refused, and nothing of it is carried";
    let mut bound = sample_on(target);
    bound.targets.insert(name("api"), name(host.target));
    let found = codes(target, &bound);
    expect(found == ["not-hosted"], PROMISE, || format!("{found:?}"))?;
    let wiring = wired(target, &bound);
    let rows = target.portability(&Desk { bound: &bound, wiring: &wiring, suffix: None });
    let carried = rows.iter().find(|row| row.service.as_str() == "api" && row.verdict != Verdict::Impossible);
    expect(carried.is_none(), PROMISE, || format!("{carried:?}"))
}

fn folders_are_not_shared(target: &dyn Target, host: &PageHost) -> Held {
    const PROMISE: &str = "two pages of one folder are found";
    let mut bound = sample_on(target);
    let docs = bound.services.get("web").cloned().map(|web| crate::Service { name: name("docs"), ..web });
    bound.targets.insert(name("docs"), name(host.target));
    bound.services.extend(docs.map(|docs| (name("docs"), docs)));
    let found = codes(target, &bound);
    expect(found == ["same-folder"], PROMISE, || format!("{found:?}"))
}

fn paths_need_addresses(target: &dyn Target, _: &PageHost) -> Held {
    const PROMISE: &str = "a path is handed on only to a known https address";
    let mut bound = sample_on(target);
    let seen = |bound: &Bound| {
        let wiring = wired(target, bound);
        let desk = Desk { bound, wiring: &wiring, suffix: None };
        let row = target.portability(&desk).into_iter().find(|row| row.topic == Topic::Proxy);
        let routed = bound.services.get("web").is_some_and(|web| target.routes(&desk, web));
        (routed, row.map(|row| (row.verdict, row.hint.unwrap_or_default())))
    };
    let (routed, row) = seen(&bound);
    let told = row.as_ref().is_some_and(|(verdict, hint)| {
        *verdict == Verdict::Approximated && hint.contains("services.api.domain")
    });
    expect(!routed && told, PROMISE, || format!("unknown: {row:?}"))?;
    if let Some(web) = bound.services.get_mut("web") {
        web.env.clear();
        web.env.insert("OTHER".to_owned(), Text::literal("x"));
    }
    let (_, row) = seen(&bound);
    let said = row.as_ref().is_some_and(|(verdict, _)| *verdict == Verdict::Impossible);
    expect(said, PROMISE, || format!("the page is not told: {row:?}"))?;
    bound.domains.insert(name("api"), "api.example.com".to_owned());
    let (routed, row) = seen(&bound);
    expect(routed, PROMISE, || format!("known: {row:?}"))
}
