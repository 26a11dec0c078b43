//! Routes of an application and the endpoint among them that tells its health.
//!
//! Given: routes found by the scanners of each language. Gives: the best health endpoint, the first segments that routes
//! share. Deliberately absent: routes made at run time.

use super::model::Evidence;

/// A route that a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// `GET`, `POST`, …; `ANY` where it cannot be told; `WS` for WebSockets.
    pub method: &'static str,
    /// The whole path, prefixes included.
    pub path: String,
    pub file: String,
    pub line: usize,
    pub excerpt: String,
    /// True where something like a login stands before it.
    pub guarded: bool,
}

/// Last segments of health endpoints, the plainest first.
const NAMES: [&str; 15] = [
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "health_check",
    "livez",
    "live",
    "liveness",
    "readyz",
    "ready",
    "readiness",
    "ping",
    "status",
    "up",
    "heartbeat",
];

impl Route {
    pub fn evidence(&self) -> Evidence {
        Evidence::new(self.excerpt.as_str(), &self.file, self.line)
    }

    /// True where a plain GET without parameters reaches it.
    fn is_plain_get(&self) -> bool {
        matches!(self.method, "GET" | "ANY")
            && self.path.starts_with('/')
            && !self.path.contains("//")
            && !self.path.split('/').any(|part| part == "." || part == "..")
            && self.path.chars().all(|c| c.is_ascii_alphanumeric() || "/._~-".contains(c))
    }

    /// How far from the best name; none for a route that is no health endpoint.
    fn health_rank(&self) -> Option<(bool, usize, usize)> {
        let last = self.path.trim_end_matches('/').rsplit('/').next()?;
        let name = NAMES.iter().position(|name| *name == last.to_ascii_lowercase())?;
        self.is_plain_get().then_some((self.guarded, name, self.path.split('/').count()))
    }

    /// The first segment, where it is plain text.
    pub fn first_segment(&self) -> Option<&str> {
        let first = self.path.trim_start_matches('/').split('/').next()?;
        is_segment(first).then_some(first)
    }
}

/// True for a segment that can be handed on as a prefix.
pub(crate) fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.chars().all(|c| c.is_ascii_alphanumeric() || "._~-".contains(c))
}

/// The health endpoints, the best first: without a login before any with, then by name, then the shorter path.
pub(crate) fn health_candidates(routes: &[Route]) -> Vec<&Route> {
    let mut ranked: Vec<_> = routes.iter().filter_map(|route| Some((route.health_rank()?, route))).collect();
    ranked.sort_by(|(a, left), (b, right)| {
        a.cmp(b).then_with(|| left.path.cmp(&right.path)).then_with(|| left.file.cmp(&right.file))
    });
    ranked.into_iter().map(|(_, route)| route).collect()
}

/// The route for the page at `/`, where there is one.
pub(crate) fn root_route(routes: &[Route]) -> Option<&Route> {
    routes.iter().find(|route| route.path == "/" && matches!(route.method, "GET" | "ANY"))
}

/// Two parts of a path with one slash between them.
pub(crate) fn concat(prefix: &str, path: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    match (prefix.is_empty(), path.is_empty() || path.starts_with('/')) {
        (true, true) if path.is_empty() => "/".to_owned(),
        (_, true) => format!("{prefix}{path}"),
        (_, false) => format!("{prefix}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &'static str, path: &str, guarded: bool) -> Route {
        Route { method, path: path.to_owned(), file: "a.py".into(), line: 1, excerpt: String::new(), guarded }
    }

    #[test]
    fn the_open_and_plain_endpoint_wins() {
        let routes = [
            route("GET", "/api/v1/health/{id}", false),
            route("POST", "/health", false),
            route("GET", "/ping", false),
            route("GET", "/healthz", true),
            route("GET", "/api/v1/health", false),
            route("GET", "/api/health", false),
        ];
        let found: Vec<_> = health_candidates(&routes).iter().map(|route| route.path.as_str()).collect();
        assert_eq!(found, ["/api/health", "/api/v1/health", "/ping", "/healthz"]);
    }

    #[test]
    fn paths_are_joined_by_one_slash() {
        assert_eq!(concat("/api/", "/x"), "/api/x");
        assert_eq!(concat("", ""), "/");
        assert_eq!(concat("/api", ""), "/api");
        assert_eq!(concat("", "x/"), "/x/");
    }
}
