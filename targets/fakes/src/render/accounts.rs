//! Who asks, which workspaces there are, what images are pulled with.
//!
//! Given: requests about users, owners, credentials. Gives: answers; a credential's token goes in and never comes out.
//! Deliberately absent: members of a workspace.

use serde_json::{Value, json};

use super::Render;
use super::body::CredentialPut;
use super::fault::{Answer, Fault};
use super::list::Asked;
use super::options::Workspace;
use super::route::strange;
use super::state::Credential;
use crate::{Call, Reply};

impl Render {
    /// `GET /users`.
    pub(super) fn user(&self, call: &Call) -> Answer {
        Asked::new(call, &[])?;
        let (name, email) = &self.stage.options.user;
        Ok(Reply::json(200, &json!({ "email": email, "name": name })))
    }

    /// `GET /owners`.
    pub(super) fn owners(&self, call: &Call) -> Answer {
        let asked = Asked::new(call, &["name", "email"])?;
        let admitted = self
            .stage
            .options
            .workspaces
            .iter()
            .filter(|owner| asked.admits("name", &owner.name) && asked.admits("email", &owner.email));
        asked.answer("owner", admitted.map(|owner| (owner.id.clone(), shown_owner(owner))).collect())
    }

    /// `GET /owners/{id}`.
    pub(super) fn one_owner(&self, call: &Call, id: &str) -> Answer {
        Asked::new(call, &[])?;
        Ok(Reply::json(200, &shown_owner(self.owner(id)?)))
    }

    /// A workspace by its id.
    pub(super) fn owner(&self, id: &str) -> Result<&Workspace, Fault> {
        self.stage.options.workspaces.iter().find(|owner| owner.id == id).ok_or_else(|| Fault::missing(id))
    }

    /// A workspace that a body names: there it is the body that is wrong.
    pub(super) fn owner_of_body(&self, id: &str) -> Result<(), Fault> {
        self.owner(id).map(|_| ()).map_err(|_| Fault::bad(format!("invalid ownerId: {id}")))
    }

    /// A credential that a body names.
    pub(super) fn credential_of_body(&self, owner: &str, id: &str) -> Result<(), Fault> {
        let known =
            self.credentials.iter().any(|credential| credential.id == id && credential.owner == owner);
        if known { Ok(()) } else { Err(Fault::bad(format!("invalid registryCredentialId: {id}"))) }
    }

    /// `/registrycredentials`.
    pub(super) fn credential_route(&mut self, call: &Call, rest: &[&str]) -> Answer {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_credentials(call),
            ("POST", []) => self.create_credential(call),
            ("GET", [id]) => {
                Ok(Reply::json(200, &self.shown_credential(&self.credentials[self.credential(id)?])))
            }
            ("PATCH", [id]) => self.change_credential(call, id),
            ("DELETE", [id]) => self.delete_credential(id),
            _ => Err(strange(call)),
        }
    }

    fn credential(&self, id: &str) -> Result<usize, Fault> {
        self.credentials.iter().position(|credential| credential.id == id).ok_or_else(|| Fault::missing(id))
    }

    /// This list alone is bare: its items are not wrapped and bear no cursor.
    fn list_credentials(&self, call: &Call) -> Answer {
        let known = [
            "name",
            "username",
            "type",
            "createdBefore",
            "createdAfter",
            "updatedBefore",
            "updatedAfter",
            "ownerId",
        ];
        let asked = Asked::new(call, &known)?;
        let mut admitted = Vec::new();
        for credential in &self.credentials {
            let fits = asked.admits("name", &credential.name)
                && asked.admits("username", &credential.username)
                && asked.admits("ownerId", &credential.owner)
                && asked.admits("type", json!(credential.registry).as_str().unwrap_or_default())
                && asked.within("created", Some(credential.created), self.stage.calendar)?
                && asked.within("updated", Some(credential.updated), self.stage.calendar)?;
            if fits {
                admitted.push((credential.id.clone(), self.shown_credential(credential)));
            }
        }
        let page: Vec<Value> = asked.page(admitted)?.into_iter().map(|(_, item)| item).collect();
        Ok(Reply::json(200, &json!(page)))
    }

    /// Answered with 200, as the vendor's document has it. Two of the same name may be made: the document knows no rule.
    fn create_credential(&mut self, call: &Call) -> Answer {
        let put: CredentialPut = call.json().map_err(Fault::bad)?;
        let owner = put.owner_id.clone().ok_or_else(|| Fault::bad("missing field `ownerId`"))?;
        self.owner_of_body(&owner)?;
        let id = self.stage.ids.next("rgc");
        let (created, updated) = (self.now, self.now);
        let CredentialPut { registry, name, username, auth_token: token, .. } = put;
        self.credentials.push(Credential {
            id: id.clone(),
            owner,
            name,
            registry,
            username,
            token,
            created,
            updated,
        });
        Ok(Reply::json(200, &self.shown_credential(&self.credentials[self.credential(&id)?])))
    }

    fn change_credential(&mut self, call: &Call, id: &str) -> Answer {
        let index = self.credential(id)?;
        let put: CredentialPut = call.json().map_err(Fault::bad)?;
        if put.owner_id.is_some() {
            return Err(Fault::bad("unknown field `ownerId`"));
        }
        let (now, credential) = (self.now, &mut self.credentials[index]);
        (credential.registry, credential.name, credential.username) = (put.registry, put.name, put.username);
        (credential.token, credential.updated) = (put.auth_token, now);
        Ok(Reply::json(200, &self.shown_credential(&self.credentials[index])))
    }

    /// What happens to services that use it is not documented: they keep their image and lose the credential.
    fn delete_credential(&mut self, id: &str) -> Answer {
        let index = self.credential(id)?;
        self.credentials.remove(index);
        Ok(Reply::empty(204))
    }

    fn shown_credential(&self, credential: &Credential) -> Value {
        json!({
            "id": credential.id, "name": credential.name, "registry": credential.registry, "username": credential.username,
            "updatedAt": self.stage.calendar.date(credential.updated),
        })
    }
}

fn shown_owner(owner: &Workspace) -> Value {
    json!({ "id": owner.id, "name": owner.name, "email": owner.email, "type": if owner.team { "team" } else { "user" } })
}
