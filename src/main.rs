//! The program: runs the command line and ends the process with its exit code.

fn main() {}
