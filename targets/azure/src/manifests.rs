//! A release's desired form as the files that Azure's own tools read.
//!
//! Given: a desk. Gives: `main.bicep` with its parameters (everything), a file for each Container App (its next revision),
//! `staticwebapp.config.json` for each Static Web App. Deliberately absent: the settings of App Service as a file of their
//! own. `az webapp config appsettings set --settings @FILE` reads a bare list or a map of settings, and neither can hold the
//! head by which dashdeploy knows its own files; they stand in `main.bicep` alone.

mod app;
mod bicep;
mod domains;
mod heads;
mod page;
mod page_steps;
mod parameters;
mod site;
mod value;

use dashdeploy_contract::{Desk, Manifest, Manifests, Name, Service, Template};
use serde_json::json;

use crate::config::{Hosting, Stack};
pub(crate) use page::{called, unknown};
use parameters::Parameters;
pub(crate) use site::has_slot;

/// The templates.
pub(crate) const TEMPLATES: [Template; 4] = [
    ("azure/main.bicep.j2", include_str!("../templates/main.bicep.j2")),
    ("azure/parameters.bicep.j2", include_str!("../templates/parameters.bicep.j2")),
    ("azure/containerapp.manifest.yaml.j2", include_str!("../templates/containerapp.manifest.yaml.j2")),
    ("azure/staticwebapp.config.json.j2", include_str!("../templates/staticwebapp.config.json.j2")),
];

/// What the files of one environment are made from.
#[derive(Clone, Copy)]
struct Sheet<'a> {
    desk: &'a Desk<'a>,
    stack: Stack<'a>,
}

/// The files.
pub(crate) fn all(desk: &Desk, stack: Stack) -> Manifests {
    let sheet = Sheet { desk, stack };
    if stack.services().next().is_none() {
        return Manifests::default();
    }
    let mut parameters = Parameters::of(&sheet);
    let apps: Vec<(&Service, app::App)> = stack
        .hosted(Hosting::App)
        .map(|service| (service, app::App::of(&sheet, service, &mut parameters)))
        .collect();
    let sites: Vec<serde_json::Value> =
        stack.hosted(Hosting::Site).map(|service| site::context(&sheet, service, &mut parameters)).collect();
    let mut files = vec![
        Manifest {
            path: sheet.bicep(),
            template: "azure/main.bicep.j2",
            context: bicep::context(&sheet, &apps, sites, &parameters),
            head: heads::bicep(&sheet, &parameters),
            key: sheet.key(),
        },
        Manifest {
            path: sheet.parameters(),
            template: "azure/parameters.bicep.j2",
            context: json!({ "template": sheet.template(), "parameters": parameters.lines() }),
            head: heads::parameters(&sheet),
            key: sheet.key(),
        },
    ];
    files.extend(apps.iter().map(|(service, app)| Manifest {
        path: desk.path(&format!("deploy/azure/{}.containerapp.yaml", service.name)),
        template: "azure/containerapp.manifest.yaml.j2",
        context: app.yaml(),
        head: heads::app(&sheet, service, app),
        key: format!("services.{}", service.name),
    }));
    files.extend(stack.hosted(Hosting::Page).map(|service| page::manifest(&sheet, service)));
    Manifests { files, findings: Vec::new() }
}

impl Sheet<'_> {
    fn key(&self) -> String {
        format!("environments.{}", self.desk.bound.environment)
    }

    fn bicep(&self) -> String {
        self.desk.path("deploy/azure/main.bicep")
    }

    fn parameters(&self) -> String {
        self.desk.path("deploy/azure/main.bicepparam")
    }

    /// The template as its parameters name it.
    fn template(&self) -> String {
        format!("./{}", self.bicep().rsplit('/').next().unwrap_or_default())
    }

    /// The folder that a page's `staticwebapp.config.json` lies in: the name of the file is fixed.
    /// Source: learn.microsoft.com, "Configure Azure Static Web Apps", file location.
    fn page_folder(&self, page: &Name) -> String {
        let several = self.stack.hosted(Hosting::Page).count() > 1;
        let mut folder = "deploy/azure".to_owned();
        for part in self.desk.suffix.into_iter().chain(several.then_some(page.as_str())) {
            folder = format!("{folder}/{part}");
        }
        folder
    }
}
