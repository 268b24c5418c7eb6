//! What plugins may do. The checks are in each capability's `grant`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Grants as a file has them, before they are filled for an instance: the strings hold placeholders, which
/// [`crate::capability::grants`] explains. A field that nothing enforces does not parse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct GrantLines {
    pub sql: SqlGrant,
    pub files: FilesGrant,
    pub containers: ContainersGrant,
    pub http: HttpGrant,
    pub services: ServicesGrant,
    /// By kind: what is granted once for each connection of it that the instance uses.
    pub connection: BTreeMap<String, Grants>,
}

/// All that an instance of a plugin may do. What is not named is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// PostgreSQL.
    pub sql: SqlGrant,
    /// Files and directories of this machine.
    pub files: FilesGrant,
    /// Containers.
    pub containers: ContainersGrant,
    /// HTTP.
    pub http: HttpGrant,
    /// Verbs of connections.
    pub services: ServicesGrant,
}

/// What an instance may do with PostgreSQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqlGrant {
    /// Names of `postgresql` connections.
    pub connections: Vec<String>,
    /// Relations of `pg_catalog` that may be read.
    pub relations: Vec<String>,
    /// Roles that may be made, changed, logged in as and let in.
    pub roles: Vec<String>,
    /// Databases that may be made and changed.
    pub databases: Vec<String>,
    /// Databases that new ones may be copied from, beside `template0`, `template1` and the granted ones.
    pub templates: Vec<String>,
    /// Extensions that may be made in these databases.
    pub extensions: Vec<String>,
    /// Whether pg_hba.conf and pg_ident.conf may get blocks for these roles and databases.
    pub admission: bool,
}

/// What an instance may do with files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesGrant {
    /// Paths of which kind, owner, mode and entries may be asked, and nothing of their content.
    pub look: Vec<String>,
    /// Paths that may be looked at and read. One that ends in `/` is everything below a directory.
    pub read: Vec<String>,
    /// Paths of which only whether they mention a string may be asked.
    pub mention: Vec<String>,
    /// Paths that may be written and removed. One that ends in `/` is everything below a directory.
    pub write: Vec<String>,
}

/// What an instance may do with containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContainersGrant {
    /// Names of `docker-api` connections.
    pub connections: Vec<String>,
    /// Containers that may be made, changed and asked about; a replacement's temporary name is one of these with `-next`.
    pub names: Vec<String>,
    /// Directories of the host that may be mounted, with everything below them.
    pub mounts: Vec<String>,
    /// Networks that may be joined.
    pub networks: Vec<String>,
    /// Addresses that ports may be published on.
    pub publish: Vec<String>,
    /// Linux capabilities that may be added.
    pub capabilities: Vec<String>,
}

/// What an instance may do with HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpGrant {
    /// Names of connections whose origin may be spoken to, with what may be asked there.
    pub connections: Vec<HttpRule>,
    /// Whether the published ports of the instance's own containers may be spoken to.
    pub own_containers: bool,
    /// Gateway connections behind which sites may be opened with GET.
    pub sites: Vec<String>,
    /// Identity providers whose pages may be opened with GET, as a person's browser does, following where they lead.
    pub pages: Vec<String>,
}

/// What may be asked of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRule {
    /// Name of the connection.
    pub connection: String,
    /// Methods, upper case.
    pub methods: Vec<String>,
    /// Paths; one that ends in `*` accepts what begins like it.
    pub paths: Vec<String>,
}

/// What an instance may do with verbs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServicesGrant {
    /// For each connection, the verbs that may be run.
    pub verbs: BTreeMap<String, Vec<String>>,
}
