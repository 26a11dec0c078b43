//! Embeds `templates/` in the binary.

#![allow(clippy::disallowed_methods, reason = "build scripts read their variables and write their output")]

fn main() {
    minijinja_embed::embed_templates!("templates", &[".j2"][..]);
}
