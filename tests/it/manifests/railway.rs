//! railway.json against Railway's own schema; the variables' files read by a shell, which is how their head has them set.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{below, examples, nasty, nasty_values, rendered, spec};
use crate::support::{Project, tool};

/// Holds every railway.json of a folder against the schema; false where that cannot be done.
#[track_caller]
fn valid(test: &str, folder: &Path) -> bool {
    let (Some(schema), Some(check)) =
        (spec(test, "railway.config.schema.json"), tool(test, "CHECK_JSONSCHEMA"))
    else {
        return false;
    };
    for file in below(folder, &|path| path.starts_with("railway.") && path.ends_with(".json")) {
        let output =
            Command::new(&check).arg("--schemafile").arg(&schema).arg(folder.join(&file)).output().unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stdout));
    }
    true
}

/// The variables of a file, as a shell has them after its lines.
fn variables(project: &Project, service: &str) -> BTreeMap<String, String> {
    let file = format!("deploy/railway/{service}.env.example");
    let script = format!("set -a; . ./{file}; exec env -0");
    let output =
        Command::new("sh").args(["-c", &script]).current_dir(project.path()).env_clear().output().unwrap();
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.split('\0').filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn json(project: &Project, file: &str) -> Value {
    serde_json::from_str(&project.read(file)).unwrap()
}

#[test]
fn every_example_is_valid() {
    const TEST: &str = "railway: every example";
    for (name, yaml) in examples() {
        let project = rendered(&yaml, "railway");
        if !valid(TEST, project.path()) {
            return;
        }
        let files = below(project.path(), &|path| path.starts_with("deploy/railway/"));
        assert!(!files.is_empty(), "{name}");
    }
}

/// The Dockerfile that a railway.json names, in the folder that Railway builds in as the head of the variables' file sets it.
fn dockerfile(project: &Project, file: &str, service: &str) -> String {
    let said = project.read(&format!("deploy/railway/{service}.env.example"));
    assert!(said.contains(&format!("  railway up --service {service}\n")), "{said}");
    let root = said.lines().find_map(|line| line.split_once(" source.rootDirectory /"));
    let folder = root.map_or(".", |(_, folder)| folder);
    let configured = said.contains(&format!(" configFile /{file}\n"));
    assert!(configured || (file == "railway.json" && folder == "."), "{said}");
    let build = &json(project, file)["build"];
    assert_eq!(build["builder"], "DOCKERFILE");
    format!("{folder}/{}", build["dockerfilePath"].as_str().unwrap())
}

#[test]
fn what_railway_builds_has_no_mounts_and_lies_where_it_builds() {
    let project = rendered(&nasty_without_refused("target: railway"), "railway");
    if !valid("railway: Dockerfiles", project.path()) {
        return;
    }
    for (service, path) in [("api", "./Dockerfile.railway"), ("web", "web/Dockerfile.railway")] {
        let file = format!("railway.{service}.json");
        assert_eq!(dockerfile(&project, &file, service), path);
        let text = project.read(path);
        assert!(!text.contains("--mount") && !text.contains("VOLUME"), "{text}");
        assert!(project.path().join(format!("{path}.dockerignore")).exists(), "{path}");
    }
    // Variables of a service are the arguments of its build that bear their names.
    let (web, variables) = (project.read("web/Dockerfile.railway"), variables(&project, "web"));
    for name in ["VITE_API", "NGINX_CONF"] {
        assert!(web.contains(&format!("\nARG {name}=")) && variables.contains_key(name), "{name}: {web}");
    }
    assert_eq!(variables["NGINX_CONF"], "nginx.railway.conf");
    project.run(&["render", "--target", "railway", "--check"]).exits(0);
}

#[test]
fn services_of_one_folder_have_a_dockerfile_each() {
    let worker = "  worker:\n    build: { kind: python, context: api }\n    command: [python, -m, worker]\n";
    let yaml = format!(
        "project: shop\nservices:\n  api:\n    build: {{ kind: fastapi, context: api, app: \"shop.app:app\" }}\n{worker}\
         environments:\n  production: {{ target: railway }}\n  staging: {{ target: railway }}\n"
    );
    let project = rendered(&yaml, "railway");
    for (environment, end) in [("production", ""), ("staging", ".staging")] {
        for service in ["api", "worker"] {
            let build = &json(&project, &format!("railway.{service}{end}.json"))["build"];
            assert_eq!(build["dockerfilePath"], format!("Dockerfile.railway.{service}"), "{environment}");
            assert!(project.path().join(format!("api/Dockerfile.railway.{service}")).exists());
        }
    }
}

#[test]
fn a_build_with_secrets_is_no_work_for_railway() {
    let yaml = |options: &str| {
        format!(
            "project: shop\nservices:\n  api:\n    build: {{ kind: fastapi, app: \"shop.app:app\", secrets: [INDEX_TOKEN] }}\n\
             environments:\n  production: {{ target: railway{options} }}\n"
        )
    };
    let project = rendered(&yaml(""), "railway");
    assert!(!project.path().join("railway.json").exists());
    assert!(!project.path().join("Dockerfile.railway").exists());
    let said = project.read("deploy/railway/api.env.example");
    assert!(said.contains("docker build --secret id=INDEX_TOKEN,env=INDEX_TOKEN "), "{said}");
    project.write("dashdeploy.yaml", &yaml(", options: { runtime: dockerfile }"));
    let said = project.run(&["check"]).all();
    assert!(said.contains("unfit-runtime") && said.contains("write `runtime: image`"), "{said}");
}

#[test]
fn railpack_takes_what_the_image_would() {
    let project = rendered(
        &nasty_without_refused(
            "target: railway\nregion: us-west2\noptions: { runtime: railpack, draining: 9 }\nservices: { web: { options: { runtime: image } } }",
        ),
        "railway",
    );
    if !valid("railway: railpack", project.path()) {
        return;
    }
    let api = json(&project, "railway.api.json");
    assert_eq!(api["build"]["builder"], "RAILPACK");
    assert_eq!(api["deploy"]["startCommand"], "uvicorn shop.app:app --host 0.0.0.0 --port $PORT");
    assert_eq!(api["deploy"]["healthcheckPath"], "/api/health");
    assert_eq!(api["deploy"]["multiRegionConfig"]["us-west2"]["numReplicas"], 1);
    assert_eq!(api["deploy"]["overlapSeconds"], 0, "two at once would have one volume");
    assert_eq!(api["deploy"]["drainingSeconds"], 9);
    assert_eq!(api["deploy"]["requiredMountPath"], "/data");
    assert!(!project.path().join("railway.web.json").exists(), "an image has no sources to look in");
    let web = project.read("deploy/railway/web.env.example");
    assert!(web.contains("--build-arg 'VITE_API=/.' --build-arg 'NGINX_CONF=nginx.railway.conf'"), "{web}");
    assert!(web.contains("--service-config web deploy.healthcheckPath /"), "{web}");
    let nginx = project.read("web/nginx.railway.conf");
    assert!(nginx.contains("api.railway.internal:8000") && nginx.contains("[fd12::10]"), "{nginx}");
}

#[test]
fn an_own_dockerfile_is_built_where_it_lies() {
    let yaml = "project: shop\nservices:\n  api:\n    build: { kind: dockerfile, context: server }\n    dockerfile: server/Dockerfile\n    \
                port: 9000\n    command: [serve, \"a b\", \"it's\"]\n    replicas: 2\nenvironments:\n  production: { target: railway }\n";
    let project = Project::empty("railway");
    project.write("server/Dockerfile", "FROM scratch\n");
    project.write("dashdeploy.yaml", yaml);
    project.run(&["render", "--target", "railway"]).exits(0);
    if !valid("railway: own Dockerfile", project.path()) {
        return;
    }
    let file = json(&project, "railway.json");
    assert_eq!(file["build"]["dockerfilePath"], "Dockerfile");
    assert_eq!(file["deploy"]["numReplicas"], 2);
    assert_eq!(file["deploy"]["overlapSeconds"], 10);
    let said = file["deploy"]["startCommand"].as_str().unwrap();
    let words = Command::new("sh").args(["-c", &format!("printf '%s\\n' {said}")]).output().unwrap();
    assert_eq!(String::from_utf8(words.stdout).unwrap(), "serve\na b\nit's\n");
    let variables = project.read("deploy/railway/api.env.example");
    assert!(variables.contains("--service-config api source.rootDirectory /server"), "{variables}");
}

/// Values that a line of the file cannot hold, or that Railway reads in its own way.
fn is_refused(value: &str) -> bool {
    value.contains(['\n', '\r']) || value.contains("${{")
}

fn nasty_without_refused(environment: &str) -> String {
    let refused: Vec<String> = nasty_values()
        .into_iter()
        .filter(|(_, value)| is_refused(value))
        .map(|(name, _)| format!("      {name}: "))
        .collect();
    let yaml = nasty(environment);
    let lines = yaml.lines().filter(|line| refused.iter().all(|start| !line.starts_with(start)));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_value_comes_back_as_it_was_or_is_refused_by_name() {
    let project = Project::empty("railway");
    project.write("dashdeploy.yaml", &nasty("target: railway"));
    let said = project.run(&["render", "--target", "railway"]).exits(2).all();
    for (name, value) in nasty_values() {
        assert_eq!(said.contains(&format!("`{name}`")), is_refused(value), "{name}: {said}");
    }
    let project = rendered(&nasty_without_refused("target: railway"), "railway");
    let variables = variables(&project, "api");
    for (name, value) in nasty_values().into_iter().filter(|(_, value)| !is_refused(value)) {
        assert_eq!(variables[&name], value, "{name}");
    }
    assert_eq!(variables["CORS_ORIGINS"], "https://${{web.RAILWAY_PUBLIC_DOMAIN}}");
    assert_eq!(variables["PORT"], "8000");
    assert_eq!(variables["RAILWAY_RUN_UID"], "0");
    assert!(!variables.contains_key("API_KEY") && !variables.contains_key("MAIL"));
    let text = project.read("deploy/railway/api.env.example");
    assert!(
        text.contains("# API_KEY=") && text.contains("railway variable set --service api API_KEY --stdin")
    );
}
