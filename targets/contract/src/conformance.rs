//! The suite every target must pass.
