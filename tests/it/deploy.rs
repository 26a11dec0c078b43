//! Deploys, by the program itself, to platforms in memory and to an engine: done, repeated, cut off anywhere, gone wrong, taken back.

mod addresses;
mod docker;
mod dry;
mod fly;
mod kills;
mod losses;
mod rehearse;
mod render;
mod stage;
