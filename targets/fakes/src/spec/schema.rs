//! Schemas of OpenAPI 3.0 as JSON Schema 2020-12, closed: an object for which properties are named has no others.
//!
//! Given: schemas. Gives: the same, with `nullable` as a type, `oneOf` as `anyOf` (the alternatives of bodies overlap), and
//! `unevaluatedProperties` where an object is whole: of several schemas that describe one object together only the outermost is
//! closed. Deliberately absent: discriminators, read-only properties.

use serde_json::{Value, json};

use super::Object;

/// The keywords whose schemas describe the same thing together.
const TOGETHER: &[&str] = &["allOf", "anyOf", "oneOf"];

/// The schemas of a document, each open: it may be a part of another. What lies in them is closed.
pub(super) fn components(document: &Value) -> Value {
    let schemas = document["components"]["schemas"].as_object();
    let known = json!({ "components": { "schemas": schemas } });
    let opened = schemas.into_iter().flatten().map(|(name, schema)| (name.clone(), open(schema, &known)));
    json!({ "schemas": opened.collect::<Object>() })
}

/// A schema that describes a thing as a whole.
pub(super) fn closed(schema: &Value, document: &Value) -> Value {
    let mut closed = open(schema, document);
    if let Some(object) = closed.as_object_mut()
        && names_properties(schema, document, 0)
    {
        object.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    closed
}

/// A schema that may be a part of the description of a thing.
fn open(schema: &Value, document: &Value) -> Value {
    let Some(object) = schema.as_object() else { return schema.clone() };
    let mut opened = Object::new();
    for (keyword, value) in object {
        let (keyword, value) = match keyword.as_str() {
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                let closed = properties.map(|(name, schema)| (name.clone(), closed(schema, document)));
                ("properties", Value::Object(closed.collect()))
            }
            "items" | "additionalProperties" => (keyword.as_str(), closed(value, document)),
            together if TOGETHER.contains(&together) => {
                let members = value.as_array().into_iter().flatten().map(|member| open(member, document));
                (if together == "oneOf" { "anyOf" } else { together }, members.collect())
            }
            // Numbers in 2020-12, and in no way needed to know a field.
            "exclusiveMinimum" | "exclusiveMaximum" | "nullable" | "example" | "default"
            | "discriminator" => continue,
            other => (other, value.clone()),
        };
        opened.insert(keyword.to_owned(), value);
    }
    if schema["nullable"] == true {
        return json!({ "anyOf": [{ "type": "null" }, opened] });
    }
    Value::Object(opened)
}

/// True where a schema says which properties an object has, itself or by what it is made of. One that takes any others says so.
fn names_properties(schema: &Value, document: &Value, depth: usize) -> bool {
    // Schemas that are made of themselves name nothing new.
    if depth > 8 {
        return false;
    }
    let target = schema["$ref"].as_str().and_then(|reference| document.pointer(&pointer(reference)?));
    let members = TOGETHER.iter().filter_map(|together| schema[*together].as_array()).flatten();
    schema.get("properties").is_some()
        || target.into_iter().chain(members).any(|part| names_properties(part, document, depth + 1))
}

/// A schema with all that it points to, and no more: a document has hundreds.
pub(super) fn alone(mut schema: Value, document: &Value) -> Value {
    let mut wanted = Vec::new();
    references(&schema, &mut wanted);
    let mut at = 0;
    while let Some(reference) = wanted.get(at).cloned() {
        at += 1;
        let Some(place) = pointer(&reference) else { continue };
        let Some(target) = document.pointer(&place) else { continue };
        references(target, &mut wanted);
        put(&mut schema, &place, target);
    }
    schema
}

/// Puts a value where a pointer leads. Where something else than an object is on the way, a whole stands there that it is in.
fn put(schema: &mut Value, pointer: &str, value: &Value) {
    let mut here = schema;
    for part in pointer.split('/').skip(1) {
        if !here.is_null() && !here.is_object() {
            return;
        }
        here = &mut here[part.replace("~1", "/").replace("~0", "~")];
    }
    *here = value.clone();
}

/// Adds what a schema points to, each once.
fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(reference) =
                schema["$ref"].as_str().filter(|reference| !found.iter().any(|known| known == reference))
            {
                found.push(reference.to_owned());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The JSON pointer of a reference within the document.
fn pointer(reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    Some(percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned())
}
