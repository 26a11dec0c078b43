//! What vercel reads: to be written with its target.
