//! The plugin world, as wasmtime reads it out of `wit/`. Resources are the host's own data ([`crate::wanted`],
//! [`crate::step`], ...), kept in the resource table of one call.

// Documented in `wit/`. The generated calls of exports check their types when they are linked, and then skip the check.
#![allow(missing_docs, unsafe_code, clippy::all)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
    imports: { default: trappable },
    with: {
        "stackrun:plugin/types.step": crate::step::Step,
        "stackrun:plugin/types.condition": crate::condition::Condition,
        "stackrun:plugin/secrets.making": crate::secret::Making,
        "stackrun:plugin/files.content": crate::wanted::Content,
        "stackrun:plugin/files.wanted": crate::wanted::WantedFile,
        "stackrun:plugin/sql.admission": crate::wanted::Admission,
        "stackrun:plugin/sql.database": crate::wanted::Database,
        "stackrun:plugin/containers.definition": crate::wanted::Definition,
        "stackrun:plugin/http.origin": crate::wanted::Origin,
        "stackrun:plugin/http.request": crate::wanted::Request,
    },
});
