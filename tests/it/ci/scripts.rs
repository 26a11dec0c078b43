//! The scripts of the workflow, run as the runner runs them, with programs that play `gh`, `dashdeploy` and package managers.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{EVERYTHING, WORKFLOW, steps, written, yaml};
use crate::support::{Project, Ran, tool};

/// A checkout with its workflow, a folder of programs that come first, and one for what scripts leave behind.
struct Runner {
    project: Project,
    workflow: Value,
}

/// Plays GitHub's API for comments: it keeps them as files, and shows those of others too.
const GH: &str = r#"#!/bin/bash
set -euo pipefail
echo "gh $*" >>"$STORE/calls"
method=GET body='' filter=''
path=$2
shift 2
[ "$path" != --paginate ] || { path=$1; shift; }
[ "$path" != --silent ] || path=''
while [ $# -gt 0 ]; do
  case $1 in
    --method) method=$2; shift 2 ;;
    --field) body=${2#body=@}; shift 2 ;;
    --jq) filter=$2; shift 2 ;;
    --silent) shift ;;
    *) path=$1; shift ;;
  esac
done
case "$method $path" in
  "GET repos/acme/shop/issues/7/comments?per_page=100") cat "$STORE"/comments/*.json | jq -s . | jq -r "$filter" ;;
  "POST repos/acme/shop/issues/7/comments")
    jq -n --rawfile body "$body" '{id: 100, user: {login: "github-actions[bot]"}, body: $body}' >"$STORE/comments/100.json" ;;
  "PATCH repos/acme/shop/issues/comments/100")
    jq -n --rawfile body "$body" '{id: 100, user: {login: "github-actions[bot]"}, body: $body}' >"$STORE/comments/100.json" ;;
  *) echo "no such call: $method $path" >&2; exit 1 ;;
esac
"#;

impl Runner {
    fn new(test: &str, text: &str) -> Option<Self> {
        let python = tool(test, "TOOLS_PYTHON")?;
        let project = written(text);
        let workflow = yaml(&python, &project.path().join(WORKFLOW));
        let runner = Self { project, workflow };
        runner.project.write("temp/.keep", "");
        runner.project.write(
            "store/comments/1.json",
            r#"{"id": 1, "user": {"login": "eve"}, "body": "<!-- dashdeploy: the plan of shop -->\nmine"}"#,
        );
        runner.program("gh", GH);
        Some(runner)
    }

    /// A program of that name, first on the path.
    fn program(&self, name: &str, text: &str) {
        self.project.write(&format!("bin/{name}"), text);
        let path = self.project.path().join("bin").join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn step(&self, job: &str, name: &str) -> Value {
        let found = steps(&self.workflow).into_iter().find(|(id, step)| id == job && step["name"] == name);
        found.unwrap_or_else(|| panic!("there is no step {name} in {job}")).1
    }

    /// Runs a step's script in a folder of the checkout. What an expression would give comes from `variables`, else nothing.
    fn run(&self, job: &str, name: &str, folder: &str, variables: &[(&str, &str)]) -> Ran {
        let step = self.step(job, name);
        let path = |name: &str| self.project.path().join(name).display().to_string();
        std::fs::create_dir_all(path(folder)).unwrap();
        std::fs::write(path("script.sh"), step["run"].as_str().unwrap()).unwrap();
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", &path("script.sh")]).current_dir(path(folder)).stdin(Stdio::null());
        for (name, value) in
            self.workflow["env"].as_object().into_iter().chain(step["env"].as_object()).flatten()
        {
            let value = value.as_str().unwrap_or_default();
            command.env(name, if value.contains("${{") && !value.contains("'${{'") { "" } else { value });
        }
        command.env("PATH", format!("{}:{}", path("bin"), std::env::var("PATH").unwrap()));
        command.env("STORE", path("store")).env("RUNNER_TEMP", path("temp")).env("HOME", path("home"));
        for (name, file) in [
            ("GITHUB_OUTPUT", "temp/output"),
            ("GITHUB_PATH", "temp/path"),
            ("GITHUB_STEP_SUMMARY", "temp/summary.md"),
        ] {
            command.env(name, path(file));
        }
        command.env("GITHUB_REPOSITORY", "acme/shop").envs(variables.iter().copied());
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.project.path().join("store/calls")).unwrap_or_default();
        let _ = std::fs::remove_file(self.project.path().join("store/calls"));
        calls.lines().map(str::to_owned).collect()
    }
}

/// Notes how it was called, word by word.
const NOTES: &str =
    "#!/bin/bash\n{ printf '%s' \"${0##*/}\"; printf ' [%s]' \"$@\"; echo; } >>\"$STORE/calls\"\n";

#[test]
fn a_pull_request_has_one_comment_that_is_kept_up_to_date() {
    let test = "a_pull_request_has_one_comment_that_is_kept_up_to_date";
    if Command::new("jq").arg("--version").output().is_err() {
        return crate::support::skip(test, "there is no jq");
    }
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    let pull = [("NUMBER", "7"), ("GH_TOKEN", "t")];
    runner.run("plan", "Show the plan", ".", &pull).exits(0);
    assert_eq!(runner.calls(), Vec::<String>::new(), "nothing is said where there is no plan");
    for (plan, method) in [("one `$(id)` ${{ x }}\n", "POST"), ("two\n", "PATCH"), ("three\n", "PATCH")] {
        runner.project.write("temp/plan.md", plan);
        runner.run("plan", "Show the plan", ".", &pull).exits(0);
        let calls = runner.calls();
        assert!(calls.len() == 2 && calls[1].contains(&format!("--method {method} ")), "{calls:?}");
        let comment: Value = serde_json::from_str(&runner.project.read("store/comments/100.json")).unwrap();
        assert_eq!(comment["body"], format!("<!-- dashdeploy: the plan of shop -->\n{plan}"));
    }
    assert!(runner.project.read("temp/summary.md").ends_with("two\nthree\n"));
    let mine: Value = serde_json::from_str(&runner.project.read("store/comments/1.json")).unwrap();
    assert!(mine["body"].as_str().unwrap().ends_with("mine"), "another's comment stays");
    // Longer than a comment may be, cut within a character and within a block of code.
    runner.project.write("temp/plan.md", &format!("```\n{}\n```\n", "é😀".repeat(20_000)));
    runner.run("plan", "Show the plan", ".", &pull).exits(0);
    let comment: Value = serde_json::from_str(&runner.project.read("store/comments/100.json")).unwrap();
    let body = comment["body"].as_str().unwrap();
    assert!(body.chars().count() < 65_000 && body.len() < 61_000, "{}", body.len());
    assert!(
        body.ends_with("\n```\n\nThe rest is in the summary of the run.\n") && !body.contains('\u{fffd}')
    );
    // Without a right to comment the run fails aloud.
    runner.program("gh", "#!/bin/sh\necho 'HTTP 403' >&2\nexit 1\n");
    assert!(runner.run("plan", "Show the plan", ".", &pull).code != 0);
}

#[test]
fn a_plan_without_its_secrets_says_so_and_a_deploy_refuses() {
    let test = "a_plan_without_its_secrets_says_so_and_a_deploy_refuses";
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    runner.program("dashdeploy", &format!("{NOTES}echo \"a plan for $DASHDEPLOY_ENVIRONMENT\"\n"));
    runner.run("plan", "Plan for staging", ".", &[]).exits(0);
    assert_eq!(runner.calls(), Vec::<String>::new());
    runner.run("plan", "Plan for on", ".", &[("AZURE_CLIENT_ID", "x")]).exits(0);
    let token = [("FLY_API_TOKEN", "t")];
    runner.run("plan", "Plan for staging", ".", &token).exits(0);
    assert_eq!(runner.calls(), ["dashdeploy [plan] [--markdown]"]);
    assert_eq!(
        runner.project.read("temp/plan.md"),
        "### staging\n\nNo plan: the repository itself does not have `FLY_API_TOKEN`.\n\n\
         ### on\n\nNo plan: the repository itself does not have `AZURE_SUBSCRIPTION_ID`.\n\n\
         ### staging\n\na plan for staging\n\n"
    );
    let refused =
        runner.run("deploy-staging", "Deploy", ".", &[("DASHDEPLOY_ENVIRONMENT", "staging")]).exits(1);
    assert!(refused.stdout.contains("::error::The environment staging does not have FLY_API_TOKEN"));
    assert_eq!(runner.calls(), Vec::<String>::new());
    let deployed = [("DASHDEPLOY_ENVIRONMENT", "staging"), ("FLY_API_TOKEN", "t")];
    runner.run("deploy-staging", "Deploy", ".", &deployed).exits(0);
    runner.run("deploy-staging", "Look at what is deployed", ".", &deployed).exits(0);
    assert_eq!(
        runner.calls(),
        ["dashdeploy [deploy] [--yes]", "dashdeploy [status] [--check] [--format] [markdown]"]
    );
    assert!(runner.project.read("temp/summary.md").contains("a plan for staging"));
    runner.program("dashdeploy", "#!/bin/sh\necho half a plan\nexit 6\n");
    runner.run("plan", "Plan for staging", ".", &token).exits(1);
    assert!(
        runner
            .project
            .read("temp/plan.md")
            .ends_with("half a plan\n\nThe plan failed; the log of this run says why.\n\n")
    );
}

#[test]
fn a_version_of_dashdeploy_is_found_by_branch_tag_or_commit() {
    let test = "a_version_of_dashdeploy_is_found_by_branch_tag_or_commit";
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    let repository = runner.project.path().join("upstream");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&repository).args(["-c", "user.name=x", "-c", "user.email=x@example.com"]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    std::fs::create_dir_all(&repository).unwrap();
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "one"]);
    let one = git(&["rev-parse", "HEAD"]);
    git(&["tag", "-a", "v1.0.0", "-m", "first"]);
    git(&["tag", "light"]);
    git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    let two = git(&["rev-parse", "HEAD"]);
    let source = repository.display().to_string();
    for (version, commit) in [
        ("main", Some(&two)),
        ("v1.0.0", Some(&one)),
        ("light", Some(&one)),
        (one.as_str(), Some(&one)),
        ("v9", None),
    ] {
        let _ = std::fs::remove_file(runner.project.path().join("temp/output"));
        let variables = [("DASHDEPLOY_SOURCE", source.as_str()), ("DASHDEPLOY_VERSION", version)];
        let ran = runner.run("dashdeploy", "Find the commit", ".", &variables);
        match commit {
            Some(commit) => {
                ran.exits(0);
                assert_eq!(runner.project.read("temp/output"), format!("commit={commit}\n"), "{version}");
            }
            None => assert!(ran.exits(1).stdout.contains("has no branch or tag called v9")),
        }
    }
    runner.program("cargo", NOTES);
    runner.run("images", "Install dashdeploy", ".", &[("CACHED", "true"), ("COMMIT", &one)]).exits(0);
    assert_eq!(runner.calls(), Vec::<String>::new());
    runner.run("images", "Install dashdeploy", ".", &[("CACHED", ""), ("COMMIT", &one)]).exits(0);
    let call = runner.calls().join("\n");
    assert!(call.contains(&format!("[--rev] [{one}]")) && call.contains("[install] [--locked]"), "{call}");
}

#[test]
fn packages_are_installed_by_the_names_that_were_written() {
    let test = "packages_are_installed_by_the_names_that_were_written";
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    for program in ["python", "uv", "pipx", "pnpm", "npm"] {
        runner.program(program, NOTES);
    }
    runner.project.write("requirements-dev.txt", "");
    runner.run("test-api", "Install the packages", ".", &[]).exits(0);
    let python = "python [-m] [pip] [install] [--disable-pip-version-check]";
    assert_eq!(
        runner.calls(),
        [format!(
            "{python} [-r] [requirements.txt] [-r] [it's; `id` & {{{{ x }}}}.txt] [-r] [requirements-dev.txt]"
        )]
    );
    runner.run("test-worker", "Install the packages", "work er's", &[]).exits(0);
    assert_eq!(runner.calls()[1], "uv [sync] [--frozen] [--no-install-project]");
    assert!(runner.project.read("temp/path").ends_with("/work er's/.venv/bin\n"));
    runner.run("test-poet", "Install the packages", "poet", &[]).exits(0);
    assert!(runner.calls()[0].ends_with("[poetry] [sync] [--no-root]"));
    runner.run("test-front", "Build", "front", &[]).exits(0);
    assert_eq!(runner.calls(), ["npm [run] [build:all]"]);
    runner.run("test-server", "Install the packages", "server", &[]).exits(0);
    assert_eq!(runner.calls(), ["pnpm [install] [--frozen-lockfile]"]);
}

#[test]
fn tests_and_linters_run_where_there_are_any() {
    let test = "tests_and_linters_run_where_there_are_any";
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    let has_pytest = "#!/bin/bash\nif [ \"$1\" = -c ]; then exit 0; fi\n";
    let lacks_pytest = "#!/bin/bash\nif [ \"$1\" = -c ]; then exit 1; fi\n";
    let notes = NOTES.trim_start_matches("#!/bin/bash\n");
    let run = |programs: &str, folder: &str, job: &str| {
        runner.program("python", &format!("{programs}{notes}"));
        let ran = runner.run(job, "Test", folder, &[]).exits(0);
        (runner.calls(), ran.stdout)
    };
    // A test of another service below it is not its own.
    runner.project.write("bare/test_of_another.py", "");
    let (calls, said) = run(has_pytest, ".", "test-api");
    assert!(calls.is_empty() && said.contains("There are no tests."), "{calls:?} {said}");
    runner.project.write("node_modules/x/test_x.py", "");
    runner.project.write(".venv/lib/test_y.py", "");
    assert!(run(has_pytest, ".", "test-api").1.contains("There are no tests."));
    runner.project.write("deep/er/test_mine.py", "");
    let (calls, _) = run(has_pytest, ".", "test-api");
    assert!(calls.len() == 1 && calls[0].starts_with("python [-m] [pytest] [--ignore=./bare]"), "{calls:?}");
    assert!(calls[0].contains(" [--ignore=./work er's]"), "{calls:?}");
    assert!(run(lacks_pytest, ".", "test-api").1.contains("::warning::"));
    assert_eq!(run(has_pytest, "bare", "test-bare").0, ["python [-m] [pytest]"]);

    runner.program("pipx", NOTES);
    let lint = || {
        runner.run("test-bare", "Lint", "bare", &[]).exits(0);
        runner.calls()
    };
    assert_eq!(lint(), Vec::<String>::new());
    runner.project.write("bare/pyproject.toml", "[tool.ruff.lint]\n");
    assert!(lint()[0].ends_with("[ruff] [check] [.]"));
    runner.program("ruff", NOTES);
    assert_eq!(lint(), ["ruff [check] [.]"]);

    runner.program("npm", NOTES);
    for (package, calls) in [
        ("{}", &[][..]),
        (r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#, &[]),
        (r#"{"scripts": {"test": "vitest"}}"#, &["npm [run] [test]"]),
    ] {
        runner.project.write("web/package.json", package);
        runner.run("test-web", "Test", "web", &[]).exits(0);
        assert_eq!(runner.calls(), calls, "{package}");
    }
}

#[test]
fn a_browser_is_started_where_there_are_tests_for_one() {
    let test = "a_browser_is_started_where_there_are_tests_for_one";
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    for program in ["npx", "npm", "curl"] {
        runner.program(program, NOTES);
    }
    let run = || {
        runner.run("test-web", "Test in a browser", "web", &[]).exits(0);
        runner.calls().into_iter().filter(|call| call.starts_with("npx")).collect::<Vec<_>>()
    };
    assert_eq!(run(), Vec::<String>::new());
    runner.project.write("web/cypress.config.ts", "");
    assert_eq!(run(), ["npx [--no-install] [cypress] [run] [--config] [baseUrl=http://localhost:4173]"]);
    runner.project.write("web/playwright.config.ts", "");
    assert_eq!(
        run(),
        [
            "npx [--no-install] [playwright] [install] [--with-deps] [chromium]",
            "npx [--no-install] [playwright] [test]"
        ]
    );
}

/// The real compiler, pytest-less Python and package scripts, on an example's own sources.
#[test]
fn the_checks_of_an_example_really_run() {
    let test = "the_checks_of_an_example_really_run";
    let Some(runner) = Runner::new(test, EVERYTHING) else { return };
    let python = tool(test, "TOOLS_PYTHON").unwrap();
    std::os::unix::fs::symlink(python, runner.project.path().join("bin/python")).unwrap();
    runner.project.write("bare/ok.py", "x = 1\n");
    runner.run("test-bare", "Compile", "bare", &[]).exits(0);
    runner.project.write("bare/.venv/broken.py", "x = (\n");
    runner.run("test-bare", "Compile", "bare", &[]).exits(0);
    runner.project.write("bare/broken.py", "x = (\n");
    assert_eq!(runner.run("test-bare", "Compile", "bare", &[]).code, 1);
    runner.project.write("web/package.json", r#"{"scripts": {"lint": "echo linted"}}"#);
    assert!(runner.run("test-web", "Lint", "web", &[]).exits(0).stdout.contains("linted"));
    runner.project.write("web/package.json", "{}");
    runner.run("test-web", "Lint", "web", &[]).exits(0);
}

/// The same in GitLab's pipeline, whose images know no bash.
#[test]
fn gitlab_s_scripts_do_the_same_in_a_plain_shell() {
    let test = "gitlab_s_scripts_do_the_same_in_a_plain_shell";
    let (Some(dash), Some(runner)) = (tool(test, "DASH"), Runner::new(test, EVERYTHING)) else { return };
    let python = tool(test, "TOOLS_PYTHON").unwrap();
    let pipeline = yaml(&python, &runner.project.path().join(super::PIPELINE));
    let job = &pipeline["test-api"];
    let lines: Vec<&str> =
        job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    runner.project.write("script.sh", &lines.join("\n"));
    runner.project.write("deep/test_mine.py", "");
    runner.program("python", NOTES);
    let path = |name: &str| runner.project.path().join(name).display().to_string();
    let mut command = Command::new(dash);
    command.args(["-e", &path("script.sh")]).current_dir(runner.project.path()).env("STORE", path("store"));
    command.env("PATH", format!("{}:{}", path("bin"), std::env::var("PATH").unwrap()));
    for (name, value) in job["variables"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        assert!(!value.replace("$$", "").contains('$'), "{name}: {value}");
        command.env(name, value.replace("$$", "$"));
    }
    super::accepted("script", &command.output().unwrap());
    let calls = runner.calls();
    assert!(calls[0].ends_with("[-r] [requirements.txt] [-r] [it's; `id` & {{ x }}.txt]"), "{calls:?}");
    assert!(calls.last().unwrap().starts_with("python [-m] [pytest] [--ignore=./bare] "), "{calls:?}");
}
