//! The main job, whole, on a real engine: from a copy of the example's sources to a running application.

mod engine {
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};

    use crate::support::{Project, docker, docker_text, engine, eventually, get, http, tool};

    const KEY: (&str, &str) = ("TS_ALPHA_VANTAGE_KEY", "demo");

    /// The example's sources, initialised, with a name and ports of its own: API, page.
    fn dashboard() -> (Project, u16, u16) {
        let project = Project::sources_of("small-cap-dashboard");
        project.run(&["init", "--yes"]).exits(0);
        let ports = project.make_own(&[8000, 4173]);
        (project, ports[0], ports[1])
    }

    fn service<'a>(result: &'a Value, name: &str) -> &'a Value {
        let services = result["result"]["services"].as_array().unwrap();
        services
            .iter()
            .find(|service| service["service"] == name)
            .unwrap_or_else(|| panic!("{name}: {result}"))
    }

    #[test]
    fn from_sources_to_a_running_application_and_back() {
        if !engine("stack::engine::from_sources_to_a_running_application_and_back") {
            return;
        }
        let (project, api, web) = dashboard();

        let up = project.run_with(&["up", "--json"], &[KEY]).exits(0).json();
        for name in ["api", "web"] {
            assert_eq!(service(&up, name)["health"]["state"], "healthy", "{up}");
        }
        assert_eq!(service(&up, "web")["url"], format!("http://localhost:{web}"));
        assert!(get(web, "/").body.contains("<div id=\"root\">"));
        assert_eq!(get(web, "/api/health").status, 200);
        assert_eq!(get(api, "/api/health").status, 200);
        assert_eq!(get(web, "/some/page/of/the/app").status, 200);

        rendered_files_are_fresh_until_edited(&project);
        data_outlives_the_containers(&project, web);
        a_second_run_changes_nothing(&project);
        only_what_changed_is_put_anew(&project, web);
        a_killed_api_comes_back(&project, web);
        project.run(&["down", "--volumes", "--yes"]).exits(0);
        let volumes = docker_text(&["volume", "ls", "-q", "--filter", &format!("name={}", project.name)]);
        assert_eq!(volumes, "");
    }

    fn rendered_files_are_fresh_until_edited(project: &Project) {
        project.run(&["render"]).exits(0);
        project.run(&["render", "--check"]).exits(0);
        let former = project.read("backend/Dockerfile");
        project.write("backend/Dockerfile", &format!("{former}# by hand\n"));
        let check = project.run(&["render", "--check"]).exits(3);
        assert!(check.all().contains("# by hand"), "{}", check.all());
        project.run(&["render"]);
        assert!(project.read("backend/Dockerfile").contains("# by hand"));
        project.run(&["render", "--force"]).exits(0);
        assert_eq!(project.read("backend/Dockerfile"), former);
        assert!(project.read("backend/Dockerfile.bak").contains("# by hand"));
    }

    fn data_outlives_the_containers(project: &Project, web: u16) {
        let posted = http(web, "POST", "/api/watchlist", "{\"symbol\": \"AEIS\"}").unwrap();
        assert!(posted.status < 300, "{posted:?}");
        project.run(&["down"]).exits(0);
        assert_eq!(project.container("api"), "");
        project.run_with(&["up"], &[KEY]).exits(0);
        assert!(get(web, "/api/watchlist").body.contains("AEIS"));
        assert_eq!(get(web, "/api/universe").status, 200);
    }

    fn a_second_run_changes_nothing(project: &Project) {
        let before = (project.container("api"), project.container("web"));
        let again = project.run_with(&["up", "--json"], &[KEY]).exits(0).json();
        assert_eq!(again["result"]["changed"], json!(false), "{again}");
        assert_eq!(before, (project.container("api"), project.container("web")));
        let said = project.run_with(&["up"], &[KEY]).exits(0);
        assert!(said.stdout.contains("Nothing to change"), "{}", said.stdout);
    }

    /// The API gets another container, and with it perhaps another address; the page's proxy must follow.
    fn only_what_changed_is_put_anew(project: &Project, web: u16) {
        let (api_before, web_before) = (project.container("api"), project.container("web"));
        project.replace("dashdeploy.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug");
        let up = project.run_with(&["up", "--json"], &[KEY]).exits(0);
        assert!(up.stdout.contains("LOG_LEVEL"), "the reason is told: {}", up.stdout);
        assert_ne!(api_before, project.container("api"));
        assert_eq!(web_before, project.container("web"));
        eventually("the proxy follows the API", 20, || get(web, "/api/health").status == 200);
    }

    fn a_killed_api_comes_back(project: &Project, web: u16) {
        let id = project.container("api");
        let pid = docker_text(&["inspect", "-f", "{{.State.Pid}}", &id]);
        Command::new("kill").args(["-9", &pid]).status().unwrap();
        eventually("the API is started again", 60, || get(web, "/api/health").status == 200);
        let running = docker_text(&["inspect", "-f", "{{.RestartCount}}", &id]);
        assert_eq!(running, "1");
    }

    #[test]
    fn a_required_secret_that_is_missing_is_named_before_anything_starts() {
        if !engine("stack::engine::a_required_secret_that_is_missing_is_named_before_anything_starts") {
            return;
        }
        let (project, ..) = dashboard();
        let ran = project.run(&["up"]).exits(2);
        assert!(ran.stderr.contains("TS_ALPHA_VANTAGE_KEY"), "{}", ran.stderr);
        assert_eq!(project.container("api"), "");
    }

    /// A small stack on an image that every lab has: quick to start, easy to break.
    fn small(name: &str, command: &str) -> Project {
        let project = Project::empty(name);
        project.write("dashdeploy.yaml", &small_config(&project.name, command));
        project
    }

    fn small_config(name: &str, command: &str) -> String {
        format!(
            "project: {name}\nservices:\n  app:\n    image: nginx:1.27-alpine\n    health: {{ command: [test, -e, /tmp/ready] }}\n    \
             command: [sh, -c, {command:?}]\n    volumes: {{ data: /data }}\nvolumes:\n  data: {{}}\n"
        )
    }

    #[test]
    fn what_never_gets_healthy_is_taken_back_with_the_evidence() {
        if !engine("stack::engine::what_never_gets_healthy_is_taken_back_with_the_evidence") {
            return;
        }
        let project = small("sick", "echo the disk is on fire; exit 3");
        let ran = project.run(&["up"]).exits(1);
        assert!(ran.stderr.contains("the disk is on fire"), "{}", ran.stderr);
        assert!(ran.stderr.contains("code 3"), "{}", ran.stderr);
        assert_eq!(project.container("app"), "");

        project.write("dashdeploy.yaml", &small_config(&project.name, "touch /tmp/ready; exec sleep 600"));
        project.run(&["up"]).exits(0);
        let good = project.container("app");
        project.write("dashdeploy.yaml", &small_config(&project.name, "echo worse; exit 4"));
        let ran = project.run(&["up"]).exits(4);
        assert!(ran.stderr.contains("worse"), "{}", ran.stderr);
        assert_eq!(project.container("app"), good, "the former container is back");
        assert_eq!(docker_text(&["inspect", "-f", "{{.State.Running}}", &good]), "true");
    }

    #[test]
    fn an_interrupted_start_leaves_nothing_half_made() {
        if !engine("stack::engine::an_interrupted_start_leaves_nothing_half_made") {
            return;
        }
        let project = small("stopped", "exec sleep 600");
        let child = project.command(&["up"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the container is there", 30, || !project.container("app").is_empty());
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(project.container("app"), "");
        let networks =
            docker_text(&["network", "ls", "-q", "--filter", &format!("name={}_default", project.name)]);
        assert_eq!(networks, "");
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_the_mend() {
        if !engine("stack::engine::a_port_that_is_taken_is_named_with_the_mend") {
            return;
        }
        let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = holder.local_addr().unwrap().port();
        let project = small("port", "touch /tmp/ready; exec sleep 600");
        let config = project
            .read("dashdeploy.yaml")
            .replace("    health", &format!("    port: 80\n    publish: {port}\n    health"));
        project.write("dashdeploy.yaml", &config);
        let ran = project.run(&["up"]).exits(1);
        assert!(ran.stderr.contains(&port.to_string()) && ran.stderr.contains("publish"), "{}", ran.stderr);
        assert_eq!(project.container("app"), "");
    }

    #[test]
    fn logs_ps_exec_and_dry_run_tell_the_truth() {
        if !engine("stack::engine::logs_ps_exec_and_dry_run_tell_the_truth") {
            return;
        }
        let project = small("looks", "echo to-out; echo to-err >&2; touch /tmp/ready; exec sleep 600");
        let plan = project.run(&["up", "--dry-run"]).exits(0);
        assert!(plan.stdout.contains("docker/container/app"), "{}", plan.stdout);
        assert_eq!(project.container("app"), "", "a dry run starts nothing");
        project.run(&["up"]).exits(0);

        let logs = project.run(&["logs"]).exits(0);
        assert!(logs.stdout.contains("to-out") && logs.stdout.contains("to-err"), "{}", logs.stdout);
        let ps = project.run(&["ps", "--json"]).exits(0).json();
        assert_eq!(service(&ps, "app")["health"]["state"], "healthy");
        let exec = project.run(&["exec", "app", "sh", "-c", "echo inside; exit 7"]).exits(7);
        assert_eq!(exec.stdout, "inside\n");
        project.run(&["down"]).exits(0);
        let again = project.run(&["down"]).exits(0);
        assert!(again.stdout.contains("Nothing runs"), "{}", again.stdout);
    }

    #[test]
    fn compose_makes_and_sees_the_same_containers() {
        let test = "stack::engine::compose_makes_and_sees_the_same_containers";
        let Some(compose) = tool(test, "DOCKER_COMPOSE") else { return };
        if !engine(test) {
            return;
        }
        let (project, ..) = dashboard();
        project.run(&["render"]).exits(0);
        project.run_with(&["up"], &[KEY]).exits(0);
        let ours = facts(&project);
        let listed = compose_run(&compose, &project, &["ps", "--format", "{{.Service}} {{.Health}}"]);
        assert!(listed.contains("api healthy") && listed.contains("web healthy"), "{listed}");
        assert!(compose_run(&compose, &project, &["logs", "--no-color", "api"]).contains("api-1"));
        compose_run(&compose, &project, &["down"]);
        assert_eq!(project.container("api"), "");

        compose_run(&compose, &project, &["up", "-d", "--no-build", "--wait"]);
        let theirs = facts(&project);
        for service in ["api", "web"] {
            for (field, value) in ours[service].as_object().unwrap() {
                assert_eq!(*value, theirs[service][field], "{field} of {service}: ours, then Compose's");
            }
        }
        let recognised = project.run_with(&["up", "--json"], &[KEY]).exits(0).json();
        assert_eq!(recognised["result"]["changed"], json!(false), "{recognised}");
        project.run(&["down"]).exits(0);
        assert_eq!(project.container("api"), "");
    }

    fn compose_run(compose: &std::path::Path, project: &Project, arguments: &[&str]) -> String {
        let output = Command::new(compose)
            .args(arguments)
            .current_dir(project.path())
            .env(KEY.0, KEY.1)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What makes two containers the same, field by field.
    fn facts(project: &Project) -> Value {
        let of = |service: &str| {
            let text = docker_text(&["inspect", &project.container(service)]);
            let value: Value = serde_json::from_str(&text).unwrap();
            let (container, host, config) = (&value[0], &value[0]["HostConfig"], &value[0]["Config"]);
            let mut env: Vec<String> = serde_json::from_value(config["Env"].clone()).unwrap();
            // Compose names an optional variable without a value by its bare name, which leaves it unset.
            env.retain(|variable| variable.contains('='));
            env.sort();
            let mut mounts: Vec<String> = container["Mounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|mount| {
                    format!("{} {} {} {}", mount["Type"], mount["Name"], mount["Destination"], mount["RW"])
                })
                .collect();
            mounts.sort();
            json!({
                "image": container["Image"], "reference": config["Image"], "env": env, "mounts": mounts,
                "networks": container["NetworkSettings"]["Networks"].as_object().unwrap().keys().collect::<Vec<_>>(),
                "ports": host["PortBindings"], "exposed": config["ExposedPorts"], "health": config["Healthcheck"],
                "user": config["User"], "read_only": host["ReadonlyRootfs"], "cap_drop": host["CapDrop"],
                "security": host["SecurityOpt"], "memory": host["Memory"], "cpus": host["NanoCpus"],
                "pids": host["PidsLimit"], "ulimits": host["Ulimits"], "init": host["Init"], "tmpfs": host["Tmpfs"],
                "restart": host["RestartPolicy"]["Name"], "log": host["LogConfig"], "command": config["Cmd"],
                "entrypoint": config["Entrypoint"], "workdir": config["WorkingDir"], "stop": config["StopTimeout"],
                "project": config["Labels"]["dev.dashdeploy.project"], "service": config["Labels"]["dev.dashdeploy.service"],
            })
        };
        json!({ "api": of("api"), "web": of("web") })
    }

    mod browser {
        use super::*;

        #[test]
        fn shows_data_from_the_api() {
            let test = "stack::engine::browser::shows_data_from_the_api";
            let Some(chromium) = tool(test, "CHROMIUM") else { return };
            if !engine(test) {
                return;
            }
            let (project, _, web) = dashboard();
            project.run_with(&["up"], &[KEY]).exits(0);
            // Another host name than the one the address was made for: the page must find its API all the same.
            for host in ["localhost", "127.0.0.1"] {
                let page = dom(&chromium, &format!("http://{host}:{web}/"));
                assert!(page.contains("data-testid=\"universe-row\""), "{host}: {page}");
                assert!(page.contains("data-testid=\"price-chart\""), "{host}: {page}");
            }
        }

        fn dom(chromium: &std::path::Path, url: &str) -> String {
            let profile = tempfile::tempdir().unwrap();
            let output = Command::new(chromium)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
                .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .args(["--virtual-time-budget=15000", "--dump-dom", url])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
    }

    #[test]
    fn things_of_others_are_never_touched() {
        if !engine("stack::engine::things_of_others_are_never_touched") {
            return;
        }
        let project = small("foreign", "touch /tmp/ready; exec sleep 600");
        let volume = format!("{}_data", project.name);
        docker_text(&["volume", "create", &volume]);
        let ran = project.run(&["up"]).exits(1);
        assert!(ran.stderr.contains(&volume), "{}", ran.stderr);
        assert_eq!(project.container("app"), "");
        project.run(&["down", "--volumes", "--yes"]);
        assert_eq!(docker_text(&["volume", "ls", "-q", "--filter", &format!("name={volume}")]), volume);
        docker(&["volume", "rm", &volume]);
    }
}
