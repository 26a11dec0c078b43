//! What `plan`, `deploy`, `rollback`, `status`, `destroy` and `secrets` share: a release made, held against what is there, put,
//! and written down.
//!
//! | room | what is in it |
//! |---|---|
//! | `args` | their flags |
//! | `homes`, `images` | where images go, and which they are |
//! | `prepared`, `only` | a release and its plan |
//! | `shown`, `saved` | the plan as it is shown, saved and agreed to |
//! | `past` | former releases |
//! | `ledger` | the lock and the ledger around it all |
//! | `steps`, `carry`, `hooks`, `verdict` | the plan carried out, what is run around it, what came of it |

pub(super) mod args;
pub(super) mod carry;
pub(super) mod homes;
mod hooks;
mod images;
pub(super) mod ledger;
mod only;
pub(super) mod past;
pub(super) mod prepared;
pub(super) mod saved;
pub(super) mod shown;
mod steps;
pub(super) mod verdict;
