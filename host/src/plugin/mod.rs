//! Plugins: components loaded, looked through, linked and called; their words turned into the host's and back.
//!
//! Nothing of wasmtime or of the generated bindings leaves this module.

mod bindings;
pub mod builtin;
mod cache;
mod call;
mod convert;
mod engine;
mod fault;
mod imports;
mod inspect;
mod limits;
mod recorder;
mod references;
mod runtime;
mod slots;

pub use engine::SLOTS;
pub use fault::{Doing, PluginFault, What};
pub use inspect::Unfit;
pub use limits::Limits;
pub use recorder::Recorder;
pub use runtime::{Plugin, Runtime};
