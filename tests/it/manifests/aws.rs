//! What aws reads: to be written with its target.
