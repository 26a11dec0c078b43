//! A place on the engine for one test.

use std::path::Path;
use std::process::{Command, Stdio};

use dashdeploy_contract::*;

use crate::render::{files, files_with_plain, plain_path, projects, write};
use crate::support::{docker, docker_text, repository};

/// Images, containers, networks and volumes of one test, taken away at its end.
pub struct Lab {
    pub id: String,
    pub dir: tempfile::TempDir,
}

/// How every container of a generated image is run.
const RESTRICTED: [&str; 11] = [
    "--init",
    "--read-only",
    "--tmpfs",
    "/tmp:rw,noexec,nosuid,nodev,size=67108864",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges:true",
    "--user",
    APP_USER,
    "--pids-limit=256",
];

impl Lab {
    pub fn new(name: &str) -> Self {
        let id = format!("dd-render-{name}-{}", std::process::id());
        let lab = Self { id, dir: tempfile::tempdir().unwrap() };
        docker_text(&["network", "create", &lab.id]);
        lab
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The sources of an example as a folder of this project.
    pub fn copy_example(&self, example: &str, to: &str) {
        let from = repository().join("examples").join(example);
        let to = self.dir.path().join(to);
        std::fs::create_dir_all(&to).unwrap();
        let script = "cp -R \"$1/.\" \"$2\" && rm -rf \"$2/node_modules\" \"$2/dist\" \"$2/.env\"";
        assert!(
            Command::new("sh").args(["-euc", script, "sh"]).arg(from).arg(to).status().unwrap().success()
        );
    }

    /// Builds a service as `docker build` does, with the project's files written.
    pub fn build(&self, project: &Project, service: &str) -> Result<String, String> {
        self.build_with(project, service, &[])
    }

    /// [`Lab::build`] with more arguments.
    pub fn build_with(&self, project: &Project, service: &str, more: &[&str]) -> Result<String, String> {
        write(&files(project), self.dir.path());
        let build = project.services[&projects::name(service)].build().unwrap();
        self.build_file(&build.dockerfile, build, service, more)
    }

    /// Builds a service from its Dockerfile without mounts.
    #[track_caller]
    pub fn built_plain(&self, project: &Project, service: &str, more: &[&str]) -> String {
        write(&files_with_plain(project), self.dir.path());
        let build = project.services[&projects::name(service)].build().unwrap();
        let built = self.build_file(&plain_path(build), build, service, more);
        built.unwrap_or_else(|log| panic!("{service} was not built:\n{log}"))
    }

    fn build_file(
        &self,
        dockerfile: &str,
        build: &Build,
        service: &str,
        more: &[&str],
    ) -> Result<String, String> {
        let tag = format!("{}-{service}", self.id);
        let program = if Path::new("/usr/bin/docker").exists() { "/usr/bin/docker" } else { "docker" };
        let output = Command::new(program)
            .env("DOCKER_BUILDKIT", "1")
            .args(["build", "--progress=plain", "-t", &tag])
            .args(more)
            .arg("-f")
            .arg(self.dir.path().join(dockerfile))
            .arg(self.dir.path().join(&build.context))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(tag) } else { Err(text) }
    }

    #[track_caller]
    pub fn built(&self, project: &Project, service: &str) -> String {
        self.build(project, service).unwrap_or_else(|log| panic!("{service} was not built:\n{log}"))
    }

    /// Starts a container; returns the port of this machine that leads to `port`, if one is given.
    #[track_caller]
    pub fn run(&self, service: &str, port: Option<u16>, more: &[&str]) -> u16 {
        let (container, image) = (self.container(service), format!("{}-{service}", self.id));
        let publish = port.map(|port| format!("127.0.0.1:0:{port}"));
        let mut arguments =
            vec!["run", "-d", "--name", &container, "--network", &self.id, "--network-alias", service];
        arguments.extend(RESTRICTED);
        arguments.extend(publish.iter().flat_map(|publish| ["-p", publish.as_str()]));
        arguments.extend(more);
        arguments.push(&image);
        docker_text(&arguments);
        let Some(port) = port else { return 0 };
        let mapped = docker_text(&["port", &container, &port.to_string()]);
        mapped.lines().next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
    }

    pub fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.id)
    }

    #[track_caller]
    pub fn until_healthy(&self, service: &str) {
        let container = self.container(service);
        let status =
            || docker_text(&["inspect", "-f", "{{.State.Status}} {{.State.Health.Status}}", &container]);
        let mut last = String::new();
        for _ in 0..240 {
            last = status();
            if last == "running healthy" {
                return;
            }
            if !last.starts_with("running") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        let log = docker(&["logs", "--tail", "40", &container]);
        panic!(
            "{service} is {last}:\n{}{}",
            String::from_utf8_lossy(&log.stdout),
            String::from_utf8_lossy(&log.stderr)
        );
    }

    #[track_caller]
    pub fn inside(&self, service: &str, script: &str) -> String {
        docker_text(&["exec", &self.container(service), "sh", "-c", script])
    }

    pub fn volume(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let remove = |list: &[&str], how: &[&str]| {
            let filter = format!("name={}", self.id);
            let found = docker(&[list, &["--filter", &filter]].concat());
            let found = String::from_utf8_lossy(&found.stdout).into_owned();
            let ids: Vec<&str> = found.split_whitespace().collect();
            if !ids.is_empty() {
                docker(&[how, &ids].concat());
            }
        };
        remove(&["ps", "-aq"], &["rm", "-f", "-v"]);
        remove(&["network", "ls", "-q"], &["network", "rm"]);
        remove(&["volume", "ls", "-q"], &["volume", "rm"]);
        let found = docker(&[
            "images",
            "--format",
            "{{.Repository}}",
            "--filter",
            &format!("reference={}-*", self.id),
        ]);
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let images: Vec<&str> = found.split_whitespace().collect();
        if !images.is_empty() {
            docker(&[&["rmi", "-f"][..], &images].concat());
        }
    }
}
