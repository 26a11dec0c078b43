//! What the suite works on: a project as it is met, and secrets that must not be seen.

use std::net::{IpAddr, Ipv4Addr};

use indexmap::IndexMap;
use secrecy::SecretString;

use super::CANARY;
use crate::{
    Bound, Build, BuildKind, Ci, Environment, HealthCheck, ImageId, Name, NodeManager, Project, Publish,
    PythonPackages, PythonRecipe, Recipe, Release, ReleaseImage, Requirement, Resources, SecretStore,
    Service, Source, SpaRecipe, Text, Volume, Wiring, Writers, image_reference,
};

/// A secret value for every secret of a project, each with [`CANARY`] in it.
pub fn canaries(bound: &Bound) -> SecretStore {
    let mut store = SecretStore::default();
    for service in bound.services.values() {
        for variable in service.secrets.keys() {
            let value = format!("{CANARY}-{}-{variable}", service.name);
            store.insert(&service.name, variable, SecretString::from(value));
        }
    }
    store
}

/// A project as it is met: an API with data and a secret, a page that hands `/api` on to it; settled for a target.
pub fn sample(target: &str) -> Release {
    let bound = bound(target);
    let images = bound.services.values().enumerate().map(|(at, service)| {
        let reference = image_reference(&bound, service);
        (
            service.name.clone(),
            ReleaseImage::new(reference, ImageId(format!("sha256:{}", at.to_string().repeat(64)))),
        )
    });
    Release {
        images: images.collect(),
        wiring: Wiring { same_origin: [name("web")].into(), ..Wiring::default() },
        secrets: Release::fingerprints(&bound, &canaries(&bound)),
        project_dir: "/srv/shop".to_owned(),
        number: None,
        git: None,
        bound,
    }
}

fn name(text: &str) -> Name {
    Name::from_any(text, "shop")
}

fn bound(target: &str) -> Bound {
    let environment = Environment {
        target: name(target),
        region: None,
        registry: None,
        ledger: None,
        hooks: None,
        options: IndexMap::new(),
        services: IndexMap::new(),
    };
    let volume = Volume { size: None, writers: Writers::Single };
    let project = Project {
        name: name("shop"),
        services: [web(), api()].map(|service| (service.name.clone(), service)).into_iter().collect(),
        volumes: IndexMap::from([(name("data"), volume)]),
        smoke: Vec::new(),
        hooks: crate::Hooks::default(),
        environments: IndexMap::from([(name("local"), environment)]),
        registry: None,
        ledger: None,
        allow: IndexMap::new(),
        silence: IndexMap::new(),
        ci: Ci::None,
    };
    // The environment is put in three lines above.
    project.bind("local").expect("the sample has the environment `local`")
}

fn service(word: &str, build: Build, port: u16) -> Service {
    Service {
        name: name(word),
        source: Source::Build(build),
        port: Some(port),
        publish: Publish::Port { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port },
        health: HealthCheck::Http { path: "/".to_owned() },
        env: IndexMap::new(),
        secrets: IndexMap::new(),
        volumes: IndexMap::new(),
        proxy: IndexMap::new(),
        depends_on: Vec::new(),
        command: None,
        resources: Resources { memory: 512 << 20, cpu_millis: 1000 },
        replicas: 1,
        log: crate::Log::default(),
        read_only: true,
        headers: IndexMap::new(),
    }
}

fn build(kind: BuildKind, context: &str, recipe: Recipe) -> Build {
    Build {
        kind,
        context: context.to_owned(),
        dockerfile: format!("deploy/{}/Dockerfile", kind.as_str()),
        ignore: Vec::new(),
        secrets: Vec::new(),
        links: IndexMap::new(),
        recipe,
    }
}

fn api() -> Service {
    let recipe = Recipe::Python(PythonRecipe {
        version: "3.11".to_owned(),
        packages: PythonPackages::Pip { requirements: vec!["requirements.txt".to_owned()] },
        app: Some("shop.app:app".to_owned()),
        source_root: None,
    });
    let mut api = service("api", build(BuildKind::Fastapi, ".", recipe), 8000);
    api.health = HealthCheck::Http { path: "/api/health".to_owned() };
    api.env.insert("LOG_LEVEL".to_owned(), Text::literal("info"));
    api.secrets.insert("API_KEY".to_owned(), Requirement::Required);
    api.volumes.insert(name("data"), "/data".to_owned());
    api
}

fn web() -> Service {
    let recipe = Recipe::Spa(SpaRecipe {
        version: "20".to_owned(),
        manager: NodeManager::Npm,
        locked: true,
        script: "build".to_owned(),
        dev_script: "dev".to_owned(),
        output: "dist".to_owned(),
    });
    let mut web = service("web", build(BuildKind::Vite, "web", recipe), 8080);
    web.resources.memory = 128 << 20;
    web.proxy.insert("/api".to_owned(), name("api"));
    web
}
