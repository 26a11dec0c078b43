//! What a static site is built by, and its rules: set, and as they were before. Rules are obeyed at once, without a deploy, so that those
//! of before are kept in this process's memory for the way back.

use std::sync::PoisonError;

use dashdeploy_contract::{Method, TargetError};
use serde_json::{Value, json};

use super::Hand;
use crate::api::Change;
use crate::desired::Site;
use crate::payload::FormerSite;

/// The two kinds of rules, with what is kept of each.
const RULES: [(&str, [&str; 3]); 2] =
    [("routes", ["type", "source", "destination"]), ("headers", ["path", "name", "value"])];

/// Routes and headers.
pub(crate) type Rules = [Value; 2];

impl Hand {
    /// Sets a static site up. A commit is deployed when we say so.
    pub(super) async fn site(&self, id: &str, site: &Site) -> Result<(), TargetError> {
        if !self.rules.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id) {
            let there = [self.rules_of(id, 0).await?, self.rules_of(id, 1).await?];
            self.rules.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), there);
        }
        let mut body = json!({
            "repo": site.repo, "rootDir": site.root.clone().unwrap_or_default(), "autoDeploy": "no",
            "serviceDetails": { "buildCommand": site.build, "publishPath": site.publish },
        });
        if let Some(branch) = &site.branch {
            body["branch"] = json!(branch);
        }
        self.patch(id, "set up a static site", body).await?;
        self.put_rules(id, &[site.routes.clone(), site.headers.clone()]).await
    }

    async fn put_rules(&self, id: &str, rules: &Rules) -> Result<(), TargetError> {
        for ((what, _), value) in RULES.iter().zip(rules) {
            let path = format!("services/{id}/{what}");
            let change =
                Change::of(Method::Put, "set the rules of a static site", &path, Some(value.clone()));
            self.api.change(change).await?;
        }
        Ok(())
    }

    /// The rules of a kind, in their order, as they are put.
    async fn rules_of(&self, id: &str, kind: usize) -> Result<Value, TargetError> {
        let (what, fields) = RULES[kind];
        let mut all = self.api.rules(id, what).await?;
        all.sort_by_key(|rule| rule.get("priority").and_then(Value::as_i64));
        for rule in &mut all {
            rule.retain(|field, _| fields.contains(&field.as_str()));
        }
        Ok(all.into_iter().map(Value::Object).collect())
    }

    /// Sets a static site up as it was.
    pub(super) async fn site_back(
        &self,
        id: &str,
        operation: &str,
        site: &FormerSite,
    ) -> Result<(), TargetError> {
        let mut body = json!({
            "repo": site.repo, "rootDir": site.root,
            "serviceDetails": { "buildCommand": site.build, "publishPath": site.publish },
        });
        if let Some(branch) = &site.branch {
            body["branch"] = json!(branch);
        }
        self.patch(id, operation, body).await?;
        let before = self.rules.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        match before {
            Some(rules) => self.put_rules(id, &rules).await,
            // This process changed none.
            None => Ok(()),
        }
    }
}
