//! Things of others in the way: refused by name, never touched.

use crate::lab::{name, run};
use bollard::models::{
    ContainerCreateBody, HostConfig, NetworkCreateRequest, PortBinding, VolumeCreateRequest,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, StartContainerOptions};
use dashdeploy_contract::{ErrorKind, Publish, Removal, Target as _};

#[test]
fn a_volume_of_others_is_refused_and_kept() {
    run("foreign-volume", |lab| async move {
        let volume = format!("{}_data", lab.release.bound.project);
        let plan = lab.plan(&lab.release).await;
        // Made by someone else between plan and apply: the engine answers the create with success all the same.
        let request = VolumeCreateRequest { name: Some(volume.clone()), ..Default::default() };
        lab.docker.create_volume(request).await.unwrap();
        let change = plan.changes.iter().find(|change| change.address.kind() == "volume").unwrap();
        let error = lab.apply(&lab.release, change).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains(&volume) && error.hint.is_some(), "{error}");

        let error = lab.target.plan(&lab.release, &lab.observe().await).unwrap_err();
        assert!(error.message.contains(&volume) && error.hint.is_some(), "{error}");
        assert_eq!(lab.remove(Removal::DeleteData).await.changes, []);
        lab.docker.inspect_volume(&volume).await.unwrap();
    });
}

#[test]
fn a_network_or_container_of_others_is_refused_and_kept() {
    run("foreign-container", |lab| async move {
        let network = format!("{}_default", lab.release.bound.project);
        let plan = lab.plan(&lab.release).await;
        let request = NetworkCreateRequest { name: network.clone(), ..Default::default() };
        let id = lab.docker.create_network(request).await.unwrap().id;
        let error = lab.apply(&lab.release, &plan.changes[0]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        let error = lab.target.plan(&lab.release, &lab.observe().await).unwrap_err();
        assert!(error.message.contains(&network), "{error}");
        lab.docker.remove_network(&id).await.unwrap();

        for change in &plan.changes[..2] {
            lab.apply(&lab.release, change).await.unwrap();
        }
        let container = lab.container("api");
        let body =
            ContainerCreateBody { image: Some("debian:bookworm-slim".to_owned()), ..Default::default() };
        let options = CreateContainerOptionsBuilder::new().name(&container).build();
        let id = lab.docker.create_container(Some(options), body).await.unwrap().id;
        let error = lab.apply(&lab.release, &plan.changes[2]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        let error = lab.target.plan(&lab.release, &lab.observe().await).unwrap_err();
        assert!(error.message.contains(&container), "{error}");
        assert!(error.hint.unwrap().contains(&format!("docker rm -f {container}")));
        lab.remove(Removal::DeleteData).await;
        assert_eq!(lab.id(&container).await, Some(id));
    });
}

#[test]
fn a_port_that_is_taken_is_named_with_who_has_it_and_nothing_is_left() {
    run("port", |lab| async move {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = lab.edited(|release| {
            let address = std::net::Ipv4Addr::LOCALHOST.into();
            release.bound.services["api"].publish = Publish::Port { address, port };
        });
        let plan = lab.plan(&taken).await;
        for change in &plan.changes[..2] {
            lab.apply(&taken, change).await.unwrap();
        }
        let error = lab.apply(&taken, &plan.changes[2]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains(&format!("port {port} is taken by another program")), "{error}");
        assert!(error.hint.unwrap().contains("`publish:` of service `api`"));
        assert_eq!(lab.id(&lab.container("api")).await, None, "the container that did not start was left");
        drop(listener);

        let other = format!("{}-other", lab.release.bound.project);
        let binding =
            PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.to_string()) };
        let ports = [("80/tcp".to_owned(), Some(vec![binding]))].into();
        let body = ContainerCreateBody {
            image: Some("debian:bookworm-slim".to_owned()),
            cmd: Some(vec!["sleep".to_owned(), "100".to_owned()]),
            // The engine publishes only what is exposed as well.
            exposed_ports: Some(vec!["80/tcp".to_owned()]),
            host_config: Some(HostConfig {
                port_bindings: Some(ports),
                init: Some(true),
                ..Default::default()
            }),
            ..Default::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&other).build();
        lab.docker.create_container(Some(options), body).await.unwrap();
        lab.docker.start_container(&other, None::<StartContainerOptions>).await.unwrap();

        // A replacement that cannot start leaves the former one serving.
        lab.up(&lab.release).await;
        let before = lab.id(&lab.container("api")).await;
        let plan = lab.plan(&taken).await;
        assert_eq!(plan.changes.len(), 1, "{:#?}", plan.changes);
        assert_eq!(plan.changes[0].reason, "ports.8000/tcp changed");
        let error = lab.apply(&taken, &plan.changes[0]).await.unwrap_err();
        assert!(error.message.contains(&format!("the container `{other}`")), "{error}");
        assert_eq!(lab.id(&lab.container("api")).await, before);
        lab.healthy("api").await;
        assert_eq!(lab.plan(&lab.release).await.changes, []);
    });
}

#[test]
fn a_missing_image_or_program_names_the_mend() {
    run("missing", |lab| async move {
        let missing = lab.edited(|release| {
            let image = release.images.get_mut("api").unwrap();
            image.reference = "dashdeploy.invalid/none:1".to_owned();
            image.id.0 = format!("sha256:{}", "0".repeat(64));
        });
        let plan = lab.plan(&missing).await;
        for change in &plan.changes[..2] {
            lab.apply(&missing, change).await.unwrap();
        }
        let error = lab.apply(&missing, &plan.changes[2]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
        assert!(error.hint.unwrap().contains("dashdeploy build"));

        let wrong = lab.edited(|release| {
            release.bound.services["api"].command = Some(vec!["no-such-program".to_owned()]);
            // Without it the engine's own init would start, and fail later.
            release.bound.services["api"].depends_on = Vec::new();
        });
        let plan = lab.plan(&wrong).await;
        let change = plan.changes.iter().find(|c| c.service == Some(name("api"))).unwrap();
        match lab.apply(&wrong, change).await {
            Err(error) => assert!(error.hint.is_some(), "{error}"),
            Ok(()) => {
                let mut watch = lab.reader.watch(&wrong.bound).await.unwrap().unwrap();
                let ended = async {
                    loop {
                        let sample = watch.next().await.unwrap();
                        if matches!(sample.health, dashdeploy_contract::Health::Exited { .. }) {
                            return;
                        }
                    }
                };
                tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.unwrap();
            }
        }
    });
}
