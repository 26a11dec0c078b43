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
        same_origin: project
            .services
            .values()
            .filter(|s| !s.proxy.is_empty())
            .map(|s| s.name.clone())
            .collect(),
        ..Wiring::default()
    }
}

/// A project of these services with a volume `data`.
pub fn project(services: Vec<Service>) -> Project {
    let docker = Environment {
        target: name("docker"),
        region: None,
        registry: None,
        ledger: None,
        hooks: None,
        options: IndexMap::new(),
        services: IndexMap::new(),
    };
    Project {
        name: name("sample"),
        services: services.into_iter().map(|service| (service.name.clone(), service)).collect(),
        volumes: IndexMap::from([(name("data"), Volume { size: None, writers: Writers::Single })]),
        smoke: Vec::new(),
        hooks: Default::default(),
        environments: IndexMap::from([(name("local"), docker)]),
        registry: None,
        ledger: None,
        allow: IndexMap::new(),
        silence: IndexMap::new(),
        ci: Ci::None,
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
        replicas: 1,
        log: Log::default(),
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
        secrets: Vec::new(),
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

/// Every way to install Python packages, every kind of Python service, links to folders and files.
pub fn pythons() -> Project {
    let fastapi = |called: &str, packages| {
        let dockerfile = format!("deploy/{called}/Dockerfile");
        service(
            called,
            build(BuildKind::Fastapi, called, &dockerfile, python(packages, Some("pkg.main:app"))),
            Some(8000),
        )
    };
    let mut uv = fastapi("uv-api", PythonPackages::Uv);
    if let Recipe::Python(recipe) = &mut build_of(&mut uv).recipe {
        recipe.source_root = Some("src".to_owned());
    }
    let mut poetry = fastapi("poetry-api", PythonPackages::Poetry);
    poetry.health =
        HealthCheck::Command { test: vec!["python".into(), "-c".into(), "print(\"$ok\")".into()] };
    let mut several = fastapi("several", pip(&["requirements/base.txt", "requirements/my prod.txt"]));
    several.volumes.insert(name("data"), "/app/state".to_owned());
    let links = &mut build_of(&mut several).links;
    links.insert("var/app.sqlite3".to_owned(), "/app/state/app.sqlite3".to_owned());
    links.insert("cache".to_owned(), "/var/cache/several".to_owned());
    let recipe = python(pip(&["requirements.txt"]), Some("site:create_app()"));
    let mut flask =
        service("flask", build(BuildKind::Flask, "flask", "flask/Dockerfile", recipe), Some(8000));
    flask.volumes.insert(name("data"), "/data".to_owned());
    let recipe = python(PythonPackages::Pyproject, Some("config.wsgi:application"));
    let django =
        service("django", build(BuildKind::Django, "django", "django/Dockerfile", recipe), Some(8000));
    let recipe = python(PythonPackages::None, None);
    let mut worker =
        service("worker", build(BuildKind::Python, ".", "deploy/worker/Dockerfile", recipe), None);
    worker.command = Some(vec!["python".into(), "-m".into(), "worker".into(), "--say=a \"b\" $HOME".into()]);
    worker.depends_on.push(name("flask"));
    build_of(&mut worker).ignore = vec!["docs".to_owned(), "!docs/keep.md".to_owned()];
    project(vec![uv, poetry, several, flask, django, worker])
}

/// Node.js servers and pages with every package manager, files as they are, other origins, headers of the user's.
pub fn pages() -> Project {
    let node = |manager, locked, script: Option<&str>| {
        Recipe::Node(NodeRecipe {
            version: "20".to_owned(),
            manager,
            locked,
            script: script.map(str::to_owned),
            start: vec!["node".to_owned(), "dist/server.js".to_owned()],
        })
    };
    let recipe = node(NodeManager::Npm, true, Some("build"));
    let mut api = service("api", build(BuildKind::Node, "server", "server/Dockerfile", recipe), Some(3000));
    api.health = HealthCheck::Http { path: "/healthz?full=1".to_owned() };
    let recipe = node(NodeManager::Pnpm, false, None);
    let mut jobs = service("jobs", build(BuildKind::Node, "jobs", "jobs/Dockerfile", recipe), None);
    jobs.volumes.insert(name("data"), "/var/lib/jobs".to_owned());
    build_of(&mut jobs).links.insert("files".to_owned(), "/var/lib/jobs".to_owned());
    let shop = shop();
    let files = |root: &str| Recipe::Files { root: root.to_owned() };
    let docs = service("docs", build(BuildKind::Static, "docs", "docs/Dockerfile", files(".")), Some(8080));
    let mut site = service(
        "site",
        build(BuildKind::Static, ".", "deploy/site/Dockerfile", files("public html")),
        Some(8080),
    );
    site.proxy.insert("/api".to_owned(), name("api"));
    site.proxy.insert("/v1.0/jobs/".to_owned(), name("api"));
    let mut project = project(vec![api, jobs, shop, docs, site]);
    for (at, service) in project.services.values_mut().enumerate() {
        if let Publish::Port { port, .. } = &mut service.publish {
            *port = 9000 + u16::try_from(at).unwrap();
        }
    }
    project
}

/// A page that calls other origins, with values and headers that are hard to write.
fn shop() -> Service {
    let mut shop = service(
        "shop",
        build(BuildKind::Vite, "shop", "shop/Dockerfile", vite(NodeManager::Yarn)),
        Some(8080),
    );
    shop.health = HealthCheck::Http { path: "/".to_owned() };
    for (key, value) in [
        ("VITE_API", "${services.api.url}/v1"),
        ("VITE_TITLE", "Tom & \"Jerry\" \\ $5"),
        ("VITE_BUILD", "${env:CI_COMMIT}-${release}"),
        ("VITE_ERRORS", "https://errors.example.com/7?key=public"),
    ] {
        shop.env.insert(key.to_owned(), Text::parse(value).unwrap());
    }
    shop.headers.insert("referrer-policy".to_owned(), String::new());
    shop.headers.insert("X-Frame-Options".to_owned(), "DENY".to_owned());
    shop.headers.insert("X-Price".to_owned(), "$5 \"a\\b\"".to_owned());
    shop
}

/// Every way to install packages, with secrets of the build.
pub fn secretive() -> Project {
    let mut services: Vec<Service> = pythons().services.into_values().take(5).collect();
    services.extend(pages().services.into_values().take(3));
    let recipe = Recipe::Own { target: None };
    services.push(service("own", build(BuildKind::Dockerfile, "own", "own/Dockerfile", recipe), Some(8000)));
    for (at, service) in services.iter_mut().enumerate() {
        if let Publish::Port { port, .. } = &mut service.publish {
            *port = 9100 + u16::try_from(at).unwrap();
        }
        build_of(service).secrets = ["API_KEY", "TOKEN_URL"].map(str::to_owned).to_vec();
        service.env.shift_remove("VITE_API");
    }
    project(services)
}

/// Images from a registry, the user's own Dockerfile, public addresses, values that are hard to write, a production
/// environment of its own.
pub fn others() -> Project {
    let mut db = service("db", Source::Image("postgres:16".to_owned()), Some(5432));
    db.secrets.insert("POSTGRES_PASSWORD".to_owned(), Requirement::Required);
    db.volumes.insert(name("data"), "/var/lib/postgresql/data".to_owned());
    db.health = HealthCheck::Command { test: vec!["pg_isready".into(), "-U".into(), "postgres".into()] };
    let recipe = Recipe::Own { target: Some("runtime".to_owned()) };
    let mut own = service("own", build(BuildKind::Dockerfile, "own", "own/Dockerfile", recipe), Some(8000));
    own.read_only = false;
    own.publish = Publish::Port { address: "::1".parse().unwrap(), port: 8000 };
    own.health = HealthCheck::Http { path: "/health".to_owned() };
    own.resources = Resources { memory: 1_000_000_000, cpu_millis: 250 };
    for (at, value) in HOSTILE.into_iter().enumerate() {
        own.env.insert(format!("V{at}"), Text::literal(value));
    }
    for (key, value) in [
        ("DB_HOST", "${services.db.host}:${services.db.port}"),
        ("TOKEN_URL", "${env:TOKEN_URL}?r=${release}"),
        ("SELF", "${services.own.url}/x"),
    ] {
        own.env.insert(key.to_owned(), Text::parse(value).unwrap());
    }
    let mut project = project(vec![db, own]);
    let mut production = project.environments[&name("local")].clone();
    let changes = ServiceOverride {
        publish: Some(Publish::Port { address: "0.0.0.0".parse().unwrap(), port: 80 }),
        env: IndexMap::from([("V0".to_owned(), Text::literal("in production"))]),
        resources: Some(Resources { memory: 2 << 30, cpu_millis: 4000 }),
        ..ServiceOverride::default()
    };
    production.services.insert(name("own"), changes);
    project.environments.insert(name("production"), production);
    project
}

/// Values that every format finds hard.
pub const HOSTILE: [&str; 49] = [
    "a b",
    "\"",
    "'",
    "\\",
    "\\\\n",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "$HOME",
    "$$",
    "${X}",
    "$(id)",
    "`id`",
    "%s %%",
    "#x",
    "a #x",
    "a: b",
    "- a",
    "; x",
    "& | < >",
    "*?[",
    "!",
    "{{7*7}}",
    "{% raw %}",
    "${{ github.token }}",
    "]]>",
    "'''\"\"\"",
    " x ",
    "",
    "-n",
    "=",
    "yes",
    "NO",
    "010",
    "1e3",
    "1_000",
    "null",
    "~",
    "1:30",
    "2001-01-01",
    ".inf",
    "@x",
    "`",
    "%x",
    "😀\u{301}",
    "\u{202e}x",
    "\u{2028}\u{feff}",
    "EOF",
    "<<EOF",
];

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Project)> {
    vec![
        ("dashboard", dashboard()),
        ("pythons", pythons()),
        ("pages", pages()),
        ("others", others()),
        ("secretive", secretive()),
    ]
}
