//! The Compose file for development: sources mounted, servers that reload, one origin as in production.
//!
//! A Python service runs its own image with the source mounted over it. A single-page application has two containers: its
//! development server, and nginx in front under the service's own name, so that the page calls its API by the same paths as
//! in production.

use dashdeploy_contract::{
    Bound, Build, BuildKind, ContainerSpec, Name, NodeManager, NodeRecipe, Recipe, Service, SpaRecipe, Wiring,
};

use super::entry::{Entry, static_variables, text};
use super::{Pair, TEMPLATE, VolumeEntry, file, pairs, specs};
use crate::render::dockerfile::{NGINX, PNPM, YARN};
use crate::render::sheet::Sheet;
use crate::render::{RenderError, layout, nginx};

const ABOUT: &[&str] = &[
    "For development: an edit of the source shows at once, nothing is built anew.",
    "  docker compose -f docker-compose.dev.yml up --build",
    "A stack of its own, with its own volumes, on the ports of the local one: stop that first.",
];

/// The environment of its ownership marks, and so the end of its stack's name.
const ENVIRONMENT: &str = "dev";

/// Adds the file.
pub fn add(sheet: &mut Sheet<'_>, local: &Bound, wiring: &Wiring) -> Result<(), RenderError> {
    let mut bound = local.clone();
    bound.environment = Name::from_any(ENVIRONMENT, ENVIRONMENT);
    let mut entries = Vec::new();
    let mut volumes = Vec::new();
    for spec in specs(sheet, &bound, wiring) {
        let service = bound.services[&spec.service].clone();
        let mut stage = Stage { bound: &bound, service: &service, volumes: &mut volumes };
        entries.extend(stage.entries(sheet, spec, wiring));
    }
    let mut file = file(&bound, ABOUT, entries);
    let marks = || pairs(dashdeploy_contract::ownership_marks(&bound, None));
    file.volumes.extend(volumes.into_iter().map(|name| VolumeEntry { name, labels: marks() }));
    Ok(sheet.add(layout::COMPOSE_DEV, TEMPLATE, &file, "")?)
}

/// One service on its way into the file.
struct Stage<'a> {
    bound: &'a Bound,
    service: &'a Service,
    /// Volumes that only development needs.
    volumes: &'a mut Vec<String>,
}

impl Stage<'_> {
    fn entries(&mut self, sheet: &mut Sheet<'_>, spec: ContainerSpec, wiring: &Wiring) -> Vec<Entry> {
        let mut entry = Entry::built(sheet, self.bound, spec, wiring);
        entry.restart = "no";
        // Its own tag: a trial must not become what production takes for the application's image.
        let Some(build) = self.service.build() else { return vec![entry] };
        entry.image = text(format!("{}-{}:dev", self.bound.project, self.service.name));
        match &build.recipe {
            Recipe::Python(_) => self.python(&mut entry, build),
            Recipe::Node(recipe) => self.node(sheet, &mut entry, build, recipe),
            Recipe::Files { root } => self.files(&mut entry, build, root),
            Recipe::Spa(recipe) => return self.spa(sheet, entry, build, recipe, wiring),
            Recipe::Own { .. } => {}
        }
        vec![entry]
    }

    fn python(&mut self, entry: &mut Entry, build: &Build) {
        self.mount_source(entry, build);
        entry.read_only = false;
        entry.tmpfs.clear();
        entry.command = reloading(self.service, build).into_iter().map(text).collect();
    }

    /// The source over the application folder, and over each link in it the volume that it leads to.
    fn mount_source(&mut self, entry: &mut Entry, build: &Build) {
        let mut mounts = vec![format!("{}:{}", host_path(&build.context), layout::APP_FOLDER)];
        for (path, end) in &build.links {
            let volume = self.service.volumes.iter().find(|(_, mounted)| *mounted == end);
            let volume = match volume {
                Some((volume, _)) => volume.to_string(),
                None => self.own_volume(path),
            };
            mounts.push(format!("{volume}:{}/{path}", layout::APP_FOLDER));
        }
        mounts.append(&mut entry.volumes);
        entry.volumes = mounts;
    }

    fn own_volume(&mut self, path: &str) -> String {
        let name = Name::from_any(&format!("{}-{path}", self.service.name), "files").to_string();
        self.volumes.push(name.clone());
        name
    }

    /// Node.js runs from the base image: the packages are installed when they are missing or out of date.
    fn node_base(&mut self, sheet: &mut Sheet<'_>, entry: &mut Entry, build: &Build, version: &str) {
        entry.build = None;
        entry.image = text(sheet.image(&format!("node:{version}-alpine")));
        entry.working_dir = Some(layout::APP_FOLDER.to_owned());
        entry.read_only = false;
        entry.tmpfs.clear();
        // The source belongs to whoever checked it out; npm has to write beside it.
        entry.user = None;
        entry.drop_capabilities = false;
        self.mount_source(entry, build);
        let modules = self.own_volume("node-modules");
        entry.volumes.push(format!("{modules}:{}/node_modules", layout::APP_FOLDER));
    }

    fn node(&mut self, sheet: &mut Sheet<'_>, entry: &mut Entry, build: &Build, recipe: &NodeRecipe) {
        self.node_base(sheet, entry, build, &recipe.version);
        let port = self.service.port.map(|port| format!("PORT={port} ")).unwrap_or_default();
        let build_step = recipe
            .script
            .as_ref()
            .map(|script| format!("{} run {} && ", recipe.manager.as_str(), word(script)));
        let mut start = self.service.command.clone().unwrap_or_else(|| recipe.start.clone());
        if start.first().is_some_and(|program| program == "node") {
            start.insert(1, "--watch".to_owned());
        }
        let start: Vec<String> = start.iter().map(|argument| word(argument)).collect();
        let line = format!(
            "{}{}exec env {port}{}",
            install(recipe.manager, recipe.locked),
            build_step.unwrap_or_default(),
            start.join(" ")
        );
        entry.command = vec![text("sh"), text("-c"), text(line)];
    }

    fn files(&self, entry: &mut Entry, build: &Build, root: &str) {
        let folder = match (build.context.as_str(), root) {
            (context, ".") => context.to_owned(),
            (".", root) => root.to_owned(),
            (context, root) => format!("{context}/{root}"),
        };
        entry.volumes.push(format!("{}:{}:ro", host_path(&folder), layout::STATIC_ROOT));
    }

    fn spa(
        &mut self,
        sheet: &mut Sheet<'_>,
        front: Entry,
        build: &Build,
        recipe: &SpaRecipe,
        wiring: &Wiring,
    ) -> Vec<Entry> {
        let name = nginx::dev_server(self.bound, self.service);
        let Some((_, conf)) = layout::nginx_files(self.bound, self.service) else { return vec![front] };
        let server = self.spa_server(sheet, &front, &name, build, recipe, wiring);
        vec![server, self.spa_front(sheet, front, &name, &conf)]
    }

    fn spa_server(
        &mut self,
        sheet: &mut Sheet<'_>,
        front: &Entry,
        name: &str,
        build: &Build,
        recipe: &SpaRecipe,
        wiring: &Wiring,
    ) -> Entry {
        let mut server = Entry {
            name: name.to_owned(),
            environment: static_variables(sheet, self.bound, self.service, wiring),
            ports: Vec::new(),
            expose: vec![format!("{}/tcp", nginx::DEV_PORT)],
            volumes: Vec::new(),
            depends_on: Vec::new(),
            health: None,
            // A development server and its compiler need more than nginx.
            memory: "1024m".to_owned(),
            cpus: "2".to_owned(),
            ..front.clone()
        };
        self.node_base(sheet, &mut server, build, &recipe.version);
        let manager = recipe.manager;
        // npm hands on what stands after `--`; pnpm and Yarn hand on everything.
        let separator = if manager == NodeManager::Npm { " --" } else { "" };
        let line = format!(
            "{}exec {} run {}{separator} --host 0.0.0.0 --port {} --strictPort",
            install(manager, recipe.locked),
            manager.as_str(),
            word(&recipe.dev_script),
            nginx::DEV_PORT
        );
        server.command = vec![text("sh"), text("-c"), text(line)];
        server
    }

    /// nginx from its own image, with the configuration for development mounted.
    fn spa_front(&self, sheet: &mut Sheet<'_>, mut front: Entry, server: &str, conf: &str) -> Entry {
        front.build = None;
        front.image = text(sheet.image(NGINX));
        front.entrypoint = ["nginx", "-e", "stderr", "-g", "daemon off;"].map(text).to_vec();
        front.volumes.push(format!("{}:/etc/nginx/nginx.conf:ro", host_path(conf)));
        front.depends_on.push(Pair { name: server.to_owned(), value: "service_started".to_owned() });
        // The development server may take a minute for its first packages: nginx answers 502 until then.
        front.health = None;
        front
    }
}

/// The shell line that installs packages when they are missing or older than what describes them.
fn install(manager: NodeManager, locked: bool) -> String {
    const STAMP: &str = "node_modules/.dashdeploy";
    let file = if locked { manager.lock_file() } else { "package.json" };
    let get = match manager {
        NodeManager::Npm => String::new(),
        NodeManager::Pnpm => format!("npm install -g {PNPM} && "),
        NodeManager::Yarn => format!("npm install -g --force {YARN} && "),
    };
    let install = match (manager, locked) {
        (NodeManager::Npm, true) => "npm ci",
        (NodeManager::Npm, false) => "npm install --no-package-lock",
        (NodeManager::Pnpm, true) => "pnpm install --frozen-lockfile",
        (NodeManager::Pnpm, false) => "pnpm install --no-lockfile",
        (NodeManager::Yarn, true) => "yarn install --frozen-lockfile",
        (NodeManager::Yarn, false) => "yarn install --no-lockfile",
    };
    format!("{get}{{ cmp -s {file} {STAMP} || {{ {install} && cp {file} {STAMP}; }}; }} && ")
}

fn word(text: &str) -> String {
    crate::render::escape::shell_word(text).unwrap_or_else(|_| format!("'{}'", text.replace('\'', r"'\''")))
}

/// A path of the host, relative to the Compose file.
fn host_path(path: &str) -> String {
    if path == "." { ".".to_owned() } else { format!("./{path}") }
}

/// The production command with reload switched on.
fn reloading(service: &Service, build: &Build) -> Vec<String> {
    let own = service.command.clone().unwrap_or_default();
    let Recipe::Python(recipe) = &build.recipe else { return own };
    let (Some(app), None) = (&recipe.app, &service.command) else { return own };
    let port = service.port.unwrap_or(8000);
    let line = match build.kind {
        BuildKind::Fastapi => format!("uvicorn {app} --host 0.0.0.0 --port {port} --reload"),
        _ => {
            format!("gunicorn -b 0.0.0.0:{port} --reload --worker-tmp-dir /dev/shm --access-logfile - {app}")
        }
    };
    line.split(' ').map(str::to_owned).collect()
}
