//! Requests held against the vendor's own OpenAPI document (3.0): what the document does not name is refused.
//!
//! Given: a document, and requests. Gives: what is wrong with a request: path, method, parameters of the query, body. An object for
//! which the document names properties may have no other. Deliberately absent: answers, headers, and which of several
//! alternatives of a body must be the only one that fits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Call, held};

mod schema;

/// A request that the document does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The request's number in the log.
    pub number: u64,
    /// The platform.
    pub platform: &'static str,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// What is wrong, without the values that were sent.
    pub problems: Vec<String>,
}

/// A document, ready to hold requests against.
pub(crate) struct Spec {
    /// What comes before its paths: `/v1`.
    base: String,
    operations: Vec<Operation>,
    /// What its schemas point into, the named ones closed; see `schema`.
    document: Value,
    validators: Mutex<BTreeMap<usize, Arc<Validator>>>,
}

/// A path and a method of it.
struct Operation {
    method: String,
    /// Parts; one in braces stands for any.
    path: Vec<String>,
    query: Vec<Parameter>,
    body: Option<Value>,
    needs_body: bool,
}

/// A parameter of the query.
struct Parameter {
    name: String,
    kind: String,
    required: bool,
}

impl Spec {
    /// Reads a document. `nullable` are pointers to schemas in it that take null as well, where the document forgot to say so.
    ///
    /// # Errors
    /// What it lacks.
    pub(crate) fn read(document: &Value, nullable: &[&str]) -> Result<Self, String> {
        let mut document = document.clone();
        for pointer in nullable {
            let place = document.pointer_mut(pointer).and_then(Value::as_object_mut);
            place
                .ok_or_else(|| format!("the document has no {pointer}"))?
                .insert("nullable".to_owned(), json!(true));
        }
        let paths = document["paths"].as_object().filter(|paths| !paths.is_empty());
        let paths = paths.ok_or("the document has no paths: is it OpenAPI 3.0?")?;
        let mut operations = Vec::new();
        for (path, item) in paths {
            let shared = &item["parameters"];
            for (method, operation) in item.as_object().into_iter().flatten() {
                if ["get", "put", "post", "patch", "delete", "head"].contains(&method.as_str()) {
                    operations.push(Operation::read(&document, method, path, shared, operation));
                }
            }
        }
        let url = document["servers"][0]["url"].as_str().unwrap_or_default();
        let base = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            operations,
            document: json!({ "components": schema::components(&document), "paths": document["paths"] }),
            validators: Mutex::default(),
        })
    }

    /// What is wrong with a request; nothing of one that is not below the document's address.
    ///
    /// # Errors
    /// Where the document's schema for the body cannot be used.
    pub(crate) fn problems(&self, call: &Call) -> Result<Vec<String>, String> {
        let Some(path) = call.path.strip_prefix(&self.base).filter(|path| path.starts_with('/')) else {
            return Ok(Vec::new());
        };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let mut fitting: Vec<usize> =
            (0..self.operations.len()).filter(|at| self.operations[*at].fits(&parts)).collect();
        if fitting.is_empty() {
            return Ok(vec![format!("the document has no path {path}")]);
        }
        // Of several paths the one with fewest places for anything.
        fitting
            .sort_by_key(|at| self.operations[*at].path.iter().filter(|part| part.starts_with('{')).count());
        let Some(at) = fitting.into_iter().find(|at| self.operations[*at].method == call.method) else {
            return Ok(vec![format!("the document has no {} {path}", call.method)]);
        };
        let operation = &self.operations[at];
        let mut problems = operation.query_problems(call);
        problems.extend(self.body_problems(at, call)?);
        Ok(problems)
    }

    fn body_problems(&self, at: usize, call: &Call) -> Result<Vec<String>, String> {
        let operation = &self.operations[at];
        let Some(schema) = &operation.body else {
            let empty = matches!(call.body.as_slice(), b"" | b"{}" | b"null");
            return Ok(if empty { Vec::new() } else { vec!["the document has no body here".to_owned()] });
        };
        if call.body.is_empty() {
            return Ok(if operation.needs_body {
                vec!["the body is missing".to_owned()]
            } else {
                Vec::new()
            });
        }
        let body: Value = match serde_json::from_slice(&call.body) {
            Ok(body) => body,
            Err(error) => return Ok(vec![format!("the body is no JSON: {error}")]),
        };
        let validator = self.validator(at, schema)?;
        let errors: Vec<(String, String)> = validator
            .iter_errors(&body)
            .map(|error| (error.instance_path().to_string(), error.masked().to_string()))
            .collect();
        // A property with something wrong in it counts as not known where it stands: what is wrong in it says more.
        let deeper = |at: &str| errors.iter().any(|(other, _)| other.starts_with(&format!("{at}/")));
        let telling = errors.iter().filter(|(at, _)| !deeper(at));
        Ok(telling.map(|(at, words)| format!("body{at}: {words}")).collect())
    }

    fn validator(&self, at: usize, schema: &Value) -> Result<Arc<Validator>, String> {
        if let Some(known) = held(&self.validators).get(&at) {
            return Ok(Arc::clone(known));
        }
        let whole = schema::alone(schema::closed(schema, &self.document), &self.document);
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        let validator =
            options.build(&whole).map_err(|error| format!("the document's schema: {}", error.masked()))?;
        let validator = Arc::new(validator);
        held(&self.validators).insert(at, Arc::clone(&validator));
        Ok(validator)
    }
}

impl Operation {
    fn read(document: &Value, method: &str, path: &str, shared: &Value, operation: &Value) -> Self {
        let both = [shared, &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        let query = both
            .map(|parameter| resolved(document, parameter))
            .filter(|parameter| parameter["in"] == "query");
        let body = resolved(document, &operation["requestBody"]);
        Self {
            method: method.to_uppercase(),
            path: path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            query: query.map(|parameter| Parameter::read(document, parameter)).collect(),
            body: body["content"]["application/json"].get("schema").cloned(),
            needs_body: body["required"] == true,
        }
    }

    fn fits(&self, parts: &[&str]) -> bool {
        self.path.len() == parts.len()
            && self.path.iter().zip(parts).all(|(known, part)| known.starts_with('{') || known == part)
    }

    fn query_problems(&self, call: &Call) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, value) in &call.query {
            let Some(known) = self.query.iter().find(|known| known.name == *name) else {
                problems.push(format!("the document has no parameter {name} here"));
                continue;
            };
            let fits = match known.kind.as_str() {
                "integer" => value.parse::<i64>().is_ok(),
                "number" => value.parse::<f64>().is_ok(),
                "boolean" => value == "true" || value == "false",
                _ => true,
            };
            if !fits {
                problems.push(format!("parameter {name} must be of type {}", known.kind));
            }
        }
        let missing = self.query.iter().filter(|known| known.required && call.asked(&known.name).is_none());
        problems.extend(missing.map(|known| format!("parameter {} is missing", known.name)));
        problems
    }
}

impl Parameter {
    fn read(document: &Value, parameter: &Value) -> Self {
        let schema = resolved(document, &parameter["schema"]);
        Self {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            kind: schema["type"].as_str().unwrap_or_default().to_owned(),
            required: parameter["required"] == true,
        }
    }
}

/// What a reference means; of what is none, itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// Names with what they mean.
type Object = Map<String, Value>;

#[cfg(test)]
mod tests;
