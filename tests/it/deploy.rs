//! Deploys, by the program itself, to platforms in memory: done, repeated, cut off anywhere, gone wrong, taken back.

mod kills;
mod render;
mod stage;
