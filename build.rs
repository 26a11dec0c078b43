//! Embeds `templates/` in the binary.

fn main() {}
