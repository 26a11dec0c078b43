//! A variable's value in Bicep: what is known as text, everything else as names of code.

use dashdeploy_contract::{Name, Service, Text, ValuePart, word};
use serde_json::Value;

use super::Sheet;
use super::parameters::Parameters;
use crate::config::{Hosting, Stack};

/// A value, and whether all of it is known beforehand.
pub(super) struct Bicep {
    pub(super) value: Value,
    pub(super) known: bool,
}

impl Bicep {
    pub(super) fn of(sheet: &Sheet, service: &Service, text: &Text, parameters: &mut Parameters) -> Self {
        let parts = sheet.desk.parts(text, service);
        let known = parts.iter().all(|part| matches!(part, ValuePart::Text(_)));
        let mut values: Vec<Value> = parts.iter().map(|part| one(sheet, part, parameters)).collect();
        let value = match values.len() {
            0 => Value::from(""),
            1 => values.remove(0),
            _ => word::join(&values),
        };
        Self { value, known }
    }
}

fn one(sheet: &Sheet, part: &ValuePart, parameters: &mut Parameters) -> Value {
    match part {
        ValuePart::Text(text) => Value::from(text.as_str()),
        ValuePart::Url(name) if is_assigned_here(sheet, name) => word::symbol(&Stack::symbol(name, "Url")),
        ValuePart::Url(name) => parameters.elsewhere(name, "Url"),
        ValuePart::Host(name) => parameters.elsewhere(name, "Host"),
        ValuePart::Port(name) => parameters.elsewhere(name, "Port"),
        ValuePart::Given(name) => parameters.given(name),
        ValuePart::Release => parameters.release(),
    }
}

/// True where Azure assigns the address, so that the template knows it.
fn is_assigned_here(sheet: &Sheet, name: &Name) -> bool {
    let service = sheet.desk.bound.services.get(name).filter(|service| sheet.stack.is_here(&service.name));
    service.is_some_and(|service| sheet.stack.hosting(service) != Hosting::Site)
}
