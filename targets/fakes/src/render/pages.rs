//! What is set for static sites: rules of the router, headers, the cache.
//!
//! Given: requests below `/routes`, `/headers`, `/cache`. Gives: answers; what is set is obeyed at once. Deliberately absent: the order
//! of rules changed one by one. Source: <https://api-docs.render.com/reference/list-routes>,
//! <https://api-docs.render.com/reference/list-headers>.

use serde_json::{Value, json};

use super::Render;
use super::body::{HeaderPut, Kind, RoutePut};
use super::fault::{Answer, Fault};
use super::ids::Ids;
use super::list::Asked;
use super::route::strange;
use super::state::{Header, Route};
use crate::{Call, Reply};

impl Render {
    /// `/services/{id}/routes`, `headers`, `cache/purge`.
    pub(super) fn page_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        let kind = self.service(id)?.kind;
        if rest == ["cache", "purge"] && call.method == "POST" {
            let caches = matches!(kind, Kind::StaticSite | Kind::WebService);
            return if caches { Ok(Reply::empty(202)) } else { Err(Fault::bad("the service has no cache")) };
        }
        if kind != Kind::StaticSite {
            return Err(Fault::bad("routes and headers are for static sites"));
        }
        match (call.method.as_str(), rest) {
            ("PATCH", ["routes"]) => Err(Fault::unplayed("the order of one route")),
            (_, ["routes", rest @ ..]) => self.rule_route(call, id, rest),
            (_, ["headers", rest @ ..]) => self.header_route(call, id, rest),
            _ => Err(strange(call)),
        }
    }

    fn rule_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        let (service, stage) = self.staged(id)?;
        let (routes, ids) = (&mut service.routes, &mut stage.ids);
        match (call.method.as_str(), rest) {
            ("GET", []) => list(call, "route", ["type", "source", "destination"], shown_routes(routes)),
            ("PUT", []) => {
                let all: Vec<RoutePut> = call.json().map_err(Fault::bad)?;
                *routes = all.into_iter().map(|put| Route::new(put, ids)).collect();
                Ok(Reply::json(200, &shown_routes(routes).into_iter().map(|(_, route)| route).collect()))
            }
            ("POST", []) => {
                let put: RoutePut = call.json().map_err(Fault::bad)?;
                let last = routes.len();
                let place = put
                    .priority
                    .and_then(|priority| usize::try_from(priority).ok())
                    .map_or(last, |place| place.min(last));
                routes.insert(place, Route::new(put, ids));
                Ok(Reply::json(201, &routes[place].shown(place)))
            }
            ("DELETE", [route]) => {
                let index = routes
                    .iter()
                    .position(|known| known.id == *route)
                    .ok_or_else(|| Fault::missing(route))?;
                routes.remove(index);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }

    fn header_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        let (service, stage) = self.staged(id)?;
        let (headers, ids) = (&mut service.headers, &mut stage.ids);
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let all = headers.iter().map(|header| (header.id.clone(), header.shown())).collect();
                list(call, "header", ["path", "name", "value"], all)
            }
            ("PUT", []) => {
                let all: Vec<HeaderPut> = call.json().map_err(Fault::bad)?;
                *headers = all.into_iter().map(|put| Header::new(put, ids)).collect();
                Ok(Reply::json(200, &headers.iter().map(Header::shown).collect()))
            }
            ("POST", []) => {
                let header = Header::new(call.json().map_err(Fault::bad)?, ids);
                let shown = header.shown();
                headers.push(header);
                // Under the name of all, as the vendor's document has it.
                Ok(Reply::json(201, &json!({ "headers": shown })))
            }
            ("DELETE", [header]) => {
                let index = headers
                    .iter()
                    .position(|known| known.id == *header)
                    .ok_or_else(|| Fault::missing(header))?;
                headers.remove(index);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }
}

/// A page of the items that fit; each filter is a field of the item.
fn list(call: &Call, kind: &str, filters: [&str; 3], all: Vec<(String, Value)>) -> Answer {
    let asked = Asked::new(call, &filters)?;
    let fits = |item: &Value| {
        filters.iter().all(|name| asked.admits(name, item[*name].as_str().unwrap_or_default()))
    };
    asked.answer(kind, all.into_iter().filter(|(_, item)| fits(item)).collect())
}

fn shown_routes(routes: &[Route]) -> Vec<(String, Value)> {
    routes.iter().enumerate().map(|(priority, route)| (route.id.clone(), route.shown(priority))).collect()
}

impl Route {
    /// A rule behind the others.
    pub(super) fn new(put: RoutePut, ids: &mut Ids) -> Self {
        Self { id: ids.next("rdr"), kind: put.r#type, source: put.source, destination: put.destination }
    }

    pub(super) fn shown(&self, priority: usize) -> Value {
        json!({ "id": self.id, "type": self.kind, "source": self.source, "destination": self.destination, "priority": priority })
    }
}

impl Header {
    pub(super) fn new(put: HeaderPut, ids: &mut Ids) -> Self {
        Self { id: ids.next("hdr"), path: put.path, name: put.name, value: put.value }
    }

    pub(super) fn shown(&self) -> Value {
        json!({ "id": self.id, "path": self.path, "name": self.name, "value": self.value })
    }
}
