//! The parameters of `main.bicep`: what no file may hold, and what is known only when it is used.
//!
//! Given: a sheet. Gives: their declarations, and the lines of the file of parameters, which reads each from the shell's
//! variables, so that no value stands in a file or in a list of arguments.

use dashdeploy_contract::{Name, Requirement, Service, word};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::Sheet;
use crate::config::{Hosting, Stack};
use crate::words;

/// One parameter.
pub(super) struct Parameter {
    description: String,
    kind: &'static str,
    secure: bool,
    /// The value where none is given.
    default: Option<Value>,
    /// The variable it is read from.
    pub(super) variable: Option<String>,
    /// True where nothing works without it.
    pub(super) required: bool,
}

impl Parameter {
    /// True for what is asked of the shell: secrets and what has no value of its own.
    pub(super) fn is_asked(&self) -> bool {
        self.secure || self.required
    }
}

/// All parameters by name, in order.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) all: IndexMap<String, Parameter>,
}

impl Parameters {
    /// Those that follow from the services alone: images, secrets, host names of the user's.
    pub(super) fn of(sheet: &Sheet) -> Self {
        let mut parameters = Self::default();
        let stack = sheet.stack;
        for service in stack.services() {
            match stack.hosting(service) {
                Hosting::App | Hosting::Site => parameters.container(&stack, service),
                Hosting::Page => parameters.page(&stack, service),
                Hosting::Bucket => {}
            }
        }
        parameters
    }

    fn container(&mut self, stack: &Stack, service: &Service) {
        let image = match service.build() {
            Some(_) => format!("{}:latest", stack.image(service)),
            None => stack.image(service),
        };
        let parameter = Parameter {
            description: format!("The image of `{}`, with the tag or digest of the release.", service.name),
            kind: "string",
            secure: false,
            default: Some(Value::from(image)),
            variable: Some(image_variable(&service.name)),
            required: false,
        };
        self.all.insert(Stack::symbol(&service.name, "Image"), parameter);
        for (variable, requirement) in &service.secrets {
            let optional = *requirement == Requirement::Optional;
            let without = if optional { "; left out of the container where it is empty" } else { "" };
            let parameter = Parameter {
                description: format!("The secret {variable} of `{}`{without}.", service.name),
                kind: "string",
                secure: true,
                default: optional.then(|| Value::from("")),
                variable: Some(variable.clone()),
                required: !optional,
            };
            self.all.insert(words::parameter(service.name.as_str(), variable), parameter);
        }
        if let Some(host) = stack.foreign_registry(service) {
            self.login(host);
        }
        if let Some(domain) = stack.bound.domains.get(&service.name)
            && stack.hosting(service) == Hosting::App
        {
            let description =
                format!("The id of the certificate of {domain}, once there is one (see the head).");
            self.by_hand(&service.name, "CertificateId", "string", Value::from(""), description);
        }
    }

    /// The login of a registry that is not Azure's; none where images are public.
    fn login(&mut self, host: &str) {
        let without = Some(Value::from(""));
        let user = format!("The user that pulls from {host}; empty where images are public.");
        self.read("registryUser", "REGISTRY_USER", user, false, without.clone());
        let password = format!("The password or token of that user of {host}.");
        self.read("registryPassword", "REGISTRY_PASSWORD", password, true, without);
    }

    fn page(&mut self, stack: &Stack, service: &Service) {
        if let Some(domain) = stack.bound.domains.get(&service.name) {
            let description = format!("True once {domain} points to the page (see the head).");
            self.by_hand(&service.name, "DomainReady", "bool", Value::from(false), description);
        }
    }

    /// A parameter that is given on the command line, once.
    fn by_hand(
        &mut self,
        service: &Name,
        word: &str,
        kind: &'static str,
        default: Value,
        description: String,
    ) {
        let parameter = Parameter {
            description,
            kind,
            secure: false,
            default: Some(default),
            variable: None,
            required: false,
        };
        self.all.insert(Stack::symbol(service, word), parameter);
    }

    /// The parameter of a variable of the shell.
    pub(super) fn given(&mut self, variable: &str) -> Value {
        let name = format!("given_{variable}");
        self.read(&name, variable, format!("The variable {variable} of the shell that deploys."), true, None);
        word::symbol(&name)
    }

    /// The parameter of the release's id.
    pub(super) fn release(&mut self) -> Value {
        let description = "The id of the release.".to_owned();
        self.read("release", "DASHDEPLOY_RELEASE", description, false, Some(Value::from("by-hand")));
        word::symbol("release")
    }

    /// The parameter of an address on another platform.
    pub(super) fn elsewhere(&mut self, service: &Name, part: &str) -> Value {
        let name = Stack::symbol(service, part);
        let variable = format!("{}_{}", upper(service), part.to_ascii_uppercase());
        let what = part.to_ascii_lowercase();
        self.read(
            &name,
            &variable,
            format!("The {what} of `{service}`, which is not on Azure."),
            false,
            None,
        );
        word::symbol(&name)
    }

    fn read(
        &mut self,
        name: &str,
        variable: &str,
        description: String,
        secure: bool,
        default: Option<Value>,
    ) {
        let required = default.is_none();
        let parameter = Parameter {
            description,
            kind: "string",
            secure,
            default,
            variable: Some(variable.to_owned()),
            required,
        };
        self.all.entry(name.to_owned()).or_insert(parameter);
    }

    /// The declarations.
    pub(super) fn declarations(&self) -> Vec<Value> {
        let one = |(name, parameter): (&String, &Parameter)| {
            json!({
                "name": word::symbol(name),
                "description": parameter.description,
                "kind": word::symbol(parameter.kind),
                "secure": parameter.secure,
                "has_default": parameter.default.is_some(),
                "default": parameter.default,
            })
        };
        self.all.iter().map(one).collect()
    }

    /// The lines of the file of parameters.
    pub(super) fn lines(&self) -> Vec<Value> {
        let read = self
            .all
            .iter()
            .filter_map(|(name, parameter)| Some((name, parameter, parameter.variable.as_ref()?)));
        read.map(|(name, parameter, variable)| {
            json!({
                "name": word::symbol(name),
                "variable": variable,
                "has_default": parameter.default.is_some(),
                "default": parameter.default,
            })
        })
        .collect()
    }
}

/// The variable that a service's image is read from: `API_IMAGE`.
pub(super) fn image_variable(service: &Name) -> String {
    format!("{}_IMAGE", upper(service))
}

fn upper(service: &Name) -> String {
    service.as_str().to_ascii_uppercase().replace('-', "_")
}
