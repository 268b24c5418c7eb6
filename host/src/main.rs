//! The `stackrun` command.
fn main() {}
