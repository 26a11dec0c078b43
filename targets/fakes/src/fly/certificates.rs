//! Certificates of custom domains.
//!
//! Given: requests. Gives: answers; a certificate is there once the domain points here. Deliberately absent: certificates that users
//! bring, and DNS.

use serde_json::{Value, json};

use super::body::Hostname;
use super::fault::{Answer, Fault};
use super::route::strange;
use super::state::App;
use super::{Fly, Stage};
use crate::{Call, Moment, Reply};

impl Fly {
    pub(super) fn certificate_route(&mut self, call: &Call, app: &str, rest: &[&str]) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = |app: &App, host: &str| {
            let found = app.certificates.iter().position(|(known, _)| known == host);
            found.ok_or_else(|| Fault::missing(&format!("certificate {host}")))
        };
        match (call.method.as_str(), rest) {
            ("GET", []) => Ok(stage.list_certificates(app)),
            ("POST", ["acme"]) => {
                let asked: Hostname = call.json().map_err(Fault::bad)?;
                let host = asked
                    .hostname
                    .filter(|host| is_host(host))
                    .ok_or_else(|| Fault::invalid("the hostname is invalid"))?;
                if at(app, &host).is_err() {
                    app.certificates.push((host.clone(), stage.now));
                }
                let at = at(app, &host)?;
                Ok(Reply::json(201, &stage.show_certificate(app, at)))
            }
            ("GET", [host]) | ("POST", [host, "check"]) => {
                Ok(Reply::json(200, &stage.show_certificate(app, at(app, host)?)))
            }
            ("DELETE", [host]) => {
                let at = at(app, host)?;
                app.certificates.remove(at);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }
}

impl Stage {
    fn list_certificates(&self, app: &App) -> Reply {
        let show = |(host, since): &(String, Moment)| {
            json!({
                "hostname": host, "configured": self.points_here(host), "status": self.word(host),
                "acme_requested": true, "created_at": self.date(*since),
            })
        };
        let shown: Vec<Value> = app.certificates.iter().map(show).collect();
        Reply::json(200, &json!({ "certificates": shown, "total_count": app.certificates.len() }))
    }

    fn points_here(&self, host: &str) -> bool {
        self.options.pointed.iter().any(|known| known == host)
    }

    fn word(&self, host: &str) -> &'static str {
        if self.points_here(host) { "active" } else { "pending_validation" }
    }

    fn show_certificate(&self, app: &App, at: usize) -> Value {
        let (host, since): &(String, Moment) = &app.certificates[at];
        let (configured, word) = (self.points_here(host), self.word(host));
        let addresses = |six: bool| -> Vec<&String> {
            app.ips
                .iter()
                .filter(|ip| !ip.private)
                .map(|ip| &ip.address)
                .filter(|ip| ip.contains(':') == six)
                .collect()
        };
        let remediation = format!("point {host} to {}.fly.dev", app.name);
        let errors = if configured {
            json!([])
        } else {
            json!([{ "code": "dns_not_configured", "message": "the domain does not point here", "remediation": remediation }])
        };
        let entries = json!([{ "source": "fly", "status": word, "created_at": self.date(*since) }]);
        json!({
            "hostname": host, "configured": configured, "acme_requested": true, "status": word, "certificates": entries,
            "dns_requirements": {
                "a": addresses(false), "aaaa": addresses(true), "cname": format!("{}.fly.dev", app.name),
                "acme_challenge": {
                    "name": format!("_acme-challenge.{host}"), "target": format!("{host}.{}.flydns.net", app.id),
                },
                "ownership": { "name": format!("_fly-ownership.{host}"), "app_value": app.id, "org_value": app.organisation },
            },
            "validation": {
                "dns_configured": configured, "alpn_configured": configured, "http_configured": configured,
                "ownership_txt_configured": false,
            },
            "validation_errors": errors,
        })
    }
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'*')
    };
    host.contains('.') && host.len() <= 253 && host.split('.').all(label)
}
