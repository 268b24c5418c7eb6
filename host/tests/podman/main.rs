//! Containers on a real Podman, which the tests start by themselves. They need root, and the packages podman, runc,
//! netavark and busybox-static.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bench;
mod comparing;
mod converging;
mod counting;
mod engine;
mod reaching;
mod replacing;
mod watching;
