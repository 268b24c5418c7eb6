//! How a spec is named on the command line.

use std::path::PathBuf;

use clap::Args;

/// A spec, and values that stand in for some of its own.
#[derive(Clone, Debug, Args)]
pub struct SpecArgs {
    /// The spec, for example mediamanager.toml
    pub spec: PathBuf,
    /// A value in place of the spec's: ADDRESS.FIELD=VALUE, for example gateway.app.domain=app.example.org
    #[arg(long, value_name = "ADDRESS.FIELD=VALUE")]
    pub set: Vec<String>,
}
