//! Two services that publish one port of one Docker host.

use std::collections::HashSet;
use std::net::IpAddr;

use dashdeploy_contract::{Bound, Finding, Publish, Service};

use crate::config::draft::{Draft, LOCAL};
use crate::config::report::Report;

pub(super) fn check(draft: &Draft, bound: &[Bound], report: &Report) {
    let mut seen = HashSet::new();
    for bound in bound {
        let on_host = |service: &&Service| {
            bound.targets.get(&service.name).is_some_and(|target| target.as_str() == LOCAL.1)
        };
        let services: Vec<&Service> = bound.services.values().filter(on_host).collect();
        for (n, second) in services.iter().enumerate() {
            let Some(first) = services[..n].iter().find(|first| clash(first, second)) else { continue };
            if seen.insert((&first.name, &second.name)) {
                report.add(finding(draft, bound, first, second));
            }
        }
    }
}

fn clash(first: &Service, second: &Service) -> bool {
    match (first.publish, second.publish) {
        (Publish::Port { address: a, port: p }, Publish::Port { address: b, port: q }) => {
            p == q && overlap(a, b)
        }
        _ => false,
    }
}

/// An unspecified address takes in all of its family; on Linux, `::` takes in IPv4 too.
fn overlap(a: IpAddr, b: IpAddr) -> bool {
    let takes_in = |a: IpAddr, b: IpAddr| a.is_unspecified() && (a.is_ipv6() || a.is_ipv4() == b.is_ipv4());
    a == b || takes_in(a, b) || takes_in(b, a)
}

fn finding(draft: &Draft, bound: &Bound, first: &Service, second: &Service) -> Finding {
    let port = match second.publish {
        Publish::Port { port, .. } => port,
        Publish::No => 0,
    };
    let environment = &bound.environment;
    let over = draft.project.environments.get(environment).and_then(|found| found.services.get(&second.name));
    let key = match over.and_then(|changes| changes.publish) {
        Some(_) => format!("environments.{environment}.services.{}.publish", second.name),
        None => format!("services.{}.publish", second.name),
    };
    let message = format!(
        "`{}` and `{}` both publish port {port} of the host in `{environment}`",
        first.name, second.name
    );
    Finding::error("port-clash", key, message)
        .hint(format!("give `{}` another `publish:`, or `publish: false`", second.name))
}
