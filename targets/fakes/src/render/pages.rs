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
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let asked = Asked::new(call, &["type", "source", "destination"])?;
                let all = service
                    .routes
                    .iter()
                    .enumerate()
                    .map(|(priority, route)| (route.id.clone(), route.shown(priority)));
                asked.answer(
                    "route",
                    all.filter(|(_, route)| all_admit(&asked, &["type", "source", "destination"], route))
                        .collect(),
                )
            }
            ("PUT", []) => {
                let all: Vec<RoutePut> = call.json().map_err(Fault::bad)?;
                service.routes = all.into_iter().map(|put| Route::new(put, &mut stage.ids)).collect();
                let shown: Value = service
                    .routes
                    .iter()
                    .enumerate()
                    .map(|(priority, route)| route.shown(priority))
                    .collect();
                Ok(Reply::json(200, &shown))
            }
            ("POST", []) => {
                let put: RoutePut = call.json().map_err(Fault::bad)?;
                let last = service.routes.len();
                let place = put
                    .priority
                    .and_then(|priority| usize::try_from(priority).ok())
                    .map_or(last, |place| place.min(last));
                service.routes.insert(place, Route::new(put, &mut stage.ids));
                Ok(Reply::json(201, &service.routes[place].shown(place)))
            }
            ("DELETE", [route]) => {
                let index = service
                    .routes
                    .iter()
                    .position(|known| known.id == *route)
                    .ok_or_else(|| Fault::missing(route))?;
                service.routes.remove(index);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }

    fn header_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        let (service, stage) = self.staged(id)?;
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let asked = Asked::new(call, &["path", "name", "value"])?;
                let all = service.headers.iter().map(|header| (header.id.clone(), header.shown()));
                asked.answer(
                    "header",
                    all.filter(|(_, header)| all_admit(&asked, &["path", "name", "value"], header)).collect(),
                )
            }
            ("PUT", []) => {
                let all: Vec<HeaderPut> = call.json().map_err(Fault::bad)?;
                service.headers = all.into_iter().map(|put| Header::new(put, &mut stage.ids)).collect();
                Ok(Reply::json(200, &service.headers.iter().map(Header::shown).collect()))
            }
            ("POST", []) => {
                let header = Header::new(call.json().map_err(Fault::bad)?, &mut stage.ids);
                let shown = header.shown();
                service.headers.push(header);
                // Under the name of all, as the vendor's document has it.
                Ok(Reply::json(201, &json!({ "headers": shown })))
            }
            ("DELETE", [header]) => {
                let index = service
                    .headers
                    .iter()
                    .position(|known| known.id == *header)
                    .ok_or_else(|| Fault::missing(header))?;
                service.headers.remove(index);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }
}

fn all_admit(asked: &Asked<'_>, names: &[&str], item: &Value) -> bool {
    names.iter().all(|name| asked.admits(name, item[*name].as_str().unwrap_or_default()))
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
