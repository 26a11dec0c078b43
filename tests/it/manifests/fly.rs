//! What fly reads: to be written with its target.
