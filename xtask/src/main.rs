//! Set-up, build, demo, test and bench.
fn main() {}
