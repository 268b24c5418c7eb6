//! The lab, and the tests that run on it.
//!
//! The lab is a set of real servers that belong to one folder: a PostgreSQL cluster, Podman with its own
//! storage and API socket, Caddy with its own certificate authority, and an identity provider. [`setup`]
//! puts on the machine what the lab is made of, [`lab`] starts it and takes it away again.

pub mod by_hand;
pub mod canary;
mod command;
pub mod lab;
pub mod machine;
pub mod recorders;
pub mod setup;
pub mod sign_in;
pub mod stack;
pub mod webdriver;
