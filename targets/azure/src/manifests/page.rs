//! `staticwebapp.config.json`: fallback, headers and caching of a Static Web App.
//!
//! Given: a page. Gives: its rules in Azure's form. Source: learn.microsoft.com, "Configure Azure Static Web Apps".

use dashdeploy_contract::page::{ASSETS, CACHE_ASSETS, CACHE_PAGES, headers, origins};
use dashdeploy_contract::{AddressField, Desk, Manifest, Name, Part, Reference, Service, Text};
use serde_json::json;

use super::Sheet;
use crate::config::{Hosting, Stack};

/// Ends of paths that are files. A rule of a Static Web App lists them; it has no pattern for any end
/// (learn.microsoft.com, "Configure Azure Static Web Apps", wildcards). `html` must not be among them: a path without an end is
/// also looked at as `PATH/index.html`, and would never get the page. Nor are words that paths of pages end with (`map`,
/// `csv`, `pdf`): the emulator of Microsoft does not look for the dot.
const FILE_ENDS: [&str; 25] = [
    "css",
    "js",
    "mjs",
    "json",
    "webmanifest",
    "xml",
    "txt",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "ico",
    "webp",
    "avif",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "wasm",
    "mp3",
    "mp4",
    "webm",
    "ogg",
];

pub(super) fn manifest(sheet: &Sheet, page: &Service) -> Manifest {
    let mut global = serde_json::Map::new();
    for (name, value) in headers(page, &called(sheet.desk, &sheet.stack, page)) {
        global.insert(name, value.into());
    }
    if !global.keys().any(|name| name.eq_ignore_ascii_case("cache-control")) {
        global.insert("Cache-Control".to_owned(), CACHE_PAGES.into());
    }
    let mut exclude =
        vec![format!("{ASSETS}*"), "/api/*".to_owned(), format!("/*.{{{}}}", FILE_ENDS.join(","))];
    for prefix in page.proxy.keys() {
        let rule = format!("{}/*", prefix.trim_end_matches('/'));
        if !exclude.contains(&rule) {
            exclude.push(rule);
        }
    }
    Manifest {
        path: format!("{}/staticwebapp.config.json", sheet.page_folder(&page.name)),
        template: "azure/staticwebapp.config.json.j2",
        context: json!({
            "assets": format!("{ASSETS}*"),
            "cache": CACHE_ASSETS,
            "fallback": page.is_spa(),
            "exclude": exclude,
            "headers": global,
        }),
        head: Vec::new(),
        key: format!("services.{}", page.name),
    }
}

/// The origins that the page calls. Where one is assigned by Azure, every address of Container Apps is allowed; where it is
/// on another platform and unknown, every address of HTTPS.
pub(crate) fn called(desk: &Desk, stack: &Stack, page: &Service) -> Vec<String> {
    let mut all = origins(page, desk.wiring);
    for name in unknown(desk, page) {
        let here = desk.bound.services.get(name).filter(|service| stack.is_here(&service.name));
        let wide = match here.map(|service| stack.hosting(service)) {
            Some(Hosting::App) => ["https://*.azurecontainerapps.io", "wss://*.azurecontainerapps.io"],
            _ => ["https:", "wss:"],
        };
        all.extend(wide.map(str::to_owned));
    }
    all.sort();
    all.dedup();
    all
}

/// The services that the page calls by an address that is not known beforehand.
pub(crate) fn unknown<'a>(desk: &Desk, page: &'a Service) -> Vec<&'a Name> {
    let mut names = Vec::new();
    for reference in page.env.values().flat_map(|text| text.references()) {
        let Reference::Service { service, field: AddressField::Url | AddressField::Origin } = reference
        else {
            continue;
        };
        let alone = Text { parts: vec![Part::Reference(reference.clone())] };
        if desk.wiring.resolve(&alone, page).is_err() && !names.contains(&service) {
            names.push(service);
        }
    }
    names
}
