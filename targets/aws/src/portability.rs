//! What of a project AWS carries.
//!
//! Given: an environment as it is laid out. Gives: an answer for each topic, with the page of AWS's documentation.

use dashdeploy_contract::{
    Answer, HealthCheck, Part, Portability, Publish, Service, ServiceKind, Source, Topic, page,
};

use crate::TARGET;
use crate::fargate::{self, Size};
use crate::layout::{Edge, Layout};

const ECS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/";
const CLOUDFRONT: &str = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/";

fn ecs(page: &str) -> String {
    format!("{ECS}{page}.html")
}

fn cloudfront(page: &str) -> String {
    format!("{CLOUDFRONT}{page}.html")
}

/// The report.
pub(crate) fn report(layout: &Layout) -> Vec<Portability> {
    Portability::report(layout.desk.bound, TARGET, &|service, topic| match service.kind() {
        ServiceKind::Static => of_page(layout, service, topic),
        ServiceKind::Web => of_container(layout, service, topic),
    })
}

fn of_container(layout: &Layout, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting if !service.is_generated() && service.health == HealthCheck::None => Answer::approximated(
            "ECS runs its image on Fargate, and does not read the health check that the image has",
            &ecs("healthcheck"),
        )
        .hint("write it as `health: { command: [...] }`"),
        Topic::Hosting => Answer::exact("ECS runs its image on Fargate", &ecs("AWS_Fargate")),
        Topic::Size => size(service),
        Topic::Image => image(layout, service),
        Topic::Port => port(layout, service),
        Topic::Health => health(layout, service),
        Topic::Command => {
            Answer::exact("the task definition starts the container with it", &ecs("task_definition_parameters"))
        }
        Topic::Variables => variables(layout, service),
        Topic::Secrets => secrets(layout, service),
        Topic::Volumes => volumes(layout, service),
        Topic::Locks => Answer::approximated(
            "EFS keeps the locks of NFS 4, which SQLite's rollback journal needs; its write-ahead log (WAL) needs shared \
             memory, which no network file system has",
            "https://docs.aws.amazon.com/efs/latest/ug/features.html",
        )
        .hint("leave SQLite's `journal_mode` at its default"),
        Topic::Replicas => Answer::exact("ECS keeps so many tasks, in two zones", &ecs("ecs_services")),
        Topic::Order => Answer::approximated(
            "when first made, a service waits until those it needs are steady; later ECS starts each by itself",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",
        ),
        Topic::ReadOnly => Answer::exact(
            "the root file system is mounted read-only, /tmp is in memory; `aws ecs execute-command` needs a writable one",
            &ecs("task_definition_parameters"),
        ),
        shared => of_any(layout, service, shared),
    }
}

fn of_page(layout: &Layout, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Hosting if service.is_spa() => Answer::exact(
            "a private bucket of S3 behind CloudFront",
            &cloudfront("private-content-restricting-access-to-s3"),
        ),
        Topic::Hosting => Answer::approximated(
            "CloudFront asks S3 for one file: a path that ends in / stands for its index.html, one without an ending for \
             the file with .html",
            &cloudfront("example_cloudfront_functions_url_rewrite_single_page_apps_section"),
        ),
        Topic::BuildVariables => build_variables(layout, service),
        Topic::Proxy => proxy(layout, service),
        Topic::Fallback => Answer::exact(
            "a function of CloudFront answers with the page where a path names no file, and leaves services alone",
            &cloudfront("example_cloudfront_functions_url_rewrite_single_page_apps_section"),
        ),
        Topic::Headers => headers(layout, service),
        Topic::Caching => Answer::exact(
            "each file is sent with its `Cache-Control`, which CloudFront and browsers obey",
            &cloudfront("Expiration"),
        ),
        Topic::Upload => Answer::exact(
            "the built files are sent to the bucket",
            "https://docs.aws.amazon.com/cli/latest/reference/s3/sync.html",
        ),
        shared => of_any(layout, service, shared),
    }
}

fn of_any(layout: &Layout, service: &Service, topic: Topic) -> Answer {
    match topic {
        Topic::Name => name(layout, service),
        Topic::Region => Answer::exact(
            "all of it is in this region, CloudFront's edges aside",
            "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
        ),
        Topic::Domain => domain(layout, service),
        Topic::ZeroDowntime => downtime(layout, service),
        Topic::Logs => logs(layout, service),
        _ => address(layout, service),
    }
}

fn name(layout: &Layout, service: &Service) -> Answer {
    if service.kind() == ServiceKind::Static {
        return Answer::exact(
            "the bucket bears its name, with the account's number and the region",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
        );
    }
    if layout.internal().iter().any(|other| other.name == service.name) {
        let host = layout.names.host(&service.name);
        let reason = format!(
            "other services reach it as `{host}`: a name of its own network, for ten seconds the same"
        );
        return Answer::approximated(reason, &ecs("service-discovery"));
    }
    Answer::exact("the ECS service bears its name", &ecs("ecs_services"))
}

fn size(service: &Service) -> Answer {
    let Some(size) = Size::of(service.resources) else {
        return Answer::impossible("Fargate sells no task so large", fargate::PAGE)
            .hint("at most 16 processors and 120 GB");
    };
    if size.is(service.resources) {
        return Answer::exact(format!("the task has {}", size.words()), fargate::PAGE);
    }
    let reason = format!("Fargate sells fixed sizes: the task has {}, and is paid for so", size.words());
    Answer::approximated(reason, fargate::PAGE).hint("the smallest is `cpus: 0.25` with `memory: 512Mi`")
}

fn image(layout: &Layout, service: &Service) -> Answer {
    let private = ecs("private-auth");
    match (&service.source, layout.option(service, "registry_credentials")) {
        (Source::Build(_), _) if layout.has_repository(service) => Answer::exact(
            "it is pushed to a repository in ECR of its own, and run by its digest",
            "https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_ECS.html",
        ),
        (_, Some(_)) => Answer::exact("ECS pulls it with the login in the secret", &private),
        _ => Answer::approximated("ECS pulls it without a login: it has to be public, or in ECR", &private)
            .hint("name a secret with the login by the option `registry_credentials`"),
    }
}

fn port(layout: &Layout, service: &Service) -> Answer {
    if layout.is_behind_cloudfront(service) && layout.is_balanced(service) {
        return Answer::approximated(
            "requests come by CloudFront and the load balancer, which says `X-Forwarded-Proto: http` of them; redirects that \
             the service writes with `http://` are sent on with `https://`",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html",
        );
    }
    if layout.is_balanced(service) {
        return Answer::exact("the load balancer hands requests on to it", &ecs("service-load-balancing"));
    }
    Answer::exact("the network lets nobody in but services that name it", &ecs("task-networking"))
}

fn health(layout: &Layout, service: &Service) -> Answer {
    let page = ecs("healthcheck");
    if layout.is_balanced(service) {
        return Answer::exact(
            "both the load balancer and ECS inside the task check it, every 15 and 10 seconds",
            &page,
        );
    }
    Answer::exact("ECS checks it inside the task, every 10 seconds", &page)
}

fn variables(layout: &Layout, service: &Service) -> Answer {
    let page = ecs("taskdef-envfiles");
    let given = service
        .env
        .values()
        .flat_map(|text| &text.parts)
        .any(|part| matches!(part, Part::Reference(dashdeploy_contract::Reference::Environment(_))));
    if given || super::manifests::has_unknown(layout) {
        return Answer::exact("values that are not known beforehand are parameters of the stack", &page);
    }
    Answer::exact("they are the container's environment", &page)
}

fn secrets(layout: &Layout, service: &Service) -> Answer {
    let page = ecs("secrets-envvar-secrets-manager");
    let name =
        service.secrets.keys().next().map(|variable| layout.names.secret(variable)).unwrap_or_default();
    let reason = format!(
        "Secrets Manager keeps them under names such as `{name}`; a new value counts from the next deploy"
    );
    Answer::exact(reason, &page)
}

fn volumes(layout: &Layout, service: &Service) -> Answer {
    let page = ecs("efs-volumes");
    let seeded = service.build().is_some_and(|build| {
        build.links.values().any(|end| service.volumes.values().any(|path| path == end))
    });
    if !service.is_generated() {
        let reason = "a folder of EFS in which all files belong to user 10001: an image that changes their owner fails";
        return Answer::approximated(reason, &page);
    }
    if seeded {
        let reason = "a folder of EFS; it begins empty, without the files that the image has there";
        return Answer::approximated(reason, &page).hint("copy them once, by a task of their own");
    }
    let sized =
        service.volumes.keys().find(|v| layout.desk.bound.volumes.get(*v).is_some_and(|v| v.size.is_some()));
    match sized {
        Some(volume) => {
            let reason =
                format!("a folder of EFS, which grows as needed: the size of `{volume}` is not limited");
            Answer::approximated(reason, &page).at(format!("volumes.{volume}.size"))
        }
        None => Answer::exact("a folder of EFS, encrypted and backed up daily", &page),
    }
}

fn address(layout: &Layout, service: &Service) -> Answer {
    let page = cloudfront("distribution-web-values-returned");
    if layout.domain(service).is_some() {
        return Answer::exact("the domain is its address", &cloudfront("CNAMEs"));
    }
    match (service.kind(), layout.edge(service)) {
        (ServiceKind::Static, _) | (_, Edge::CloudFront) => Answer::approximated(
            "CloudFront assigns it (`d….cloudfront.net`) when it is first made; others find it by the stack's export",
            &page,
        )
        .hint("give it a `domain`"),
        (_, Edge::Balancer) => Answer::impossible("the load balancer has no HTTPS without a domain", &page)
            .hint("give it a `domain` and the option `certificate`"),
        (_, Edge::None) if service.publish == Publish::No && !layout.is_proxied(service) => {
            Answer::exact("nothing outside the network reaches it", &ecs("task-networking"))
        }
        (_, Edge::None) => Answer::exact("the page's address, below the paths that it hands on", &page),
    }
}

fn domain(layout: &Layout, service: &Service) -> Answer {
    let balanced = service.kind() == ServiceKind::Web && layout.edge(service) == Edge::Balancer;
    let (who, page) = if balanced {
        let page =
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/create-https-listener.html";
        ("the load balancer", page.to_owned())
    } else {
        ("CloudFront", cloudfront("CNAMEs"))
    };
    let certificate = layout.option(service, "certificate").is_some();
    match (certificate, layout.option(service, "zone")) {
        (true, Some(_)) => {
            Answer::exact(format!("{who} answers for it, and Route 53 has its records"), &page)
        }
        (true, None) => {
            Answer::approximated(format!("{who} answers for it; its record is to be made by hand"), &page)
                .hint("name the hosted zone by the option `zone`")
        }
        (false, _) => Answer::approximated(
            format!("{who} answers for it with a certificate that is to be requested by hand"),
            &page,
        )
        .hint("name its ARN by the option `certificate`"),
    }
}

fn downtime(layout: &Layout, service: &Service) -> Answer {
    if service.kind() == ServiceKind::Static {
        return Answer::exact(
            "files with a hash in their name stay, so that open pages find theirs",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel",
        );
    }
    let page = ecs("deployment-type-ecs");
    if layout.is_single(service) {
        let reason = "a volume with a single writer: the former task stops before the new one starts, which takes one or \
                      two minutes without answers";
        return Answer::approximated(reason, &page)
            .hint("`writers: many` where the application can bear two at once");
    }
    Answer::exact("new tasks are healthy before former ones stop", &page)
}

fn logs(layout: &Layout, service: &Service) -> Answer {
    if service.kind() == ServiceKind::Static {
        let reason = "CloudFront keeps no access log unless one is set up; metrics are there";
        return Answer::approximated(reason, &cloudfront("AccessLogs"));
    }
    let days = layout.option(service, "log_retention").unwrap_or("30");
    Answer::exact(format!("CloudWatch Logs keeps them for {days} days"), &ecs("using_awslogs"))
}

fn proxy(layout: &Layout, service: &Service) -> Answer {
    let page = cloudfront("DownloadDistValuesCacheBehavior");
    if !layout.routes(service) {
        return Answer::approximated(
            "what is behind it is on another platform, and is called at its own address",
            &page,
        );
    }
    Answer::exact(
        "CloudFront hands the paths on: page and service have one origin; an answer has to begin within 60 seconds",
        &page,
    )
}

fn build_variables(layout: &Layout, service: &Service) -> Answer {
    let page = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html";
    if super::manifests::calls_assigned(layout, service) {
        return Answer::approximated(
            "an address that AWS assigns is known once the stack `cdn` is there: build after that",
            page,
        );
    }
    Answer::exact("they are built into the files before these are sent", page)
}

fn headers(layout: &Layout, service: &Service) -> Answer {
    let policy = cloudfront("understanding-response-headers-policies");
    if page::calls_unknown(service, layout.desk.wiring) {
        return Answer::exact(
            "CloudFront sets them; addresses that AWS assigns are put in by CloudFormation",
            &policy,
        );
    }
    Answer::exact("CloudFront sets them on every answer with a file, and HSTS besides", &policy)
}
