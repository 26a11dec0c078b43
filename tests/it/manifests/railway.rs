//! What railway reads: to be written with its target.
