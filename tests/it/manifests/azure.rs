//! What Azure reads: templates by two parsers of Bicep, Azure's own types and ARM's schemas; the YAML of Container Apps by
//! ARM's schema; the rules of Static Web Apps by Microsoft's emulator.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{below, examples, nasty, nasty_values, rendered, spec};
use crate::support::{Answer, Project, eventually, free_port, get, repository, tool};

/// The reader beside this file, and the vendor's contracts.
struct Reader {
    python: PathBuf,
    specs: PathBuf,
}

impl Reader {
    fn of(test: &str) -> Option<Self> {
        let python = tool(test, "TOOLS_PYTHON")?;
        let one = spec(test, "azure-armschema-Microsoft.App-2025-07-01.json")?;
        Some(Self { python, specs: one.parent().unwrap().to_path_buf() })
    }

    fn run(&self, arguments: &[&Path]) -> Result<Value, String> {
        let script = repository().join("tests/it/manifests/azure.py");
        let output =
            Command::new(&self.python).arg(script).args(arguments).stdin(Stdio::null()).output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[track_caller]
    fn bicep(&self, project: &Project, path: &str) -> Value {
        self.try_bicep(&project.path().join(path)).unwrap_or_else(|faults| panic!("{path}: {faults}"))
    }

    fn try_bicep(&self, path: &Path) -> Result<Value, String> {
        self.run(&[Path::new("bicep"), &self.specs, path])
    }

    #[track_caller]
    fn parameters(&self, project: &Project, path: &str) -> Value {
        let read = self.run(&[Path::new("parameters"), &project.path().join(path)]);
        read.unwrap_or_else(|faults| panic!("{path}: {faults}"))
    }

    #[track_caller]
    fn app(&self, project: &Project, path: &str) -> Value {
        let read = self.run(&[Path::new("app"), &self.specs, &project.path().join(path)]);
        read.unwrap_or_else(|faults| panic!("{path}: {faults}"))
    }

    /// Reads every file of a project, and how they belong together.
    #[track_caller]
    fn all(&self, project: &Project) {
        let files = below(project.path(), &|path| path.starts_with("deploy/azure/"));
        for path in &files {
            if path.ends_with(".bicep") {
                let template = self.bicep(project, path);
                self.belongs(project, path, &template);
            } else if path.ends_with(".yaml") {
                self.app(project, path);
            }
        }
        assert!(files.iter().any(|path| path.ends_with(".bicep")), "{files:?}");
    }

    /// The file of parameters gives the template all that it has no value for, and nothing that it does not know.
    #[track_caller]
    fn belongs(&self, project: &Project, path: &str, template: &Value) {
        let parameters = self.parameters(project, &path.replace(".bicep", ".bicepparam"));
        assert_eq!(parameters["using"], format!("./{}", path.rsplit('/').next().unwrap()));
        let given = parameters["parameters"].as_object().unwrap();
        let declared = template["parameters"].as_object().unwrap();
        for name in given.keys() {
            assert!(declared.contains_key(name), "{path}: `{name}` is no parameter");
        }
        for (name, parameter) in declared.iter().filter(|(_, parameter)| parameter["has_default"] == false) {
            assert!(given.contains_key(name), "{path}: `{name}` is not given: {parameter}");
        }
        for (name, parameter) in declared.iter().filter(|(_, parameter)| parameter["secure"] == true) {
            let default = &parameter["default"];
            assert!(default.is_null() || default == "", "{path}: `{name}` has a value: {default}");
        }
    }
}

#[test]
fn every_example_is_read() {
    let Some(reader) = Reader::of("azure::every_example_is_read") else { return };
    for (_, yaml) in examples() {
        reader.all(&rendered(&yaml, "azure"));
    }
}

/// Each option, in lines below an environment.
const OPTIONS: [&str; 12] = [
    "target: azure",
    "target: azure\nregion: germanywestcentral",
    "target: azure\noptions: { hosting: app-service, sku: B1 }",
    "target: azure\noptions: { hosting: app-service, sku: P0v3, insights: true }",
    "target: azure\noptions: { hosting: app-service, logs: none }",
    "target: azure\noptions: { page_hosting: storage }",
    "target: azure\noptions: { page_sku: Free }",
    "target: azure\noptions: { page_sku: Standard, name_suffix: acme }",
    "target: azure\noptions: { volume_protocol: smb }",
    "target: azure\noptions: { min_replicas: 0, logs: none, insights: true }",
    "target: azure\noptions: { acr: acmeimages }\nregistry: acmeimages.azurecr.io/team",
    "target: azure\nregistry: ghcr.io/acme\nservices:\n  api: { domain: api.example.com }\n  web: { domain: www.example.com }",
];

#[test]
fn every_option_is_read() {
    let Some(reader) = Reader::of("azure::every_option_is_read") else { return };
    for lines in OPTIONS {
        reader.all(&rendered(&nasty(lines), "azure"));
    }
}

#[test]
fn values_are_what_was_meant() {
    let Some(reader) = Reader::of("azure::values_are_what_was_meant") else { return };
    let project = rendered(&nasty("target: azure\nregion: westeurope"), "azure");
    let template = reader.bicep(&project, "deploy/azure/main.bicep");
    let container =
        |app: &Value| app["properties"]["template"]["containers"][0]["env"].as_array().unwrap().clone();
    let app = reader.app(&project, "deploy/azure/api.containerapp.yaml");
    for env in [container(&template["resources"]["apiApp"]["body"]), container(&app)] {
        for (name, value) in nasty_values() {
            let item = env.iter().find(|item| item["name"] == name.as_str()).unwrap();
            assert_eq!(item["value"], value, "{name}");
        }
        let origin = env.iter().find(|item| item["name"] == "CORS_ORIGINS").unwrap();
        assert_eq!(origin["secretRef"], "cors-origins");
    }
    let project = rendered(&nasty("target: azure\noptions: { hosting: app-service }"), "azure");
    let template = reader.bicep(&project, "deploy/azure/main.bicep");
    let settings =
        template["resources"]["apiSite"]["body"]["properties"]["siteConfig"]["appSettings"].clone();
    for (name, value) in nasty_values() {
        let item = settings.as_array().unwrap().iter().find(|item| item["name"] == name.as_str()).unwrap();
        assert_eq!(item["value"], value, "{name}");
    }
}

#[test]
fn page_and_service_know_each_other_without_a_circle() {
    let Some(reader) = Reader::of("azure::page_and_service_know_each_other_without_a_circle") else { return };
    let project = rendered(&nasty("target: azure\noptions: { page_sku: Free }"), "azure");
    let template = reader.bicep(&project, "deploy/azure/main.bicep");
    let secrets = &template["resources"]["apiApp"]["body"]["properties"]["configuration"]["secrets"];
    assert_eq!(secrets[0]["value"]["code"], "webUrl", "{secrets}");
    assert!(template["outputs"].get("apiUrl").is_some());
    let head = project.read("deploy/azure/main.bicep");
    assert!(head.contains("VITE_API holds the address of `api`: see the output apiUrl"), "{head}");
    let rules: Value = serde_json::from_str(&project.read("deploy/azure/staticwebapp.config.json")).unwrap();
    let policy = rules["globalHeaders"]["Content-Security-Policy"].as_str().unwrap();
    assert!(
        policy.ends_with("connect-src 'self' https://*.azurecontainerapps.io wss://*.azurecontainerapps.io")
    );
}

/// The reader sees faults, so that its silence says something.
#[test]
fn faults_are_seen() {
    let Some(reader) = Reader::of("azure::faults_are_seen") else { return };
    let project = rendered(&nasty("target: azure"), "azure");
    let text = project.read("deploy/azure/main.bicep");
    for (from, to, word) in [
        ("targetPort:", "targetPrt:", "no such property"),
        ("adminUserEnabled", "adminUserEnable", "no such property"),
        ("'NfsAzureFile'", "'Nfs'", "none of"),
        ("'Premium_LRS'", "'Nope'", "not valid"),
        ("shareQuota: 100", "shareQuota: true", "not valid"),
        ("listKeys()", "listKeyz()", "no function"),
        ("param apiImage string", "param apiImag string", "not declared"),
        ("failureThreshold: 10", "failureThreshold: 'x'", "no number"),
        ("  tags: tags\n  properties: {}\n", "  tags: tags\n  properties: {\n", "syntax"),
        ("value: webUrl", "value: apiApp.id", "a circle"),
    ] {
        assert!(text.contains(from), "{from}");
        project.write("deploy/azure/broken.bicep", &text.replace(from, to));
        let read = reader.try_bicep(&project.path().join("deploy/azure/broken.bicep"));
        let faults = read.err().unwrap_or_else(|| panic!("{from} -> {to} was not seen ({word})"));
        assert!(faults.contains(word), "{from}: {faults}");
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Microsoft's emulator of Static Web Apps with a page, and a service that answers with the path it was asked for.
fn emulated(test: &str, yaml: &str) -> Option<(Project, u16, [Running; 2])> {
    let (node, tools) = (tool(test, "NODE")?, tool(test, "NODE_TOOLS")?);
    let program = tools.join("@azure/static-web-apps-cli/dist/cli/bin.js");
    if !program.exists() {
        crate::support::skip(test, "@azure/static-web-apps-cli is not among the npm tools");
        return None;
    }
    let project = rendered(yaml, "azure");
    project.write("dist/index.html", "<div id=\"root\"></div>\n");
    project.write("dist/assets/index-1a2b.js", "1\n");
    project.write("dist/favicon.ico", "icon\n");
    let (port, service) = (free_port(), free_port());
    let answer = format!(
        "require('http').createServer((q, r) => r.end(q.method + ' ' + q.url)).listen({service}, '127.0.0.1')"
    );
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(Running).unwrap()
    };
    let behind = quiet(Command::new(&node).args(["-e", &answer]));
    let mut swa = Command::new(&node);
    swa.arg(program).arg("start").arg(project.path().join("dist"));
    swa.arg("--swa-config-location").arg(project.path().join("deploy/azure"));
    swa.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    swa.args(["--api-devserver-url", &format!("http://127.0.0.1:{service}")]);
    let emulator = quiet(swa.current_dir(project.path()));
    eventually("the emulator answers", 60, || crate::support::http(port, "GET", "/", "").is_ok());
    Some((project, port, [behind, emulator]))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[test]
fn the_emulator_serves_the_page_by_its_rules() {
    let test = "azure::the_emulator_serves_the_page_by_its_rules";
    let yaml = nasty("target: azure");
    let Some((_project, port, _running)) = emulated(test, &yaml) else { return };
    for page in ["/", "/about", "/deep/page", "/settings/7", "/map"] {
        let answer = get(port, page);
        assert_eq!((answer.status, answer.body.as_str()), (200, "<div id=\"root\"></div>\n"), "{page}");
        assert_eq!(header(&answer, "Cache-Control"), Some("no-cache"), "{page}");
        let policy = header(&answer, "Content-Security-Policy").unwrap_or_default();
        assert!(policy.ends_with("connect-src 'self'"), "{page}: {policy}");
        for name in
            ["X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy"]
        {
            assert!(header(&answer, name).is_some(), "{page}: {name}");
        }
    }
    let asset = get(port, "/assets/index-1a2b.js");
    assert_eq!(header(&asset, "Cache-Control"), Some("public, max-age=31536000, immutable"));
    assert!(header(&asset, "Content-Security-Policy").is_some());
    assert_eq!(get(port, "/favicon.ico").body, "icon\n");
    for missing in ["/assets/none.js", "/none.png", "/deep/none.css"] {
        assert_eq!(get(port, missing).status, 404, "{missing}");
    }
    let service = get(port, "/api/health?full=1");
    assert_eq!((service.status, service.body.as_str()), (200, "GET /api/health?full=1"));
}
