//! The JSON Schema of dashdeploy.yaml (draft 2020-12), so that editors complete, explain and check it.
//!
//! Given: the tables in [`super::keys`]. Gives: one document without external references. Deliberately absent: what a schema
//! cannot say (references between services, ports taken twice); [`super::parse`] says it.

use serde_json::{Map, Value, json};

use super::keys;
use super::shape::{Key, Object, Shape};

/// Where the schema is published.
pub const SCHEMA_URL: &str =
    "https://raw.githubusercontent.com/dashdeploy/dashdeploy/main/templates/schema/dashdeploy.schema.json";

/// The JSON Schema of dashdeploy.yaml.
pub fn schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(SCHEMA_URL));
    schema.insert("title".to_owned(), json!("dashdeploy.yaml"));
    schema.extend(object(&keys::FILE));
    Value::Object(schema)
}

fn of(shape: &Shape) -> Map<String, Value> {
    match shape {
        Shape::Scalar(rule) => fields((rule.json)()),
        Shape::Object(known) => object(known),
        Shape::Nothing => fields(json!({ "type": "null" })),
        Shape::List(item, least) => {
            fields(json!({ "type": "array", "items": Value::Object(of(item)), "minItems": least }))
        }
        Shape::Map(map) => fields(json!({
            "type": "object",
            "propertyNames": (map.key.json)(),
            "additionalProperties": Value::Object(of(&map.value)),
            "minProperties": map.least,
            "maxProperties": map.most,
        })),
        Shape::Either(shapes) => {
            let all: Vec<Value> = shapes.iter().map(|shape| Value::Object(of(shape))).collect();
            fields(json!({ "anyOf": all }))
        }
    }
}

fn object(object: &Object) -> Map<String, Value> {
    let properties: Map<String, Value> =
        object.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut schema = fields(json!({
        "type": "object",
        "properties": properties,
        "required": required(object, |key| key.kinds.is_empty()),
        "additionalProperties": false,
    }));
    if let Some(by) = object.kind {
        schema.insert(
            "allOf".to_owned(),
            Value::Array(kinds(object).map(|kind| rule_of(object, by, kind)).collect()),
        );
    }
    if let Some(more) = object.json {
        schema.extend(fields(more()));
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = Map::from_iter([("description".to_owned(), json!(key.doc))]);
    schema.extend(of(&key.shape));
    Value::Object(schema)
}

fn required(object: &Object, wanted: impl Fn(&Key) -> bool) -> Vec<&'static str> {
    object.keys.iter().filter(|key| key.required && wanted(key)).map(|key| key.name).collect()
}

/// Every kind that any key is made for, once.
fn kinds(object: &Object) -> impl Iterator<Item = &'static str> {
    let mut all: Vec<&str> = object.keys.iter().flat_map(|key| key.kinds.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

/// What holds for one kind: the keys it needs, and those that mean nothing to it.
fn rule_of(object: &Object, by: &str, kind: &'static str) -> Value {
    let foreign = object.keys.iter().filter(|key| !key.is_for(Some(kind)));
    let foreign: Map<String, Value> = foreign.map(|key| (key.name.to_owned(), json!(false))).collect();
    json!({
        "if": { "properties": { by: { "const": kind } }, "required": [by] },
        "then": {
            "properties": foreign,
            "required": required(object, |key| key.kinds.contains(&kind)),
        },
    })
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
