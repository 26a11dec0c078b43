//! Deploys rehearsed: really built, really pushed, to platforms that the program itself plays.

use crate::support::Project;

mod engine {
    use super::Project;
    use crate::support::{docker_text, engine};

    fn project() -> Project {
        let project = Project::empty("rehearse");
        let configuration = format!(
            "project: {}
services:
  api:
    build: {{ kind: dockerfile, context: api }}
    port: 8000
    publish: 18000
    health: /healthz
smoke:
  - {{ service: api, path: /real, contains: only the application says this }}
environments:
  staging: {{ target: fly, region: fra }}
ci: false
",
            project.name
        );
        project.write("dashdeploy.yaml", &configuration);
        project.write("api/Dockerfile", "FROM scratch\nCOPY program /program\nCMD [\"/program\"]\n");
        project.write("api/program", "#!/none\n");
        project
    }

    #[test]
    fn an_environment_at_fly_is_rehearsed_without_an_account() {
        if !engine("deploy::rehearse::engine::an_environment_at_fly_is_rehearsed_without_an_account") {
            return;
        }
        let project = project();
        // Were one of these listened to, nothing would answer.
        let real = [
            ("FLY_FLAPS_BASE_URL", "http://127.0.0.1:1"),
            ("FLY_API_TOKEN", "canary-of-fly"),
            ("DASHDEPLOY_REGISTRY", "127.0.0.1:1/real"),
            ("DASHDEPLOY_STABLE_FOR", "0"),
        ];
        let arguments = ["deploy", "--rehearse", "--yes", "-e", "staging", "--json"];
        let ran = project.run_with(&arguments, &real).exits(0);
        let result = ran.json()["result"].clone();
        assert_eq!(result["release"], "r1");
        assert!(result["rehearsal"]["writes"].as_u64().unwrap() >= 3, "{result}");
        let image = result["services"][0]["image"].to_string();
        assert!(image.contains("127.0.0.1:") || image.contains("sha256:"), "{image}");
        assert!(ran.stdout.contains("this is a rehearsal"), "{}", ran.stdout);
        assert!(!ran.all().contains("canary-of-fly"));
        assert!(!project.path().join(".dashdeploy/ledger").exists(), "the real ledger is not touched");
        let images = docker_text(&["images", "--format", "{{.Repository}}"]);
        let left =
            images.lines().filter(|name| name.starts_with("127.0.0.1:") && name.contains(&project.name));
        assert_eq!(left.count(), 0, "{images}");
        // Nothing was kept: the next one is the first again.
        let again = project.run_with(&arguments, &real).exits(0).json();
        assert_eq!(again["result"]["release"], "r1");
        assert_eq!(again["result"]["changed"], true);
    }
}

#[test]
fn a_docker_host_is_not_rehearsed() {
    let project = Project::empty("rehearse-docker");
    let text = format!("project: {}\nservices:\n  web: {{ image: 'nginx:1', port: 80 }}\n", project.name);
    project.write("dashdeploy.yaml", &text);
    let ran = project.run(&["deploy", "--rehearse", "--yes"]).exits(2);
    assert!(
        ran.stderr.contains("cannot be rehearsed") && ran.stderr.contains("dashdeploy up"),
        "{}",
        ran.stderr
    );
}
