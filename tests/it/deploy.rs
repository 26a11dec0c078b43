//! Deploys, by the program itself, to platforms in memory: done, repeated, cut off anywhere, gone wrong, taken back.

mod fly;
mod kills;
mod losses;
mod rehearse;
mod render;
mod stage;
