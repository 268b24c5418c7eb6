//! What a stackrun plugin is written with.
//!
//! The functions and types of the plugin world stand in [`types`], [`sql`], [`files`] and so on, as `wit/` documents
//! them; the [`guest`] module has what a plugin answers with. [`Section`] walks what it is handed, [`Value`] builds what
//! it hands back.

mod describe;
mod failure;
mod panic;
mod section;
mod value;

pub use describe::{connection, output, secret_output};
pub use failure::explain;
#[doc(hidden)]
pub use panic::Spoken;
pub use section::{Section, diagnostic};
pub use value::{Value, address, literal, reference};

/// The plugin world, as `wit-bindgen` reads it out of `wit/`; what each word means is said there.
#[allow(missing_docs, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "plugin",
        pub_export_macro: true,
        export_macro_name: "export_world",
        generate_all,
        default_bindings_module: "stackrun_plugin",
    });
}
pub use bindings::*;

pub use bindings::{
    exports::stackrun::plugin::guest,
    stackrun::plugin::{containers, files, http, log, secrets, services, sql, types},
};
