//! The response headers of a static service that nginx serves, and what is wrong with the user's own.

use dashdeploy_contract::page::{self, UnfitHeader};
use dashdeploy_contract::{Finding, Service};

use crate::render::sheet::Sheet;

/// Names and values in a fixed order: built-in ones, then the user's own.
pub fn headers(sheet: &mut Sheet<'_>, service: &Service, origins: &[String]) -> Vec<(String, String)> {
    for (name, value) in &service.headers {
        if let Some(unfit) = page::unfit_header(name, value) {
            sheet.find(finding(&format!("services.{}.headers.{name}", service.name), name, unfit));
        }
    }
    page::headers(service, origins)
}

fn finding(key: &str, name: &str, unfit: UnfitHeader) -> Finding {
    match unfit {
        UnfitHeader::Name => {
            let message = format!("`{}` is no name of a header", name.escape_debug());
            Finding::error("header-name", key, message).hint("A-Z, a-z, 0-9 and - are allowed")
        }
        UnfitHeader::Reserved => {
            Finding::error("header-name", key, format!("`{name}` is set by the server itself"))
        }
        UnfitHeader::Value => {
            let message = format!("the value of `{name}` holds more than visible ASCII characters");
            Finding::error("value-not-carried", key, message)
        }
    }
}
