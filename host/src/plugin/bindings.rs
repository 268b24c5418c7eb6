//! The plugin world, as wasmtime reads it out of `wit/`. Resources are the host's own data ([`crate::model::desired`],
//! [`crate::capability::kind`], ...), kept in the resource table of one call.

// Documented in `wit/`. The generated calls of exports check their types when they are linked, and then skip the check.
#![allow(missing_docs, unsafe_code, clippy::all)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
    imports: { default: trappable },
    with: {
        "stackrun:plugin/types.step": crate::capability::Step,
        "stackrun:plugin/types.condition": crate::capability::Condition,
        "stackrun:plugin/secrets.making": crate::model::Making,
        "stackrun:plugin/files.content": crate::model::desired::Content,
        "stackrun:plugin/files.wanted": crate::model::desired::WantedFile,
        "stackrun:plugin/sql.admission": crate::model::desired::Admission,
        "stackrun:plugin/sql.database": crate::model::desired::Database,
        "stackrun:plugin/containers.definition": crate::model::desired::Definition,
        "stackrun:plugin/http.origin": crate::model::desired::Origin,
        "stackrun:plugin/http.request": crate::model::desired::Request,
    },
});
