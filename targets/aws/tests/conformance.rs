//! The contract's suite, and what AWS makes of projects that are not ordinary.

use dashdeploy_contract::conformance::{paper, sample};
use dashdeploy_contract::{
    Bound, Desk, Finding, Manifests, Name, Publish, Requirement, Resources, Target, Text, Topic, Verdict,
    Wiring,
};

use super::{AwsTarget, target};

#[test]
fn every_promise_is_kept() {
    let broken = paper(&target());
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The sample project in production on AWS.
fn bound() -> Bound {
    let mut bound = sample("aws").bound;
    bound.environment = Name::from_any("production", "production");
    bound
}

fn on_desk<T>(bound: &Bound, ask: impl FnOnce(&AwsTarget, &Desk) -> T) -> T {
    let target = target();
    let wiring = Wiring::of(bound, &|name| (name == "aws").then_some(&target as &dyn Target));
    ask(&target, &Desk { bound, wiring: &wiring, suffix: None })
}

fn manifests(bound: &Bound) -> Manifests {
    on_desk(bound, |target, desk| target.manifests(desk))
}

fn option(bound: &mut Bound, service: &str, name: &str, value: &str) {
    let service = Name::from_any(service, "api");
    bound.options.entry(service).or_default().insert(name.to_owned(), value.to_owned());
}

fn domain(bound: &mut Bound, service: &str, domain: &str) {
    bound.domains.insert(Name::from_any(service, "api"), domain.to_owned());
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_ref()).collect()
}

fn found(change: impl FnOnce(&mut Bound)) -> Vec<Finding> {
    let mut bound = bound();
    change(&mut bound);
    target().check(&bound)
}

#[test]
fn regions_are_of_the_usual_partition_and_one_for_all() {
    assert!(found(|bound| bound.region = Some("eu-central-1".to_owned())).is_empty());
    for (region, severity) in
        [("fra", "error"), ("cn-north-1", "error"), ("eu-west-9", "warning"), ("eu_west_1", "error")]
    {
        let findings = found(|bound| bound.region = Some(region.to_owned()));
        assert_eq!(codes(&findings), ["aws-region"], "{region}");
        assert_eq!(format!("{:?}", findings[0].severity).to_lowercase(), severity, "{region}");
        assert!(findings[0].hint.is_some() && findings[0].key == "environments.production.region");
    }
    let findings = found(|bound| {
        bound.regions.insert(Name::from_any("web", "web"), "eu-west-1".to_owned());
        bound.regions.insert(Name::from_any("api", "api"), "eu-west-2".to_owned());
    });
    assert_eq!(codes(&findings), ["aws-regions"]);
}

#[test]
fn what_fargate_does_not_sell_is_refused() {
    let findings =
        found(|bound| bound.services["api"].resources = Resources { memory: 1 << 40, cpu_millis: 250 });
    assert_eq!(codes(&findings), ["aws-size"]);
}

#[test]
fn values_that_cloudformation_would_replace_are_refused() {
    for text in ["{{resolve:ssm:x}}", "a {{resolve:secretsmanager:b}} c"] {
        let findings = found(|bound| {
            bound.services["api"].env.insert("X".to_owned(), Text::literal(text));
        });
        assert_eq!(codes(&findings), ["value-not-carried"], "{text}");
        assert_eq!(findings[0].key, "services.api.env.X");
    }
    let command = found(|bound| bound.services["api"].command = Some(vec!["{{resolve:ssm:x}}".to_owned()]));
    assert_eq!(codes(&command), ["value-not-carried"]);
    assert!(
        found(|bound| {
            bound.services["api"].env.insert("X".to_owned(), Text::literal("{{7*7}} {{ resolve:x }}"));
        })
        .is_empty()
    );
}

#[test]
fn no_two_things_of_a_stack_have_one_id() {
    let mut bound = bound();
    let api = bound.services["api"].clone();
    // `a` + `B_C` and `a-b` + `C`, `IMAGE` beside the image, a page named as a thing of the stack.
    for (name, secrets) in [("a", ["B_C", "IMAGE"]), ("a-b", ["C", "B__C"]), ("a-b-forward", ["X", "Y"])] {
        let mut service = api.clone();
        service.name = Name::from_any(name, "x");
        service.secrets = secrets.iter().map(|name| ((*name).to_owned(), Requirement::Optional)).collect();
        bound.targets.insert(service.name.clone(), Name::from_any("aws", "aws"));
        bound.services.insert(service.name.clone(), service);
    }
    assert!(target().check(&bound).is_empty());
    let files = manifests(&bound);
    let parameters = context(&files, "services.yaml")["parameters"].as_array().unwrap();
    let mut ids: Vec<&str> = parameters.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 10);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10, "{ids:?}");
}

#[test]
fn certificates_are_looked_at_for_their_region() {
    let arn = |region: &str| format!("arn:aws:acm:{region}:123456789012:certificate/1234-abcd");
    let with = |service: &'static str, arn: String, edge: &'static str| {
        found(|bound| {
            bound.region = Some("eu-central-1".to_owned());
            domain(bound, service, "x.example.com");
            option(bound, service, "certificate", &arn);
            option(bound, service, "edge", edge);
        })
    };
    assert!(with("web", arn("us-east-1"), "cloudfront").is_empty());
    assert_eq!(codes(&with("web", arn("eu-central-1"), "cloudfront")), ["aws-certificate"]);
    assert!(with("api", arn("eu-central-1"), "alb").is_empty());
    assert_eq!(codes(&with("api", arn("us-east-1"), "alb")), ["aws-certificate"]);
    for bad in ["x", "arn:aws:acm:us-east-1:12:certificate/x", "arn:aws:iam::123456789012:role/x"] {
        assert_eq!(codes(&with("web", bad.to_owned(), "cloudfront")), ["invalid-option"], "{bad}");
    }
}

#[test]
fn a_load_balancer_never_speaks_plain_http_to_the_world() {
    let findings = found(|bound| option(bound, "api", "edge", "alb"));
    assert_eq!(codes(&findings), ["aws-edge"]);
    assert!(findings[0].message.contains("`domain`"), "{}", findings[0].message);
    let mut refused = bound();
    option(&mut refused, "api", "edge", "alb");
    let files = manifests(&refused);
    assert!(files.files.is_empty() && codes(&files.findings) == ["aws-edge"]);
    let findings = found(|bound| {
        option(bound, "api", "edge", "alb");
        domain(bound, "api", "api.example.com");
    });
    assert!(findings[0].message.contains("`certificate`"), "{}", findings[0].message);
}

#[test]
fn zones_hold_the_domain() {
    let with = |zone: &'static str| {
        found(|bound| {
            domain(bound, "web", "www.example.com");
            option(bound, "web", "zone", zone);
        })
    };
    for good in ["example.com", "example.com.", "www.example.com", "Z0123ABC"] {
        assert!(with(good).is_empty(), "{good}");
    }
    assert_eq!(codes(&with("ample.com")), ["aws-zone"]);
    assert_eq!(codes(&with("a b")), ["invalid-option"]);
}

#[test]
fn headers_that_cloudfront_cannot_set_are_refused() {
    let with = |name: &'static str, value: &'static str| {
        found(|bound| {
            bound.services["web"].headers.insert(name.to_owned(), value.to_owned());
        })
    };
    for (name, value) in [
        ("X-Frame-Options", "sameorigin"),
        ("Strict-Transport-Security", "max-age=60; includeSubDomains"),
        ("Referrer-Policy", ""),
        ("X-Own", "x"),
    ] {
        assert!(with(name, value).is_empty(), "{name}");
    }
    for (name, value) in [
        ("X-Frame-Options", "ALLOW-FROM x"),
        ("Strict-Transport-Security", "forever"),
        ("Referrer-Policy", "no"),
        ("X-Content-Type-Options", "sniff"),
        ("X-XSS-Protection", "0"),
    ] {
        assert_eq!(codes(&with(name, value)), ["aws-headers"], "{name}");
    }
    let many = found(|bound| {
        for at in 0..10 {
            bound.services["web"].headers.insert(format!("X-H{at}"), "x".to_owned());
        }
    });
    assert_eq!(codes(&many), ["aws-headers"]);
}

fn context<'a>(manifests: &'a Manifests, file: &str) -> &'a serde_json::Value {
    &manifests.files.iter().find(|one| one.path == format!("deploy/aws/{file}")).unwrap().context
}

#[test]
fn only_what_is_needed_is_made() {
    // A page alone has no network.
    let mut alone = bound();
    alone.services.shift_remove("api");
    alone.services["web"].proxy.clear();
    let files = manifests(&alone);
    let paths: Vec<&str> = files.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["deploy/aws/core.yaml", "deploy/aws/cdn.yaml"]);
    assert_eq!(context(&files, "core.yaml")["network"], false);
    // A service that nobody reaches has no load balancer, and nothing answers for it.
    let mut worker = bound();
    worker.services.shift_remove("web");
    worker.services["api"].port = None;
    worker.services["api"].publish = Publish::No;
    let files = manifests(&worker);
    let paths: Vec<&str> = files.files.iter().map(|file| file.path.as_str()).collect();
    let wanted = ["deploy/aws/core.yaml", "deploy/aws/services.yaml", "deploy/aws/api.task-definition.yaml"];
    assert_eq!(paths, wanted);
    assert_eq!(context(&files, "core.yaml")["balancer"], false);
}

#[test]
fn a_service_behind_a_page_has_no_distribution_of_its_own_unless_it_is_called_by_name() {
    let names = |bound: &Bound| -> Vec<String> {
        let files = manifests(bound);
        let all = context(&files, "cdn.yaml")["distributions"].as_array().unwrap().clone();
        all.iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&bound()), ["web"]);
    let mut apart = bound();
    apart.services["web"].proxy.clear();
    assert_eq!(names(&apart), ["web", "api"]);
    let mut owned = bound();
    domain(&mut owned, "api", "api.example.com");
    assert_eq!(names(&owned), ["web", "api"]);
}

#[test]
fn a_single_writer_is_stopped_first() {
    let single = |bound: &Bound| context(&manifests(bound), "services.yaml")["services"][0]["single"].clone();
    assert_eq!(single(&bound()), true);
    let mut many = bound();
    many.volumes["data"].writers = dashdeploy_contract::Writers::Many;
    assert_eq!(single(&many), false);
    let rows = |bound: &Bound| on_desk(bound, |target, desk| target.portability(desk));
    let verdict = |bound: &Bound| {
        let rows = rows(bound);
        rows.iter()
            .find(|row| row.topic == Topic::ZeroDowntime && row.service.as_str() == "api")
            .unwrap()
            .verdict
    };
    assert_eq!(verdict(&bound()), Verdict::Approximated);
    assert_eq!(verdict(&many), Verdict::Exact);
}

#[test]
fn the_policy_of_a_page_names_what_it_calls_though_nobody_knows_it_yet() {
    let mut apart = bound();
    apart.services["web"].proxy.clear();
    let url = Text::parse("${services.api.url}").unwrap();
    apart.services["web"].env.insert("VITE_API".to_owned(), url);
    let files = manifests(&apart);
    let policy = &context(&files, "cdn.yaml")["pages"][0]["security"]["content"]["parts"];
    let parts = policy.as_array().unwrap();
    assert!(parts.iter().any(|part| part["attribute"] == "ApiDistribution.DomainName"), "{policy}");
    assert!(parts[0]["text"].as_str().unwrap().ends_with("connect-src 'self' https://"), "{policy}");
    let head = files.files.iter().find(|file| file.path == "deploy/aws/cdn.yaml").unwrap().head.join("\n");
    assert!(head.contains("export VITE_API=\"$(aws cloudformation describe-stacks"), "{head}");
    assert!(head.contains("OutputKey=='ApiUrl'"), "{head}");
}

#[test]
fn the_rules_of_pages_are_those_of_every_platform() {
    use dashdeploy_contract::page;
    let template = super::manifests::TEMPLATES[1].1;
    assert!(template.contains(&format!("const FILE = /{}/;", page::FILE_PATTERN)));
    let head = manifests(&bound()).files[1].head.join("\n");
    assert!(head.contains(page::CACHE_ASSETS) && head.contains(page::CACHE_PAGES), "{head}");
}
