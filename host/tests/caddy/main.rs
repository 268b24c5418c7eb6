//! HTTP on the host's side, against a real Caddy that each test starts for itself: its verbs, sites behind it, and a
//! sign-in in which it plays application and provider.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod ahead;
mod asking;
mod broken;
mod credentials;
mod server;
mod signing_in;
mod stage;
mod verbs;
