//! What azure reads: to be written with its target.
