//! For tests: grants, filled for one instance of the stack `media`.

use std::path::Path;

use crate::{
    capability::grants::Filling,
    model::{
        ConnectionSettings, GrantLines, Grants, HostFile,
        value::{Address, Tree},
    },
    plugin::builtin,
};

/// What the built-in plugin of the instance's kind may do.
pub(crate) fn built_in(
    instance: &Address,
    section: &Tree,
    connections: &[ConnectionSettings],
    host_file: &HostFile,
) -> Grants {
    let grants: GrantLines = toml::from_str(builtin::of(instance.kind()).unwrap().grants).unwrap();
    let connections = Vec::from_iter(connections);
    Filling { stack: "media", instance, section, connections: &connections, host_file }.fill([&grants])
}

/// The same for grants as a host file has them, without connections.
pub(crate) fn filled(grants: &str, instance: &Address, section: &Tree) -> Grants {
    let (grants, host_file) = (toml::from_str(grants).unwrap(), HostFile::empty(Path::new("stackrun.toml")));
    Filling { stack: "media", instance, section, connections: &[], host_file: &host_file }.fill([&grants])
}
