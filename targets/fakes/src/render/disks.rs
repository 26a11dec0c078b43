//! Disks: attached to a service, grown, removed with everything on them.
//!
//! Given: requests below `/disks`. Gives: answers. A disk that is attached, or mounted elsewhere, is so with the next deploy; one
//! that is removed is gone at once. Deliberately absent: snapshots. Source: <https://render.com/docs/disks>,
//! <https://api-docs.render.com/reference/list-disks>.

use serde_json::{Value, json};

use super::Render;
use super::body::{DiskPatch, DiskPost, Kind};
use super::details::keep;
use super::fault::{Answer, Fault};
use super::list::Asked;
use super::route::strange;
use super::state::{Disk, Service};
use crate::{Call, Reply};

const FILTERS: &[&str] = &[
    "ownerId",
    "diskId",
    "name",
    "createdBefore",
    "createdAfter",
    "updatedBefore",
    "updatedAfter",
    "serviceId",
];

impl Render {
    /// `/disks`.
    pub(super) fn disk_route(&mut self, call: &Call, rest: &[&str]) -> Answer {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_disks(call),
            ("POST", []) => self.create_disk(call),
            ("GET", [id]) => {
                let service = &self.services[self.disk(id)?];
                Ok(Reply::json(200, &self.shown_disk(service).unwrap_or_default()))
            }
            ("PATCH", [id]) => self.change_disk(call, id),
            ("DELETE", [id]) => {
                let index = self.disk(id)?;
                self.services[index].disk = None;
                for running in &mut self.services[index].running {
                    running.disk = false;
                }
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }

    fn list_disks(&self, call: &Call) -> Answer {
        let asked = Asked::new(call, FILTERS)?;
        let mut admitted = Vec::new();
        for service in &self.services {
            let Some(disk) = &service.disk else { continue };
            let fits = asked.admits("ownerId", &service.owner)
                && asked.admits("diskId", &disk.id)
                && asked.admits("name", &disk.name)
                && asked.admits("serviceId", &service.id)
                && asked.within("created", Some(disk.created), self.stage.calendar)?
                && asked.within("updated", Some(disk.updated), self.stage.calendar)?;
            if fits {
                admitted.push((disk.id.clone(), self.shown_disk(service).unwrap_or_default()));
            }
        }
        asked.answer("disk", admitted)
    }

    fn create_disk(&mut self, call: &Call) -> Answer {
        let post: DiskPost = call.json().map_err(Fault::bad)?;
        let now = self.now;
        let (service, stage) = self.staged(&post.service_id)?;
        if service.kind == Kind::StaticSite || service.disk.is_some() {
            return Err(Fault::bad("the service cannot have a disk, or has one"));
        }
        let id = stage.ids.next("dsk");
        service.disk = Some(Disk {
            id,
            name: post.name,
            size: post.size_gb,
            mount: post.mount_path,
            created: now,
            updated: now,
        });
        if let Err(fault) = stage.hold(service) {
            service.disk = None;
            return Err(fault);
        }
        Ok(Reply::json(201, &self.shown_disk(self.service(&post.service_id)?).unwrap_or_default()))
    }

    /// A disk grows only, and only while its service is active.
    fn change_disk(&mut self, call: &Call, id: &str) -> Answer {
        let index = self.disk(id)?;
        let patch: DiskPatch = call.json().map_err(Fault::bad)?;
        let (now, stage, service) = (self.now, &self.stage, &mut self.services[index]);
        let former = service.disk.clone();
        if let Some(disk) = &mut service.disk {
            if patch.size_gb.is_some_and(|size| size < disk.size) {
                return Err(Fault::bad("a disk cannot be made smaller"));
            }
            if patch.size_gb.is_some_and(|size| size > disk.size) && service.suspended {
                return Err(Fault::bad("the service must be active for its disk to grow"));
            }
            keep(&mut disk.name, patch.name);
            keep(&mut disk.mount, patch.mount_path);
            keep(&mut disk.size, patch.size_gb);
            disk.updated = now;
        }
        if let Err(fault) = stage.hold(service) {
            service.disk = former;
            return Err(fault);
        }
        Ok(Reply::json(200, &self.shown_disk(&self.services[index]).unwrap_or_default()))
    }

    /// The service that has the disk.
    fn disk(&self, id: &str) -> Result<usize, Fault> {
        let has = |service: &Service| service.disk.as_ref().is_some_and(|disk| disk.id == id);
        self.services.iter().position(has).ok_or_else(|| Fault::missing(id))
    }

    /// The disk of a service as the list of disks has it.
    fn shown_disk(&self, service: &Service) -> Option<Value> {
        let disk = service.disk.as_ref()?;
        let date = |moment| self.stage.calendar.date(moment);
        Some(json!({
            "id": disk.id, "name": disk.name, "sizeGB": disk.size, "mountPath": disk.mount, "serviceId": service.id,
            "createdAt": date(disk.created), "updatedAt": date(disk.updated),
        }))
    }
}
