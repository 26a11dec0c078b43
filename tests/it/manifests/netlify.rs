//! What netlify reads: to be written with its target.
