//! The files that platforms read: validated by the vendors' own schemas and by the programs that read them in real life.

mod aws;
mod azure;
mod fly;
mod netlify;
mod railway;
mod render_com;
mod vercel;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::render::projects::HOSTILE;
use crate::support::{Project, repository, skip, tool};

/// A vendor's machine-readable contract from the folder beside the repository; says so where it is not there.
pub fn spec(test: &str, file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DASHDEPLOY_SPECS").map(PathBuf::from);
    let path = folder.unwrap_or_else(|| repository().join("../shared/specs")).join(file);
    if !path.exists() {
        skip(test, &format!("the vendor's {file} is not there (DASHDEPLOY_SPECS names the folder)"));
        return None;
    }
    Some(path)
}

/// A project in a folder of its own with this dashdeploy.yaml, and the files of one target written beside it.
#[track_caller]
pub fn rendered(yaml: &str, target: &str) -> Project {
    let project = Project::empty("manifests");
    project.write("dashdeploy.yaml", yaml);
    project.run(&["render", "--target", target]).exits(0);
    project
}

/// Every example's dashdeploy.yaml, by name.
pub fn examples() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in std::fs::read_dir(repository().join("examples")).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(yaml) = std::fs::read_to_string(folder.join("dashdeploy.yaml")) else { continue };
        all.push((folder.file_name().unwrap().to_string_lossy().into_owned(), yaml));
    }
    all.sort();
    assert!(all.len() >= 8, "only {} examples", all.len());
    all
}

/// An example with other environments: `local` and these lines, indented by two.
pub fn with_environments(yaml: &str, lines: &str) -> String {
    let (before, _) = yaml.split_once("\nenvironments:\n").unwrap();
    format!("{before}\nenvironments:\n  local: {{ target: docker }}\n{lines}")
}

/// The files below a folder whose path is wanted, relative and sorted.
pub fn below(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    fn walk(base: &Path, at: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(base, &path, found);
            } else {
                found.push(path.strip_prefix(base).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.retain(|path| wanted(path));
    found.sort();
    found
}

/// An API (port 8000, volume, a required and an optional secret, every hostile value as `V0`, `V1`, …) and a page that hands
/// `/api` on to it, with the environment's lines below `environments: { production: … }`, indented by four.
pub fn nasty(environment: &str) -> String {
    let mut yaml = String::from(
        "project: shop\nservices:\n  api:\n    build: { kind: fastapi, app: \"shop.app:app\" }\n    health: /api/health\n    \
         volumes: { data: /data }\n    secrets: { API_KEY: required, MAIL: optional }\n    env:\n",
    );
    for (at, value) in HOSTILE.iter().enumerate() {
        let quoted = serde_json::Value::from(value.replace("${", "$${"));
        yaml.push_str(&format!("      V{at}: {quoted}\n"));
    }
    yaml.push_str(
        "      CORS_ORIGINS: \"${services.web.origin}\"\n  web:\n    build: { kind: vite, context: web }\n    \
         env: { VITE_API: \"${services.api.url}\" }\n    proxy: { /api: api }\nvolumes:\n  data: { size: 1Gi }\n\
         environments:\n  production:\n",
    );
    for line in environment.lines() {
        yaml.push_str(&format!("    {line}\n"));
    }
    yaml
}

/// The hostile values by the names they have in [`nasty`].
pub fn nasty_values() -> Vec<(String, &'static str)> {
    HOSTILE.iter().enumerate().map(|(at, value)| (format!("V{at}"), *value)).collect()
}

/// All generated files of a project for all targets, by path.
#[track_caller]
fn everything(project: &Project, variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let arguments = ["render", "--target", "all", "--stdout", "--json"];
    let answer = project.run_with(&arguments, variables).exits(0).json();
    let text = |file: &serde_json::Value, key: &str| file[key].as_str().unwrap().to_owned();
    let files = answer["result"]["files"].as_array().unwrap();
    files.iter().map(|file| (text(file, "path"), text(file, "contents"))).collect()
}

#[test]
fn the_same_bytes_under_another_folder_clock_language_and_home() {
    let (here, there) = (Project::empty("one"), Project::empty("another-much-longer-name"));
    let yaml =
        nasty("target: fly\nregion: fra\nservices: { web: { target: netlify, domain: www.example.com } }");
    // What one of the formats refuses by name is left out: lines of their own, and Railway's references.
    let refused = |line: &&str| ["\\n", "\\t", "${{"].iter().any(|text| line.contains(text));
    let yaml: String = yaml.lines().filter(|line| !refused(line)).map(|line| format!("{line}\n")).collect();
    for project in [&here, &there] {
        project.write("dashdeploy.yaml", &yaml);
    }
    let elsewhere = [
        ("TZ", "Asia/Kathmandu"),
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("HOME", "/nonexistent"),
        ("USER", "someone"),
        ("API_KEY", "canary-of-this-machine"),
        ("SOURCE_DATE_EPOCH", "1"),
    ];
    let (one, other) = (everything(&here, &[]), everything(&there, &elsewhere));
    assert!(one.len() > 20, "{:?}", one.iter().map(|(path, _)| path).collect::<Vec<_>>());
    assert_eq!(one, other);
    assert!(!one.iter().any(|(_, text)| text.contains("canary-of-this-machine")));
}

#[test]
fn every_file_is_ours_and_fresh_once_it_is_written() {
    for (name, yaml) in examples() {
        let project = Project::empty("fresh");
        project.write("dashdeploy.yaml", &yaml);
        project.run(&["render", "--target", "all"]).exits(0);
        let again = project.run(&["render", "--target", "all", "--check"]).exits(0).stdout;
        assert!(
            again.contains("are as dashdeploy.yaml has them") && !again.contains("not generated"),
            "{name}: {again}"
        );
        // What `render` alone writes does not depend on what else was asked for.
        project.run(&["render", "--check"]).exits(0);
    }
}

/// What nginx and its checker say of every configuration of a page that a platform runs, of every example.
#[test]
fn nginx_and_its_checker_take_the_pages_of_every_platform() {
    const TEST: &str = "nginx_and_its_checker_take_the_pages_of_every_platform";
    let (nginx, gixy) = (tool(TEST, "NGINX"), tool(TEST, "GIXY"));
    let mut count = 0;
    let mut all = examples();
    let own_image = "target: render\nservices: { web: { options: { hosting: docker } } }";
    all.extend([("fly".to_owned(), nasty("target: fly")), ("render".to_owned(), nasty(own_image))]);
    for (name, yaml) in all {
        let target = if name == "fly" || name == "render" { name.as_str() } else { "all" };
        let project = rendered(&yaml, target);
        let own =
            |path: &str| path.contains("nginx.") && path.ends_with(".conf") && !path.ends_with(".dev.conf");
        for path in below(project.path(), &|path| own(path) && !path.ends_with("nginx.conf")) {
            let file = project.path().join(&path);
            if let Some(nginx) = &nginx {
                // A variable of this name means something else to nginx: sockets to take over.
                let output = Command::new(nginx)
                    .env_remove("NGINX")
                    .args(["-e", "stderr", "-t", "-c"])
                    .arg(&file)
                    .output();
                let output = output.unwrap();
                let text = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() && !text.contains("[warn]"), "{name} {path}: {text}");
            }
            if let Some(gixy) = &gixy {
                let output = Command::new(gixy).arg(&file).output().unwrap();
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && text.contains("No issues found"), "{name} {path}: {text}");
            }
            count += 1;
        }
    }
    assert!(count >= 4, "only {count} configurations");
}

#[test]
fn yamllint_finds_no_fault_in_any_file_of_a_platform() {
    let Some(yamllint) = tool("yamllint_finds_no_fault_in_any_file_of_a_platform", "YAMLLINT") else {
        return;
    };
    const RULES: &str = "{extends: relaxed, rules: {line-length: disable}}";
    let mut count = 0;
    for (name, yaml) in examples() {
        let project = rendered(&yaml, "all");
        let is_yaml = |path: &str| path.ends_with(".yaml") || path.ends_with(".yml");
        for path in below(project.path(), &|path| is_yaml(path) && path != "dashdeploy.yaml") {
            let output =
                Command::new(&yamllint).args(["-s", "-d", RULES]).arg(project.path().join(&path)).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{name} {path}: {}", String::from_utf8_lossy(&output.stdout));
            count += 1;
        }
    }
    assert!(count > 40, "only {count} files");
}

/// Words of a command line in a head or a manifest, by a real shell.
#[test]
fn a_shell_takes_lines_apart_into_the_same_words() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    let Some(dash) = tool("a_shell_takes_lines_apart_into_the_same_words", "DASH") else { return };
    let mut words: Vec<String> = HOSTILE.iter().map(|word| (*word).to_owned()).collect();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let any = prop_oneof!["[ -~]{0,20}", "[$'\"\\\\`;&|<>(){}*?!#~=\n-]{0,8}", "\\PC{0,10}"];
    words.extend((0..2000).map(|_| any.new_tree(&mut runner).unwrap().current()));
    words.retain(|word| !word.contains('\0'));
    // Each chunk is one line: a program cannot be given more than some hundred kilobytes.
    for chunk in words.chunks(200) {
        let mut line = vec!["printf".to_owned(), "%s\\0".to_owned()];
        line.extend(chunk.iter().cloned());
        let output =
            Command::new(&dash).env_clear().args(["-c", &dashdeploy_contract::shell::line(&line)]).output();
        let output = output.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let read: Vec<&str> = text.strip_suffix('\0').unwrap().split('\0').collect();
        assert_eq!(read, chunk, "{}", String::from_utf8_lossy(&output.stderr));
    }
}
