//! Custom domains: added, verified where their records point here, removed.
//!
//! Given: requests below `/custom-domains`. Gives: answers. Deliberately absent: certificates, whose state the vendor does not tell
//! either. Source: <https://render.com/docs/custom-domains>, <https://api-docs.render.com/reference/create-custom-domain>.

use serde_json::{Value, json};

use super::Render;
use super::body::{DomainPost, Kind};
use super::fault::{Answer, Fault};
use super::list::Asked;
use super::route::strange;
use super::state::{Domain, Service};
use crate::{Call, Reply};

const FILTERS: &[&str] = &["name", "domainType", "verificationStatus", "createdBefore", "createdAfter"];

impl Render {
    /// `/services/{id}/custom-domains`.
    pub(super) fn domain_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        self.service(id)?;
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_domains(call, id),
            ("POST", []) => self.add_domain(call, id),
            ("GET", [domain]) => {
                let service = self.service(id)?;
                Ok(Reply::json(
                    200,
                    &self.shown_domain(service, &service.domains[position(service, domain)?]),
                ))
            }
            ("DELETE", [domain]) => {
                let service = self.staged(id)?.0;
                let index = position(service, domain)?;
                service.domains.remove(index);
                Ok(Reply::empty(204))
            }
            ("POST", [domain, "verify"]) => self.verify_domain(id, domain),
            _ => Err(strange(call)),
        }
    }

    fn list_domains(&self, call: &Call, id: &str) -> Answer {
        let (asked, service) = (Asked::new(call, FILTERS)?, self.service(id)?);
        let mut admitted = Vec::new();
        for domain in &service.domains {
            let shown = self.shown_domain(service, domain);
            let fits = ["name", "domainType", "verificationStatus"]
                .iter()
                .all(|name| asked.admits(name, shown[*name].as_str().unwrap_or_default()));
            if fits && asked.within("created", Some(domain.created), self.stage.calendar)? {
                admitted.push((domain.id.clone(), shown));
            }
        }
        asked.answer("customDomain", admitted)
    }

    /// An apex comes with its `www`, which sends visitors to it; `www` itself comes with its apex, which does so the other way.
    fn add_domain(&mut self, call: &Call, id: &str) -> Answer {
        let name = call.json::<DomainPost>().map_err(Fault::bad)?.name.to_ascii_lowercase();
        let kind = self.service(id)?.kind;
        if !matches!(kind, Kind::WebService | Kind::StaticSite) || !is_name(&name) {
            return Err(Fault::bad(format!("invalid custom domain: {name}")));
        }
        let pair = if apex(&name) {
            Some(format!("www.{name}"))
        } else {
            name.strip_prefix("www.").filter(|rest| apex(rest)).map(str::to_owned)
        };
        let names: Vec<_> = [Some((name.clone(), String::new())), pair.map(|pair| (pair, name.clone()))]
            .into_iter()
            .flatten()
            .collect();
        let used = |name: &str| {
            self.services.iter().flat_map(|service| &service.domains).any(|domain| domain.name == name)
        };
        if let Some((name, _)) = names.iter().find(|(name, _)| used(name)) {
            return Err(Fault::conflict(format!("domain already in use: {name}")));
        }
        let (now, (service, stage)) = (self.now, self.staged(id)?);
        let first = service.domains.len();
        for (name, redirect) in names {
            let (id, apex) = (stage.ids.next("cdm"), apex(&name));
            service.domains.push(Domain { id, name, apex, redirect, verified: false, created: now });
        }
        let service = self.service(id)?;
        let shown: Value =
            service.domains[first..].iter().map(|domain| self.shown_domain(service, domain)).collect();
        Ok(Reply::json(201, &shown))
    }

    /// Taken at once; whether it worked stands in the domain.
    fn verify_domain(&mut self, id: &str, domain: &str) -> Answer {
        let (service, stage) = self.staged(id)?;
        let index = position(service, domain)?;
        let domain = &mut service.domains[index];
        domain.verified = stage.options.pointed.contains(&domain.name);
        Ok(Reply::empty(202))
    }

    fn shown_domain(&self, service: &Service, domain: &Domain) -> Value {
        let suffix = domain.name.rsplit('.').next().unwrap_or_default();
        json!({
            "id": domain.id, "name": domain.name, "domainType": if domain.apex { "apex" } else { "subdomain" }, "publicSuffix": suffix,
            "redirectForName": domain.redirect, "verificationStatus": if domain.verified { "verified" } else { "unverified" },
            "createdAt": self.stage.calendar.date(domain.created), "server": { "id": service.id, "name": service.name },
        })
    }
}

fn position(service: &Service, id_or_name: &str) -> Result<usize, Fault> {
    let is = |domain: &Domain| domain.id == id_or_name || domain.name == id_or_name;
    service.domains.iter().position(is).ok_or_else(|| Fault::missing(id_or_name))
}

/// Two labels: public suffixes of more than one are not told apart here.
fn apex(name: &str) -> bool {
    name.split('.').count() == 2
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.contains('.') && !name.ends_with(".onrender.com") && name.split('.').all(label)
}
