//! The host's side of PostgreSQL against a real server that each test starts for itself.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod admission;
mod cluster;
mod converging;
mod inside;
mod pinned;
mod reaching;
mod reading;
mod stack;
mod stage;
mod statements;
mod tls;
