//! What requests bear: the vendor's names, and no others.
//!
//! Given: JSON. Gives: the same, typed; a field that the vendor's document does not have for this request is refused, as it does
//! itself. Deliberately absent: rules between fields; those are where they are obeyed. Source: the vendor's OpenAPI document,
//! <https://api-docs.render.com/openapi/6140fb3daeae351056086186>.

mod beside;
mod choices;
mod service;

pub(super) use beside::*;
pub(super) use choices::*;
pub(super) use service::*;
