//! What the tests of proposals, standings and their forms work on: an API with data on one target, its page on another.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::conformance::{CANARY, sample};
use dashdeploy_contract::{
    Action, Address, Change, FieldChange, GitSource, Health, ImageId, KeptSecret, Name, Observed, Plan,
    Release, Requirement, Resource, Risk, ServiceAddress, Smoke, Text, Wiring,
};
use serde_json::json;

use super::{Proposal, ProposalInput};

/// A name.
pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// What a proposal is made of, owned.
pub(crate) struct Sample {
    pub(crate) release: Release,
    pub(crate) former: Option<Release>,
    pub(crate) plan: Plan,
    pub(crate) observed: Observed,
    pub(crate) predicted: Wiring,
    pub(crate) titles: BTreeMap<String, String>,
    pub(crate) kept: Vec<KeptSecret>,
    pub(crate) builds: BTreeSet<Name>,
    pub(crate) warnings: Vec<String>,
}

impl Sample {
    /// The proposal.
    pub(crate) fn proposal(&self) -> Proposal {
        Proposal::of(&ProposalInput {
            release: &self.release,
            plan: &self.plan,
            observed: &self.observed,
            former: self.former.as_ref(),
            predicted: &self.predicted,
            titles: &self.titles,
            kept: &self.kept,
            builds: &self.builds,
            warnings: &self.warnings,
        })
    }
}

/// A second release: another image of the API, a volume that goes, a page that is new.
pub(crate) fn second() -> Sample {
    let release = release(8);
    let mut former = release.clone();
    former.number = Some(7);
    former.images[&name("api")].id = ImageId(format!("sha256:{}", "a".repeat(64)));
    former.secrets[&name("api")].insert("SMTP_USER".to_owned(), "11111111".to_owned());
    let mut predicted = release.wiring.clone();
    predicted.services[&name("web")].url = None;
    Sample {
        kept: vec![KeptSecret {
            service: name("api"),
            variable: "SENTRY_DSN".to_owned(),
            fingerprint: None,
            in_use: true,
        }],
        former: Some(former),
        plan: plan(),
        observed: observed(&release),
        predicted,
        titles: [("fly", "Fly.io"), ("render", "Render")]
            .map(|(name, title)| (name.to_owned(), title.to_owned()))
            .into(),
        builds: [name("api"), name("web")].into(),
        warnings: Vec::new(),
        release,
    }
}

/// The same release where it was deployed already.
pub(crate) fn settled() -> Sample {
    let mut sample = second();
    sample.former = Some(sample.release.clone());
    let unchanged = sample.plan.changes.iter().filter(|change| change.address.target() != "push");
    let unchanged = unchanged.map(|change| change.address.clone()).collect();
    sample.plan = Plan { changes: Vec::new(), unchanged };
    sample
}

pub(crate) fn release(number: u32) -> Release {
    let mut release = sample("fly");
    let (api, web) = (name("api"), name("web"));
    let bound = &mut release.bound;
    bound.environment = name("production");
    bound.region = Some("iad".to_owned());
    bound.targets.insert(web.clone(), name("render"));
    let text = |text: &str| Text::parse(text).unwrap();
    bound.services[&web].env.insert("VITE_API_BASE_URL".to_owned(), text("${services.api.url}"));
    bound.services[&web].proxy.clear();
    bound.services[&api].env.insert("CORS_ORIGINS".to_owned(), text("${services.web.origin}"));
    for variable in ["SMTP_USER", "SENTRY_DSN", "UNUSED"] {
        bound.services[&api].secrets.insert(variable.to_owned(), Requirement::Optional);
    }
    bound.smoke = vec![
        Smoke { service: api.clone(), path: "/api/health".to_owned(), status: 200, contains: None },
        Smoke {
            service: web.clone(),
            path: "/".to_owned(),
            status: 200,
            contains: Some("<div id=\"root\">".to_owned()),
        },
    ];
    release.wiring.same_origin.clear();
    let at = |url: &str| ServiceAddress { url: Some(url.to_owned()), host: None, port: None };
    release.wiring.services =
        [(api.clone(), at("https://shop-api.fly.dev")), (web, at("https://shop-web-x1y2.onrender.com"))]
            .into();
    release.secrets[&api].insert("SMTP_USER".to_owned(), "22222222".to_owned());
    release.number = Some(number);
    release.git = Some(GitSource {
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        branch: Some("main".to_owned()),
        remote: None,
        dirty: false,
    });
    release
}

fn change(address: (&str, &str, &str), action: Action, service: Option<&str>, reason: &str) -> Change {
    let (target, kind, thing) = address;
    let payload = json!({ "env": { "API_KEY": format!("{CANARY}-payload") } });
    Change {
        service: service.map(name),
        ..Change::new(Address::new(target, kind, thing), action, reason, payload)
    }
}

fn field(field: &str, from: Option<&str>, to: Option<&str>) -> FieldChange {
    FieldChange { field: field.to_owned(), from: from.map(str::to_owned), to: to.map(str::to_owned) }
}

fn machine(push: &Address) -> Change {
    Change {
        fields: vec![
            field(
                "image",
                Some(&format!("sha256:{}", "a".repeat(64))),
                Some(&format!("sha256:{}", "1".repeat(64))),
            ),
            field("env.LOG_LEVEL", Some("info"), Some("debug")),
            field("env.CORS_ORIGINS", None, Some("https://shop-web-x1y2.onrender.com")),
            field("secret.SMTP_USER", Some("11111111"), Some("22222222")),
        ],
        risk: Risk::InterruptsTraffic,
        downtime: Some(10),
        takes_image: true,
        gated: true,
        needs: vec![push.clone()],
        ..change(("fly", "machine", "api"), Action::Replace, Some("api"), "the image and 3 variables changed")
    }
}

fn plan() -> Plan {
    let push = Change {
        needs: vec![Address::new("fly", "app", "shop-production-api")],
        ..change(("push", "image", "api"), Action::Run, Some("api"), "to registry.fly.io/shop-production-api")
    };
    let machine = machine(&push.address);
    let old = Change {
        risk: Risk::LosesData,
        needs: vec![machine.address.clone()],
        ..change(("fly", "volume", "cache"), Action::Delete, Some("api"), "no service mounts it any more")
    };
    let site = Change {
        billable: Some("1 web service of plan starter".to_owned()),
        gated: true,
        needs_healthy: vec![name("api")],
        ..change(("render", "service", "shop-production-web"), Action::Create, Some("web"), "not there yet")
    };
    let scale = Change {
        fields: vec![field("copies", Some("1"), Some("2"))],
        ..change(
            ("render", "scale", "shop-production-web"),
            Action::Update,
            Some("web"),
            "the number of copies changed",
        )
    };
    Plan {
        changes: vec![push, machine, old, site, scale],
        unchanged: vec![
            Address::new("fly", "app", "shop-production-api"),
            Address::new("fly", "volume", "data"),
        ],
    }
}

pub(crate) fn observed(release: &Release) -> Observed {
    let image = &release.images[&name("api")].id.0;
    let resource = |kind: &str, thing: &str, health: Option<Health>| Resource {
        address: Address::new("fly", kind, thing),
        id: format!("id-{thing}"),
        service: health.is_some().then(|| name("api")),
        owned: true,
        adoptable: false,
        health,
        facts: [("status".to_owned(), "started".to_owned()), ("image".to_owned(), image.clone())].into(),
        payload: json!({ "spec": { "image": image, "env": ["A", "B"] }, "canary": format!("{CANARY}-observed") }),
    };
    let mut observed = Observed {
        resources: vec![resource("machine", "api", Some(Health::Healthy)), resource("volume", "data", None)],
    };
    observed.resources[0].facts.insert("url".to_owned(), "https://shop-api.fly.dev".to_owned());
    observed
}

/// What must not break any form.
pub(crate) const HOSTILE: &str = "a|b `c` \"d\" 'e' <script>alert(1)</script> </pre>]]>--> \n\r| x | @all #1 $y$ \\ \u{202e}evil\u{1b}[31m\u{0} ```\n# h é&amp;";

/// The second release with everything hostile that can be.
pub(crate) fn hostile() -> Sample {
    let mut sample = second();
    sample.warnings.push(HOSTILE.to_owned());
    sample.titles =
        [("fly", HOSTILE), ("render", "Render")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    sample.release.bound.region = Some(HOSTILE.to_owned());
    for change in &mut sample.plan.changes {
        change.reason = HOSTILE.to_owned();
        change.fields.push(field(HOSTILE, Some(HOSTILE), Some(HOSTILE)));
        change.billable = Some(HOSTILE.to_owned());
    }
    sample.plan.changes.push(change(("fly", "thing", HOSTILE), Action::Create, None, HOSTILE));
    sample.release.bound.smoke[0].path = HOSTILE.to_owned();
    sample.release.wiring.services[&name("web")].url = Some(HOSTILE.to_owned());
    sample
}

/// A plan with very many changes of very many services.
pub(crate) fn huge(services: usize, each: usize) -> Sample {
    let mut sample = second();
    sample.plan.changes.clear();
    let mut last: Option<Address> = None;
    for service in 0..services {
        let service = format!("service-{service}");
        for at in 0..each {
            let mut change = change(
                ("fly", "machine", &format!("{service}-{at}")),
                Action::Create,
                Some(&service),
                "not there yet, since nobody has deployed it before",
            );
            change.fields = (0..5)
                .map(|n| field(&format!("env.VARIABLE_{n}"), None, Some("x".repeat(90).as_str())))
                .collect();
            change.needs.extend(last.replace(change.address.clone()));
            sample.plan.changes.push(change);
        }
    }
    sample
}
