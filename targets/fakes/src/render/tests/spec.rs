//! The vendor's OpenAPI document, and what was said held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::Said;
use crate::Call;

/// Paths of the vendor that a deploy uses and that are played here, and the methods of each.
const PLAYED: &[(&str, &str)] = &[
    ("/users", "get"),
    ("/owners", "get"),
    ("/owners/{ownerId}", "get"),
    ("/logs", "get"),
    ("/registrycredentials", "get post"),
    ("/registrycredentials/{registryCredentialId}", "get patch delete"),
    ("/disks", "get post"),
    ("/disks/{diskId}", "get patch delete"),
    ("/services", "get post"),
    ("/services/{serviceId}", "get patch delete"),
    ("/services/{serviceId}/suspend", "post"),
    ("/services/{serviceId}/resume", "post"),
    ("/services/{serviceId}/scale", "post"),
    ("/services/{serviceId}/instances", "get"),
    ("/services/{serviceId}/cache/purge", "post"),
    ("/services/{serviceId}/deploys", "get post"),
    ("/services/{serviceId}/deploys/{deployId}", "get"),
    ("/services/{serviceId}/deploys/{deployId}/cancel", "post"),
    ("/services/{serviceId}/rollback", "post"),
    ("/services/{serviceId}/env-vars", "get put"),
    ("/services/{serviceId}/env-vars/{envVarKey}", "get put delete"),
    ("/services/{serviceId}/secret-files", "get put"),
    ("/services/{serviceId}/secret-files/{secretFileName}", "get put delete"),
    ("/services/{serviceId}/routes", "get post put"),
    ("/services/{serviceId}/routes/{routeId}", "delete"),
    ("/services/{serviceId}/headers", "get post put"),
    ("/services/{serviceId}/headers/{headerId}", "delete"),
    ("/services/{serviceId}/custom-domains", "get post"),
    ("/services/{serviceId}/custom-domains/{customDomainIdOrName}", "get delete"),
    ("/services/{serviceId}/custom-domains/{customDomainIdOrName}/verify", "post"),
];

/// The document, with what was made of it.
pub(super) struct Spec {
    document: Value,
    validators: Mutex<BTreeMap<String, &'static Validator>>,
}

/// The document, where it is at hand: in the folder that `DASHDEPLOY_SPECS` names, otherwise beside the repository.
#[allow(clippy::disallowed_methods, reason = "a test reads the vendor's document")]
fn spec() -> Option<&'static Spec> {
    static SPEC: OnceLock<Option<Spec>> = OnceLock::new();
    let read = || {
        let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
        let folder = std::env::var_os("DASHDEPLOY_SPECS").map_or_else(beside, PathBuf::from);
        let Ok(text) = std::fs::read_to_string(folder.join("render.openapi.json")) else {
            println!(
                "SKIPPED: the vendor's render.openapi.json is not there (DASHDEPLOY_SPECS names the folder)"
            );
            return None;
        };
        let mut document: Value = serde_json::from_str(&text).expect("the vendor's document is JSON");
        loosen(&mut document);
        Some(Spec { document, validators: Mutex::default() })
    };
    SPEC.get_or_init(read).as_ref()
}

/// `serviceDetails` is one of several objects of which each fits several: what it is decided by stands beside it, so that it is
/// held against that one alone, in [`Spec::details`]. The details of an image are those of a Dockerfile, which the document
/// has no word for either.
fn loosen(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("serviceDetails").is_some_and(|details| details.get("oneOf").is_some()) {
                fields["serviceDetails"] = json!({ "type": "object" });
            }
            fields.values_mut().for_each(loosen);
        }
        Value::Array(items) => items.iter_mut().for_each(loosen),
        _ => {}
    }
}

impl Spec {
    /// Complaints about a value that is held against a part of the document.
    fn complaints(&self, pointer: &str, value: &Value) -> Vec<String> {
        let mut validators = self.validators.lock().expect("no test panics within");
        let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
            let mut schema = json!({ "$ref": format!("#{pointer}") });
            for part in ["components", "paths"] {
                schema[part] = self.document[part].clone();
            }
            let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
            Box::leak(Box::new(options.build(&schema).expect("the document is a schema")))
        });
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Complaints about the details of a service, by its type.
    fn details(&self, service: &Value, suffix: &str) -> Vec<String> {
        let kind = match service["type"].as_str() {
            Some("static_site") => "staticSiteDetails",
            Some("web_service") => "webServiceDetails",
            Some("private_service") => "privateServiceDetails",
            Some("background_worker") => "backgroundWorkerDetails",
            _ => return Vec::new(),
        };
        self.complaints(&format!("/components/schemas/{kind}{suffix}"), &service["serviceDetails"])
    }

    /// The template of a path.
    fn template(&self, path: &str) -> Option<&str> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let known: Vec<&str> = template.split('/').collect();
            known.len() == parts.len()
                && known.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
        };
        self.document["paths"]
            .as_object()?
            .keys()
            .map(String::as_str)
            .filter(|template| fits(template))
            .min_by_key(|template| template.matches('{').count())
    }
}

/// What was answered so far by this thread: operation and status.
fn seen(add: Option<(String, u16)>) -> BTreeSet<(String, u16)> {
    thread_local!(static SEEN: std::cell::RefCell<BTreeSet<(String, u16)>> = const { std::cell::RefCell::new(BTreeSet::new()) });
    SEEN.with_borrow_mut(|seen| {
        seen.extend(add);
        seen.clone()
    })
}

/// Holds an answer, and the request where it was taken, against the document.
#[track_caller]
pub(super) fn hold(call: &Call, said: &Said) {
    let path = call.path.strip_prefix("/v1").unwrap_or(&call.path);
    let method = call.method.to_lowercase();
    let Some(spec) = spec() else { return };
    let Some(template) = spec.template(path) else { return };
    let pointer = format!("/paths/{}/{method}", template.replace('~', "~0").replace('/', "~1"));
    let Some(operation) = spec.document.pointer(&pointer) else { return };
    seen(Some((format!("{method} {template}"), said.status)));
    if said.status == 501 {
        return;
    }
    // Refused as a whole, before the operation is looked at: 406 and 429 are not listed everywhere, 400 not everywhere either.
    let listed = &operation["responses"][said.status.to_string()];
    assert!(
        !listed.is_null() || [400, 406, 429].contains(&said.status),
        "{method} {template} may not answer {}",
        said.status
    );
    let response = listed["$ref"]
        .as_str()
        .map_or(format!("{pointer}/responses/{}", said.status), |reference| reference[1..].to_owned());
    let schema = format!("{response}/content/application~1json/schema");
    if spec.document.pointer(&schema).is_some() {
        let encoded = schema.replace('{', "%7B").replace('}', "%7D");
        assert_eq!(
            spec.complaints(&encoded, &said.body),
            Vec::<String>::new(),
            "{method} {template} {}: {}",
            said.status,
            said.body
        );
        hold_services(spec, &said.body);
    } else {
        assert!(
            said.body.is_null() || said.status >= 400,
            "{method} {template} {} has no body: {}",
            said.status,
            said.body
        );
    }
    hold_request(spec, call, said, &pointer);
}

/// The services in an answer, wherever they stand.
fn hold_services(spec: &Spec, body: &Value) {
    let services = match body {
        Value::Array(items) => items.iter().filter_map(|item| item.get("service")).collect(),
        body => vec![body.get("service").unwrap_or(body)],
    };
    for service in services {
        assert_eq!(spec.details(service, ""), Vec::<String>::new(), "{service}");
    }
}

/// What was taken must have been asked in the document's words.
fn hold_request(spec: &Spec, call: &Call, said: &Said, pointer: &str) {
    let schema = format!("{pointer}/requestBody/content/application~1json/schema");
    if said.status >= 300 || spec.document.pointer(&schema).is_none() {
        return;
    }
    let body: Value = serde_json::from_slice(&call.body).expect("a request is JSON");
    let encoded = schema.replace('{', "%7B").replace('}', "%7D");
    assert_eq!(spec.complaints(&encoded, &body), Vec::<String>::new(), "{pointer}: {body}");
    if call.method == "POST" && body.get("serviceDetails").is_some() {
        assert_eq!(spec.details(&body, "POST"), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn the_document_knows_what_is_played() {
    let Some(spec) = spec() else { return };
    for (path, methods) in PLAYED {
        for method in methods.split(' ') {
            assert!(spec.document["paths"][path][method].is_object(), "{method} {path}");
        }
    }
}

/// Everything that is played is asked for once with success, and held against the document on the way.
#[test]
fn every_kind_of_answer_is_the_vendors() {
    if spec().is_none() {
        return;
    }
    super::services::round();
    super::deploys::round();
    super::settings::round();
    super::disks::round();
    super::domains::round();
    super::pages::round();
    super::logs::round();
    super::accounts::round();
    let seen = seen(None);
    let missing = PLAYED
        .iter()
        .flat_map(|(path, methods)| methods.split(' ').map(move |method| format!("{method} {path}")));
    let missing: Vec<String> =
        missing.filter(|name| !seen.iter().any(|(known, status)| known == name && *status < 300)).collect();
    assert!(missing.is_empty(), "not asked: {missing:?}");
}

/// The check itself can fail.
#[test]
fn an_answer_of_another_form_is_seen() {
    let Some(spec) = spec() else { return };
    let owner = "/components/schemas/owner";
    assert_eq!(
        spec.complaints(owner, &json!({ "id": "i", "name": "n", "email": "e", "type": "team" })),
        Vec::<String>::new()
    );
    assert!(
        !spec.complaints(owner, &json!({ "id": "i", "name": "n", "email": "e", "type": "club" })).is_empty()
    );
}
