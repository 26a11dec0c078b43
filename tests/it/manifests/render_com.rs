//! What render_com reads: to be written with its target.
