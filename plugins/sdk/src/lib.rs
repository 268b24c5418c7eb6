//! What a stackrun plugin is written with.

/// The plugin world, as `wit-bindgen` reads it out of `wit/`; what each word means is said there.
#[allow(missing_docs, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "plugin",
        pub_export_macro: true,
        generate_all,
        default_bindings_module: "stackrun_plugin",
    });
}
pub use bindings::*;
