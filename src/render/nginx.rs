//! nginx.conf of each static service, and its counterpart for development.
//!
//! Given: a bound static service and the addresses. Gives: the context of the templates. A whole configuration, with
//! `http {}`, so that nginx and its checkers take it as it is. One set of headers at server level with computed values, since
//! an `add_header` in a location drops all that are above it (measured).

use dashdeploy_contract::{Bound, Finding, Name, PageServer, Service, Wiring, page};
use serde::Serialize;

use super::engine::Marked;
use super::sheet::Sheet;
use super::{RenderError, layout};

mod policy;

const TEMPLATE: &str = "nginx/nginx.conf.j2";
const TEMPLATE_DEV: &str = "nginx/nginx.dev.conf.j2";
/// The port of the development server inside its own container.
pub const DEV_PORT: u16 = 5173;

/// Docker's name server in every network of its own (docs.docker.com, "Networking", DNS services).
const DOCKER_RESOLVER: &str = "127.0.0.11";

/// nginx.conf.
#[derive(Serialize, Clone)]
struct NginxConf {
    port: u16,
    /// Worker processes: as many as the service has processors, not as the host has.
    workers: u32,
    /// The name server by which services are found.
    resolver: Vec<String>,
    /// Where the files lie.
    root: &'static str,
    /// True for a single-page application: unknown paths are answered with its page, hashed assets live for a year.
    spa: bool,
    /// Whether requests are logged.
    access_log: bool,
    /// Paths handed on.
    proxies: Vec<Proxy>,
    /// Matches every path that is handed on.
    proxied: Option<Marked>,
    /// Response headers.
    headers: Vec<Header>,
    /// True where a header's value holds a `$`, which nginx can only take from a variable.
    dollar: bool,
    /// Development only: the development server's host and port.
    server: Option<String>,
}

/// A path handed on to another service.
#[derive(Serialize, Clone)]
struct Proxy {
    /// `/api`.
    path: String,
    /// `/api/`.
    folder: String,
    /// `api:8000`.
    upstream: String,
    /// The service.
    #[serde(skip)]
    service: Name,
    /// The variable that holds it, so that nginx looks the name up again when the address changes.
    variable: String,
}

/// A response header.
#[derive(Serialize, Clone)]
struct Header {
    name: String,
    /// The name as nginx writes it in variables.
    variable: String,
    value: Marked,
}

/// Adds the configuration files of a static service; nothing for other services.
pub fn add(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    wiring: &Wiring,
    servers: &[(Name, PageServer)],
) -> Result<(), RenderError> {
    let Some((path, dev_path)) = layout::nginx_files(bound, service) else { return Ok(()) };
    let key = format!("services.{}", service.name);
    let proxies = proxies(sheet, bound, service);
    let headers = policy::headers(sheet, service, &page::origins(service, wiring));
    let mut conf = NginxConf {
        port: service.port.unwrap_or(8080),
        workers: service.resources.cpu_millis.div_ceil(1000).max(1),
        resolver: vec![DOCKER_RESOLVER.to_owned(), kept(), "ipv6=off".to_owned()],
        root: layout::STATIC_ROOT,
        spa: service.is_spa(),
        access_log: service.log.access,
        proxied: proxied(&proxies),
        proxies,
        dollar: headers.iter().any(|(_, value)| value.contains('$')),
        headers: headers.into_iter().map(Header::of).collect(),
        server: None,
    };
    sheet.add(&path, TEMPLATE, &conf, &key)?;
    for (_, server) in servers.iter().filter(|(page, _)| *page == service.name) {
        let there = conf.on(server, service);
        sheet.add(&page::on_platform(&path, &server.suffix), TEMPLATE, &there, &key)?;
    }
    if conf.spa {
        conf.server = Some(format!("{}:{DEV_PORT}", dev_server(bound, service)));
        sheet.add(&dev_path, TEMPLATE_DEV, &conf, &key)?;
    }
    Ok(())
}

impl NginxConf {
    /// The same page where a platform runs it.
    fn on(&self, server: &PageServer, service: &Service) -> Self {
        let there = |proxy: &Proxy| {
            let upstream = server.upstreams.get(&proxy.service)?.clone();
            Some(Proxy { upstream, ..proxy.clone() })
        };
        let proxies: Vec<Proxy> = match server.resolver {
            Some(_) => self.proxies.iter().filter_map(there).collect(),
            None => Vec::new(),
        };
        let headers = page::headers(service, &server.origins);
        Self {
            resolver: server.resolver.iter().cloned().chain([kept()]).collect(),
            proxied: proxied(&proxies),
            proxies,
            dollar: headers.iter().any(|(_, value)| value.contains('$')),
            headers: headers.into_iter().map(Header::of).collect(),
            ..self.clone()
        }
    }
}

/// How long nginx keeps the addresses of a service.
fn kept() -> String {
    format!("valid={}s", page::ADDRESSES_KEPT_SECONDS)
}

/// The name of the development server beside nginx: one that no service has.
pub fn dev_server(bound: &Bound, service: &Service) -> String {
    let mut name = format!("{}-dev", service.name);
    while bound.services.keys().any(|taken| taken.as_str() == name) {
        name.push_str("-server");
    }
    name
}

impl Header {
    fn of((name, value): (String, String)) -> Self {
        Self { variable: name.to_ascii_lowercase().replace('-', "_"), name, value: Marked::Quoted(value) }
    }
}

fn proxies(sheet: &mut Sheet<'_>, bound: &Bound, service: &Service) -> Vec<Proxy> {
    let mut proxies = Vec::new();
    for (prefix, upstream) in &service.proxy {
        let key = format!("services.{}.proxy.{prefix}", service.name);
        let path = prefix.trim_end_matches('/');
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/._~-".contains(c);
        if !path.starts_with('/') || !path.chars().all(allowed) {
            let message = format!("`{prefix}` is no path prefix that nginx can hand on");
            let hint = "a prefix starts with / and holds only A-Z, a-z, 0-9 and / . _ ~ -, such as /api; `/` itself stays with \
                        the page";
            sheet.find(Finding::error("proxy-prefix", key, message).hint(hint));
            continue;
        }
        let Some(port) = bound.services.get(upstream).and_then(|upstream| upstream.port) else {
            let message = format!("requests cannot be handed on to `{upstream}`, which has no port");
            let hint = format!("set services.{upstream}.port");
            sheet.find(Finding::error("proxy-without-port", key, message).hint(hint));
            continue;
        };
        proxies.push(Proxy {
            path: path.to_owned(),
            folder: format!("{path}/"),
            service: upstream.clone(),
            upstream: format!("{upstream}:{port}"),
            variable: upstream.as_str().replace('-', "_"),
        });
    }
    proxies
}

fn proxied(proxies: &[Proxy]) -> Option<Marked> {
    let quoted: Vec<String> = proxies.iter().map(|proxy| proxy.path.replace('.', r"\.")).collect();
    (!quoted.is_empty()).then(|| Marked::Regex(format!("~^(?:{})(?:/|$)", quoted.join("|"))))
}
