//! Platforms in memory: they answer as the vendors document it, keep what was made, and break when they are told to.
//!
//! Given: requests on loopback. Gives: Fly.io's and Render's answers, a registry that takes images, an edge that answers for
//! what runs; beside them the hidden truth: the table of objects and the log of requests. Nothing here knows dashdeploy:
//! any client of these platforms can be pointed at them. Deliberately absent: what the vendors do not document.
//!
//! | room | what is in it |
//! |---|---|
//! | `call` | a request and an answer as data |
//! | `platform` | what each platform in memory must answer |
//! | `fly`, `render` | the platforms |

mod call;
mod platform;
pub mod render;

pub use call::{Call, Reply};
pub use platform::{Moment, Platform};
