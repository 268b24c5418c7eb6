//! The host's side of the imports, one interface a file. Constructors make data and have the gate look at it;
//! questions go through [`ask`]. Nothing here acts.

mod ask;
mod containers;
mod files;
mod http;
mod log;
mod secrets;
mod services;
mod sql;
mod types;

use wasmtime::component::{HasSelf, Linker};

use super::{bindings::Plugin, call::Call};

/// All imports of the world.
pub fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    Plugin::add_to_linker::<_, HasSelf<Call>>(linker, |call| call)
}
