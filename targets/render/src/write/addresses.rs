//! Addresses of services that the same plan makes: looked up when they are needed, since Render gives them when it makes a service.

use dashdeploy_contract::{ErrorKind, TargetError};

use super::Hand;
use crate::desired::Desired;
use crate::error::ours;
use crate::hosts;

impl Hand {
    /// What shall be, with the addresses that Render has given meanwhile. A public address of a service that is not there yet is
    /// left as its name promises it.
    ///
    /// # Errors
    /// `NotFound` where the host name of a service is needed that is not there.
    pub(super) async fn addressed(&self, mut desired: Desired) -> Result<Desired, TargetError> {
        for (name, neighbour) in desired.neighbours.clone() {
            let owner = self.api.workspace(neighbour.workspace.as_deref()).await?;
            let there = self.api.services(std::slice::from_ref(&neighbour.name), &owner).await?;
            if let Some(there) = there.first() {
                hosts::put_in(&mut desired, &name, &neighbour, there);
            }
        }
        let Some(missing) = hosts::awaited(&desired) else { return Ok(desired) };
        let message = format!("`{missing}` is not there yet, and {} is told its host name", desired.service);
        Err(ours(ErrorKind::NotFound, format!("deploy {}", desired.service), message)
            .hint(format!("deploy `{missing}` first: Render gives it its host name then")))
    }
}
