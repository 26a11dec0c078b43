//! A platform that gives another address than was foreseen, since somebody else has that name.

use std::time::Duration;

use dashdeploy_fakes::render::{Render, RenderOptions, Table};

use super::stage::Stage;
use crate::push::fake::{Fake, Reply};

fn configuration(name: &str, registry: &str) -> String {
    format!(
        "project: {name}
services:
  api:
    image: {registry}/acme/api:1
    port: 8000
    publish: 18000
    health: /healthz
    env: {{ ORIGIN: '${{services.web.origin}}' }}
  web: {{ image: '{registry}/acme/web:1', port: 8080, publish: 18080, health: / }}
smoke:
  - {{ service: web, path: /, contains: 'id=\"root\"' }}
environments:
  staging: {{ target: render, region: frankfurt }}
ci: false
"
    )
}

#[test]
fn a_first_deploy_is_looked_at_where_it_is_and_not_where_somebody_else_is() {
    let name = "render-taken";
    let taken = format!("t{}-{name}-staging-web", std::process::id());
    let options = RenderOptions {
        limits: false,
        pending: Duration::from_millis(5),
        workloads: Some(Box::new(Table { boot: Duration::from_millis(20), rules: Vec::new() })),
        taken_labels: vec![taken.clone()],
        ..RenderOptions::default()
    };
    let mut stage =
        Stage::new(name, "staging", vec![Box::new(Render::new(options))], Duration::ZERO, configuration);
    let others = Fake::start(|_| Reply::json(404, "somebody else's"));
    let (others, edge) = (others.host(), stage.edge.host());
    let detours = format!("{taken}.onrender.com=http://{others},*.onrender.com=http://{edge}");
    stage.set("DASHDEPLOY_CONNECT_TO", &detours);
    let ran = stage.run(&["deploy", "--yes"]).exits(0);
    assert!(ran.stderr.contains("another address than its name promised"), "{}", ran.stderr);
    let shown = ran.stderr.lines().filter(|line| line.starts_with("verified web") && line.contains(&taken));
    assert!(shown.clone().count() >= 1, "{}", ran.stderr);
    assert!(shown.clone().all(|line| line.contains(&format!("{taken}-"))), "{}", ran.stderr);
    stage.run(&["plan", "--exit-code"]).exits(0);
}
