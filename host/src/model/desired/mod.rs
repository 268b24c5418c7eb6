//! What a part of the world should be: data that plugins build, observations compare and steps carry out.
//!
//! The WIT resources of the same names are built up into these; their documentation is in `wit/`.

mod admission;
mod container;
mod database;
mod file;
mod request;

pub use admission::{Admission, HbaEntry, IdentEntry};
pub use container::{Definition, ExtraHost, Mount, Port, RestartPolicy};
pub use database::Database;
pub use file::{Content, FileOwner, Format, Position, Region, WantedFile};
pub use request::{Bearer, Body, Capture, Method, Origin, Request};
