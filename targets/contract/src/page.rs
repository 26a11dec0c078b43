//! How a page is served, wherever it is served: headers, caching, the page for paths that are no file.
//!
//! Given: a static service and the origins it calls. Gives: one set of rules, which nginx, Netlify, Vercel, CloudFront and
//! Static Web Apps are all made to keep. Deliberately absent: any server's own form of them.

use crate::{AddressField, Bound, Build, Desk, Recipe, Reference, Service, Text, Wiring};

/// Files with a hash in their name lie here (Vite's `build.assetsDir`); they never change and are kept for a year.
pub const ASSETS: &str = "/assets/";
/// `Cache-Control` of files below [`ASSETS`]: a year, the longest that RFC 9111 means to be useful.
pub const CACHE_ASSETS: &str = "public, max-age=31536000, immutable";
/// `Cache-Control` of everything else: kept, but asked for anew each time.
pub const CACHE_PAGES: &str = "no-cache";
/// A path that ends like this is a file: where there is none, the answer is 404 and never the page. A regular expression
/// that every server's dialect reads alike.
pub const FILE_PATTERN: &str = r"\.[a-z][a-z0-9]+$";
/// Seconds for which an nginx that serves a page keeps the addresses that a service's name has: `valid=` of its `resolver`
/// (<https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver>).
pub const ADDRESSES_KEPT_SECONDS: u32 = 5;

/// Response headers of a page, names and values in a fixed order: the set of the OWASP Secure Headers Project without HSTS,
/// which is for whatever ends TLS, then the user's own. A header of the user replaces the built-in one of the same name, and
/// an empty value removes it. `origins` are those that the page calls besides its own.
pub fn headers(service: &Service, origins: &[String]) -> Vec<(String, String)> {
    let mut headers = built_in(origins);
    for (name, value) in service.headers.iter().filter(|(name, value)| unfit_header(name, value).is_none()) {
        match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(header) => header.1.clone_from(value),
            None => headers.push((name.clone(), value.clone())),
        }
    }
    headers.retain(|(_, value)| !value.is_empty());
    headers
}

fn built_in(origins: &[String]) -> Vec<(String, String)> {
    let connect = origins.iter().fold("'self'".to_owned(), |all, origin| format!("{all} {origin}"));
    let policy = format!(
        "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; \
         img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src {connect}"
    );
    [
        ("Content-Security-Policy", policy.as_str()),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Headers that servers set by themselves or that belong to the connection.
const RESERVED: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "allow",
];

/// Why a header cannot be set; none where it can.
pub fn unfit_header(name: &str, value: &str) -> Option<UnfitHeader> {
    let token = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !token {
        return Some(UnfitHeader::Name);
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Some(UnfitHeader::Reserved);
    }
    let visible = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    (!visible).then_some(UnfitHeader::Value)
}

/// Why a header cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitHeader {
    /// The name is none.
    Name,
    /// Servers set it by themselves.
    Reserved,
    /// The value holds more than visible ASCII characters.
    Value,
}

/// Other origins that a page is built to call: every absolute address among its variables that is known. Sorted.
pub fn origins(service: &Service, wiring: &Wiring) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for text in service.env.values() {
        // A NUL marks what is known only when the file is used; such an address cannot be named here.
        let Ok(value) = wiring.resolve(text, service) else { continue };
        let Some(origin) = Some(&value).filter(|value| !value.contains('\0')).and_then(|v| origin(v)) else {
            continue;
        };
        origins.extend(web_socket(&origin, text));
        origins.push(origin);
    }
    origins.sort();
    origins.dedup();
    origins
}

/// True where the page's variables hold an address that is not known beforehand.
pub fn calls_unknown(service: &Service, wiring: &Wiring) -> bool {
    let public = |reference: &Reference| {
        matches!(reference, Reference::Service { field: AddressField::Url | AddressField::Origin, .. })
    };
    let texts = service.env.values().filter(|text| text.references().any(public));
    texts.into_iter().any(|text| wiring.resolve(text, service).is_err())
}

/// What a page may call besides its own origin, for [`headers`]: the origins that are known, and every encrypted one where
/// an address is assigned later, since a policy that does not name it would block the calls.
pub fn callable(service: &Service, wiring: &Wiring) -> Vec<String> {
    let mut origins = origins(service, wiring);
    if calls_unknown(service, wiring) {
        origins.extend(["https:", "wss:"].map(str::to_owned));
    }
    origins
}

fn origin(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let known = ["http", "https", "ws", "wss"].contains(&scheme);
    (known && !host.is_empty() && host.chars().all(allowed)).then(|| format!("{scheme}://{host}"))
}

/// A service of this project may be called by WebSocket too.
fn web_socket(origin: &str, text: &Text) -> Option<String> {
    let ours = text.references().any(|reference| matches!(reference, Reference::Service { .. }));
    let rest = origin.strip_prefix("http").filter(|_| ours)?;
    Some(format!("ws{rest}"))
}

/// True for the recipes whose image is an nginx with the built files.
pub fn is_served_by_nginx(build: &Build) -> bool {
    matches!(build.recipe, Recipe::Spa(_) | Recipe::Files { .. })
}

/// The nginx configuration of a page, relative to the project; none for other services. It lies beside package.json; below
/// `deploy/` when the context is the project itself. Pages that share a context carry their name in it.
pub fn configuration(bound: &Bound, service: &Service) -> Option<String> {
    let build = service.build().filter(|build| is_served_by_nginx(build))?;
    if build.context == "." {
        return Some(format!("deploy/{}/nginx.conf", service.name));
    }
    let others = bound.services.values().filter_map(|other| other.build());
    let shared =
        others.filter(|other| is_served_by_nginx(other) && other.context == build.context).count() > 1;
    let stem = if shared { format!("nginx.{}", service.name) } else { "nginx".to_owned() };
    Some(format!("{}/{stem}.conf", build.context))
}

/// The configuration of the same page where a platform runs it: `nginx.fly.conf` beside `nginx.conf`.
pub fn on_platform(configuration: &str, suffix: &str) -> String {
    format!("{}.{suffix}.conf", configuration.strip_suffix(".conf").unwrap_or(configuration))
}

/// What the page's Dockerfile takes as `NGINX_CONF`: the configuration for this server as seen from the build's context.
pub fn configuration_in_context(bound: &Bound, service: &Service, server: &PageServer) -> Option<String> {
    let path = on_platform(&configuration(bound, service)?, &server.suffix);
    let context = &service.build()?.context;
    Some(path.strip_prefix(&format!("{context}/")).unwrap_or(&path).to_owned())
}

/// How a page whose nginx a platform runs differs from the same page on a Docker host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageServer {
    /// The configuration's name beside `nginx.conf`: `fly` for `nginx.fly.conf`.
    pub suffix: String,
    /// The platform's name server, as nginx's `resolver` takes it: `[fdaa::3]`; none where no path can be handed on.
    pub resolver: Option<String>,
    /// `host:port` of each service that a path is handed on to; paths of others are not handed on.
    pub upstreams: indexmap::IndexMap<crate::Name, String>,
    /// What the page may call besides its own origin.
    pub origins: Vec<String>,
}

impl PageServer {
    /// The page of a service on a target; none where its nginx has nothing to do that a Docker host's does not.
    pub fn of(
        target: &str,
        desk: &Desk,
        service: &Service,
        resolver: Option<&str>,
        upstreams: indexmap::IndexMap<crate::Name, String>,
    ) -> Option<Self> {
        if service.build().is_none_or(|build| !is_served_by_nginx(build)) {
            return None;
        }
        let origins = callable(service, desk.wiring);
        let differs = !service.proxy.is_empty() || !origins.is_empty();
        let suffix = desk.suffix.map_or_else(|| target.to_owned(), |name| format!("{target}-{name}"));
        differs.then(|| Self { suffix, resolver: resolver.map(str::to_owned), upstreams, origins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        assert_eq!(
            origin("https://api.example.com:8443/v1?x").as_deref(),
            Some("https://api.example.com:8443")
        );
        assert_eq!(origin("ws://[::1]:80/x").as_deref(), Some("ws://[::1]:80"));
        for none in ["/.", "", "data://x", "https://", "https://a b/", "https://x;script-src *"] {
            assert_eq!(origin(none), None, "{none}");
        }
    }
}
