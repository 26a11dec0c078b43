//! Projects made in code, one for each kind of thing that is rendered.

use std::net::{IpAddr, Ipv4Addr};

use dashdeploy_contract::*;
use indexmap::IndexMap;

/// A valid name.
pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The addresses that the Docker target predicts: `localhost` and the published port.
pub fn wiring(project: &Project) -> Wiring {
    let address = |service: &Service| ServiceAddress {
        url: match service.publish {
            Publish::Port { port, .. } => Some(format!("http://localhost:{port}")),
            Publish::No => None,
        },
        host: Some(service.name.to_string()),
        port: service.port,
    };
    Wiring {
        services: project.services.values().map(|s| (s.name.clone(), address(s))).collect(),
        same_origin: true,
        ..Wiring::default()
    }
}

/// A project of these services with a volume `data`.
pub fn project(services: Vec<Service>) -> Project {
    let docker = Environment { target: name("docker"), region: None, services: IndexMap::new() };
    Project {
        name: name("sample"),
        services: services.into_iter().map(|service| (service.name.clone(), service)).collect(),
        volumes: IndexMap::from([(name("data"), Volume { size: None, writers: Writers::Single })]),
        smoke: Vec::new(),
        environments: IndexMap::from([(name("local"), docker)]),
    }
}

/// A service with the defaults of `config`.
pub fn service(called: &str, source: Source, port: Option<u16>) -> Service {
    let built = matches!(source, Source::Build(_));
    let publish = match port {
        Some(port) if built => Publish::Port { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port },
        _ => Publish::No,
    };
    Service {
        name: name(called),
        source,
        port,
        publish,
        health: HealthCheck::None,
        env: IndexMap::new(),
        secrets: IndexMap::new(),
        volumes: IndexMap::new(),
        proxy: IndexMap::new(),
        depends_on: Vec::new(),
        command: None,
        resources: Resources { memory: 512 << 20, cpu_millis: 1000 },
        read_only: built,
        headers: IndexMap::new(),
    }
}

/// A build with the defaults of `config`.
pub fn build(kind: BuildKind, context: &str, dockerfile: &str, recipe: Recipe) -> Source {
    Source::Build(Build {
        kind,
        context: context.to_owned(),
        dockerfile: dockerfile.to_owned(),
        ignore: Vec::new(),
        links: IndexMap::new(),
        recipe,
    })
}

/// A Python recipe.
pub fn python(packages: PythonPackages, app: Option<&str>) -> Recipe {
    Recipe::Python(PythonRecipe {
        version: "3.11".to_owned(),
        packages,
        app: app.map(str::to_owned),
        source_root: None,
    })
}

/// Requirement files.
pub fn pip(files: &[&str]) -> PythonPackages {
    PythonPackages::Pip { requirements: files.iter().map(|file| (*file).to_owned()).collect() }
}

/// A single-page application built with Vite.
pub fn vite(manager: NodeManager) -> Recipe {
    Recipe::Spa(SpaRecipe {
        version: "20".to_owned(),
        manager,
        locked: true,
        script: "build".to_owned(),
        dev_script: "dev".to_owned(),
        output: "dist".to_owned(),
    })
}

/// The build of a service, to be changed.
pub fn build_of(service: &mut Service) -> &mut Build {
    match &mut service.source {
        Source::Build(build) => build,
        Source::Image(_) => panic!("not built"),
    }
}

/// The application of the deployment plan.
pub fn dashboard() -> Project {
    let recipe = python(pip(&["requirements.txt"]), Some("dashboard_api.app:app"));
    let mut api = service("api", build(BuildKind::Fastapi, ".", "backend/Dockerfile", recipe), Some(8000));
    api.health = HealthCheck::Http { path: "/api/health".to_owned() };
    for (key, value) in [
        ("LOG_LEVEL", "info"),
        ("TS_STORAGE__PRICE_CACHE_DIR", "/data/prices/cache"),
        ("CORS_ORIGINS", "${services.web.origin}"),
    ] {
        api.env.insert(key.to_owned(), Text::parse(value).unwrap());
    }
    api.secrets.insert("TS_ALPHA_VANTAGE_KEY".to_owned(), Requirement::Required);
    api.secrets.insert("TS_EMAIL__SMTP_SERVER".to_owned(), Requirement::Optional);
    api.volumes.insert(name("data"), "/data".to_owned());
    build_of(&mut api).links.insert("data".to_owned(), "/data".to_owned());

    let recipe = vite(NodeManager::Npm);
    let mut web =
        service("web", build(BuildKind::Vite, "dashboard_web", "frontend/Dockerfile", recipe), Some(8080));
    web.publish = Publish::Port { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 4173 };
    web.health = HealthCheck::Http { path: "/".to_owned() };
    web.env.insert("VITE_API_BASE_URL".to_owned(), Text::parse("${services.api.url}").unwrap());
    web.proxy.insert("/api".to_owned(), name("api"));
    web.resources.memory = 128 << 20;
    let mut project = project(vec![api, web]);
    project.name = name("small-cap-dashboard");
    project
}
