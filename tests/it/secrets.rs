//! Secrets of builds: asked for before anything is built, given to steps, and left behind nowhere.

mod engine;

use crate::support::Project;

/// A project of one service with a Dockerfile of its own whose build reads `TOKEN`.
fn project(name: &str, dockerfile: &str) -> Project {
    let project = Project::empty(name);
    let text = format!(
        "project: {}\nservices:\n  api:\n    build: {{ kind: dockerfile, context: app, secrets: [TOKEN] }}\n    command: [sleep, infinity]\n    publish: false\n",
        project.name
    );
    project.write("dashdeploy.yaml", &text);
    project.write("app/Dockerfile", dockerfile);
    project
}

#[test]
fn a_secret_without_a_value_is_named_before_anything_is_built() {
    let project = project("no-value", "FROM scratch\n");
    for arguments in [["build", "--json"], ["up", "--json"]] {
        for variables in [&[][..], &[("TOKEN", "  ")]] {
            let ran = project.run_with(&arguments, variables).exits(2);
            let report = ran.json();
            let finding =
                [&report["error"]["findings"][0], &report["findings"][0]].into_iter().find(|f| f.is_object());
            let finding = finding.unwrap_or_else(|| panic!("{report}"));
            assert_eq!(finding["code"], "missing-build-secret", "{report}");
            assert_eq!(finding["place"]["line"], 4, "{report}");
            for said in ["service `api`", "`TOKEN`", "looked in: the environment", "put `TOKEN=…` into .env"]
            {
                assert!(report.to_string().contains(said), "{said}: {report}");
            }
        }
    }
    // A dry run promises what the run would do; one that builds nothing needs nothing.
    project.run(&["build", "--dry-run"]).exits(2);
    project.run_with(&["build", "--dry-run"], &[("TOKEN", "a value of some length")]).exits(0);
    let ran = project.run(&["build", "--only-files", "--dry-run"]).exits(0);
    assert!(!ran.all().contains("TOKEN"), "{}", ran.all());
}
