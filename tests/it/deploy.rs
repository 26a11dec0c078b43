//! Deploys, by the program itself, to platforms in memory: done, repeated, cut off anywhere, gone wrong, taken back.

mod addresses;
mod fly;
mod kills;
mod rehearse;
mod render;
mod stage;
