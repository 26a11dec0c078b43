//! What Compose makes of the same container must have the same facts.

use super::*;
use crate::config::TARGET;
use crate::desired::DesiredContainer;
use dashdeploy_contract::Release;
use dashdeploy_contract::conformance::sample;
use serde_json::{Value, json};

/// What `GET /containers/shop-api-1/json` answers after `docker compose up` of the generated file.
fn composed() -> Value {
    let key = dashdeploy_contract::conformance::canaries(&sample(TARGET).bound);
    let service = dashdeploy_contract::Name::parse("api").unwrap();
    let key = key.expose(&service, "API_KEY").unwrap().to_owned();
    json!({
        "Id": "abc", "Name": "/shop-api-1", "Image": sample(TARGET).images["api"].id.0,
        "Config": {
            "User": "10001:10001", "Env": [format!("API_KEY={key}"), "LOG_LEVEL=info", "PATH=/usr/bin"],
            "Cmd": ["serve"], "Entrypoint": null, "WorkingDir": "/app", "StopTimeout": 10,
            "Healthcheck": { "Test": probe(), "Interval": 2_000_000_000_i64, "Timeout": 5_000_000_000_i64,
                "Retries": 5, "StartPeriod": 30_000_000_000_i64 },
            "Labels": { "dev.dashdeploy.project": "shop", "dev.dashdeploy.environment": "local",
                "dev.dashdeploy.service": "api", "com.docker.compose.project": "shop" },
        },
        "HostConfig": {
            "ReadonlyRootfs": true, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"],
            "PidsLimit": 256, "Memory": 536_870_912, "MemorySwap": 1_073_741_824, "NanoCpus": 1_000_000_000, "Init": true,
            "Ulimits": [{ "Name": "nofile", "Soft": 8192, "Hard": 8192 }],
            "RestartPolicy": { "Name": "unless-stopped", "MaximumRetryCount": 0 },
            "LogConfig": { "Type": "json-file", "Config": { "max-size": "10m", "max-file": "3" } },
            "Tmpfs": { "/tmp": "size=64m,noexec,nosuid" }, "NetworkMode": "shop_default",
            "PortBindings": { "8000/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "8000" }] },
            "Binds": ["shop_data:/data:rw"],
        },
        "Mounts": [{ "Type": "volume", "Name": "shop_data", "Destination": "/data", "RW": true, "Driver": "local" }],
        "NetworkSettings": { "Networks": { "shop_default": {
            "NetworkID": "net1", "Aliases": ["shop-api-1", "api", "0123456789ab"] } } },
    })
}

fn image() -> ImageConfig {
    serde_json::from_value(
        json!({ "Env": ["PATH=/usr/bin"], "Cmd": ["serve"], "WorkingDir": "/app", "User": "10001:10001" }),
    )
    .unwrap()
}

fn probe() -> Vec<String> {
    wanted(&sample(TARGET)).spec.probe.unwrap().test
}

fn wanted(release: &Release) -> DesiredContainer {
    DesiredContainer::of(release, &Stack::of(&release.bound), &release.bound.services["api"]).unwrap()
}

fn changed(container: Value, image: Option<&ImageConfig>) -> Vec<String> {
    let release = sample(TARGET);
    let stack = Stack::of(&release.bound);
    let container = serde_json::from_value(container).unwrap();
    let scope = Scope { stack: &stack, service: release.bound.services.get("api"), network: Some("net1") };
    let salt = Salt { project: &release.bound.project, environment: &release.bound.environment };
    let found = facts(&scope, &container, image);
    let canary = dashdeploy_contract::conformance::CANARY;
    assert!(!serde_json::to_string(&found).unwrap().contains(canary), "a secret is in the facts");
    let difference = found.difference(&Facts::wanted(&wanted(&release)), salt);
    difference.into_iter().map(|change| change.field).collect()
}

#[test]
fn a_container_of_compose_is_recognised_as_the_same() {
    assert_eq!(changed(composed(), Some(&image())), Vec::<String>::new());
}

#[test]
fn every_field_that_matters_is_seen_when_it_differs() {
    let cases = [
        ("/Image", json!("sha256:other"), "image"),
        ("/Config/User", json!("0:0"), "user"),
        ("/Config/Cmd", json!(["sh"]), "command"),
        ("/Config/Entrypoint", json!(["sh"]), "entrypoint"),
        ("/Config/WorkingDir", json!("/"), "working_dir"),
        ("/Config/StopTimeout", json!(1), "stop_grace"),
        ("/Config/Env/0", json!("API_KEY=another"), "env.API_KEY"),
        ("/Config/Env/1", json!("LOG_LEVEL=debug"), "env.LOG_LEVEL"),
        ("/Config/Env/2", json!("PATH=/evil"), "env.PATH"),
        ("/Config/Healthcheck/Interval", json!(1), "health.interval"),
        ("/Config/Healthcheck/Test", json!(["NONE"]), "health.test"),
        ("/Config/Labels/dev.dashdeploy.service", json!("x"), "labels.dev.dashdeploy.service"),
        ("/HostConfig/ReadonlyRootfs", json!(false), "security.read_only"),
        ("/HostConfig/CapDrop", json!([]), "security.cap_drop"),
        ("/HostConfig/CapAdd", json!(["SYS_ADMIN"]), "security.cap_add"),
        ("/HostConfig/Privileged", json!(true), "security.privileged"),
        ("/HostConfig/SecurityOpt", json!(["seccomp=unconfined"]), "security.options"),
        ("/HostConfig/PidsLimit", json!(0), "limits.pids"),
        ("/HostConfig/Memory", json!(1_048_576), "limits.memory"),
        ("/HostConfig/NanoCpus", json!(0), "limits.cpus"),
        ("/HostConfig/Ulimits", json!([]), "limits.nofile"),
        ("/HostConfig/Init", json!(false), "init"),
        ("/HostConfig/RestartPolicy/Name", json!("no"), "restart"),
        ("/HostConfig/LogConfig/Config/max-size", json!("20m"), "log"),
        ("/HostConfig/Tmpfs", json!({}), "tmpfs./tmp"),
        ("/HostConfig/PortBindings/8000~1tcp/0/HostIp", json!(""), "ports.8000/tcp"),
        ("/Mounts/0/Name", json!("other_data"), "mounts./data"),
        ("/Mounts/0/RW", json!(false), "mounts./data"),
        ("/NetworkSettings/Networks/shop_default/NetworkID", json!("net0"), "networks.shop_default"),
        ("/NetworkSettings/Networks/shop_default/Aliases", json!(["x"]), "networks.shop_default"),
    ];
    for (path, value, field) in cases {
        let mut container = composed();
        set(&mut container, path, value);
        assert_eq!(changed(container, Some(&image())), [field], "{path}");
    }
}

#[test]
fn an_unnamed_volume_that_the_image_declares_is_no_difference() {
    let mut container = composed();
    let unnamed = json!({ "Type": "volume", "Name": "a".repeat(64), "Destination": "/cache", "RW": true });
    container["Mounts"].as_array_mut().unwrap().push(unnamed);
    assert_eq!(changed(container.clone(), Some(&image())), ["mounts./cache"]);
    let mut image = image();
    image.volumes = Some(vec!["/cache".to_owned()]);
    assert_eq!(changed(container, Some(&image)), Vec::<String>::new());
}

fn set(container: &mut Value, path: &str, value: Value) {
    match container.pointer_mut(path) {
        Some(slot) => *slot = value,
        None => {
            let (parent, key) = path.rsplit_once('/').unwrap();
            container.pointer_mut(parent).unwrap()[key] = value;
        }
    }
}
