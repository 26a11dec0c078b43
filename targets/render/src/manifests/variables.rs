//! `envVars`: what is known is a value, what Render knows a reference, everything else is asked for.
//!
//! A Blueprint puts no values together (<https://render.com/docs/blueprint-spec>, "Variable interpolation"): a value is one
//! text or one reference.

use dashdeploy_contract::{
    AddressField, BuildKind, Desk, Name, Part, Recipe, Reference, Requirement, Service, Text, ValuePart,
    page, word,
};
use serde::Serialize;
use serde_json::Value;

use super::python;
use crate::check::takes_workers;
use crate::config::{EXTERNAL_URL, Form, Place, Runtime};

/// A variable.
#[derive(Debug, Serialize)]
pub(super) struct Variable {
    key: String,
    /// A comment above it.
    note: Option<Value>,
    #[serde(flatten)]
    way: Way,
}

/// Where the value comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub(super) enum Way {
    /// It is known.
    Value {
        /// The value.
        value: String,
    },
    /// Render asks for it when the Blueprint is made.
    Ask,
    /// Another service has it.
    From {
        /// Which, and what of it.
        of: Origin,
    },
}

/// What another service has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Origin {
    kind: &'static str,
    name: String,
    property: Option<&'static str>,
    variable: Option<&'static str>,
}

/// The variables in a fixed order: those that Render needs, the service's own, its secrets.
pub(super) fn all(place: &Place, desk: &Desk, service: &Service) -> Vec<Variable> {
    let known = |(key, value): (&str, String)| Variable {
        key: key.to_owned(),
        note: None,
        way: Way::Value { value },
    };
    let mut all: Vec<Variable> = needed(place, service)
        .into_iter()
        .filter(|(key, _)| !service.env.contains_key(*key))
        .map(known)
        .collect();
    if place.is_built_page(service) {
        return all;
    }
    // Render gives variables to the build as its arguments.
    let server = place.page_server(desk, service);
    let conf = server.and_then(|server| page::configuration_in_context(place.bound, service, &server));
    all.extend(conf.map(|conf| known(("NGINX_CONF", conf))));
    for (key, text) in &service.env {
        all.push(Variable { key: key.clone(), note: None, way: way(place, desk, service, text) });
    }
    for (key, requirement) in &service.secrets {
        let optional = *requirement == Requirement::Optional;
        let note = optional.then(|| word::comment("Optional: take this entry out where it is not wanted."));
        all.push(Variable { key: key.clone(), note, way: Way::Ask });
    }
    all
}

/// What Render and its runtimes read.
fn needed(place: &Place, service: &Service) -> Vec<(&'static str, String)> {
    let mut needed = Vec::new();
    if let (Form::Web | Form::Private, Some(port)) = (place.form(service), service.port) {
        // Requests go to this port, and health checks too.
        needed.push(("PORT", port.to_string()));
    }
    let runtime = place.runtime(service);
    match service.build().map(|build| &build.recipe) {
        Some(Recipe::Python(recipe)) if runtime == Runtime::Python => {
            needed.push(("PYTHON_VERSION", python::version(place, service, recipe)));
            needed.push(("PYTHONUNBUFFERED", "1".to_owned()));
            // Relative to the folder in which the service starts.
            let path = recipe.source_root.as_ref().map_or(".".to_owned(), |folder| format!("{folder}:."));
            needed.push(("PYTHONPATH", path));
        }
        Some(Recipe::Spa(recipe)) if runtime == Runtime::Static => {
            needed.push(("NODE_VERSION", recipe.version.clone()));
        }
        _ => {}
    }
    let fastapi = service.build().is_some_and(|build| build.kind == BuildKind::Fastapi);
    if runtime != Runtime::Python && fastapi && takes_workers(place, service) {
        // Uvicorn reads it in place of an argument.
        needed.extend(place.workers(service).map(|workers| ("WEB_CONCURRENCY", workers.to_string())));
    }
    needed
}

/// Where a variable's value comes from.
pub(super) fn way(place: &Place, desk: &Desk, service: &Service, text: &Text) -> Way {
    if let Some(of) = assigned(place, desk, service, text) {
        return Way::From { of };
    }
    if let Some(value) = desk.value(text, service) {
        return Way::Value { value };
    }
    let inside = |name: &Name, property| {
        let of = place.hosts(name).map(|named| Origin {
            kind: place.form(named).as_str(),
            name: place.name(named),
            property: Some(property),
            variable: None,
        });
        of.map_or(Way::Ask, |of| Way::From { of })
    };
    match desk.parts(text, service).as_slice() {
        [ValuePart::Host(name)] => inside(name, "host"),
        [ValuePart::Port(name)] => inside(name, "port"),
        [ValuePart::Host(name), ValuePart::Text(rest)] if is_port_of(desk, name, rest) => {
            inside(name, "hostport")
        }
        _ => Way::Ask,
    }
}

fn is_port_of(desk: &Desk, name: &Name, rest: &str) -> bool {
    let port = desk.bound.services.get(name).and_then(|service| service.port);
    port.is_some_and(|port| *rest == format!(":{port}"))
}

/// A variable that is nothing but the public address of another service: Render knows the one it assigned, which the
/// predicted one may not be.
fn assigned(place: &Place, desk: &Desk, service: &Service, text: &Text) -> Option<Origin> {
    let [
        Part::Reference(Reference::Service {
            service: name,
            field: AddressField::Url | AddressField::Origin,
        }),
    ] = text.parts.as_slice()
    else {
        return None;
    };
    let named = place.hosts(name).filter(|named| place.is_predicted(named) && named.name != service.name)?;
    let same_origin = desk.value(text, service) != place.url(named);
    (!same_origin).then(|| Origin {
        kind: place.form(named).as_str(),
        name: place.name(named),
        property: None,
        variable: Some(EXTERNAL_URL),
    })
}

/// The variables that are asked for although they are no secrets: their names, and of which parts they are made.
pub(crate) fn by_hand<'a>(place: &Place, desk: &Desk, service: &'a Service) -> Vec<(&'a str, &'a Text)> {
    if place.is_built_page(service) {
        return Vec::new();
    }
    let asked = |text: &Text| way(place, desk, service, text) == Way::Ask;
    service.env.iter().filter(|(_, text)| asked(text)).map(|(key, text)| (key.as_str(), text)).collect()
}

/// True where a value holds a predicted address as it is; of a page whose image is pushed, what its build is told.
pub(super) fn holds_prediction(place: &Place, desk: &Desk, service: &Service, url: &str) -> bool {
    let built = place.is_built_page(service);
    let value = |text: &Text| match way(place, desk, service, text) {
        _ if built => desk.value(text, service),
        Way::Value { value } => Some(value),
        _ => None,
    };
    let holds =
        |text: &Text| text.as_literal().is_none() && value(text).is_some_and(|value| value.contains(url));
    service.env.values().any(holds)
}
