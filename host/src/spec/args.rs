//! How a spec, or a stack, is named on the command line.

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

/// A stack that has a state already.
#[derive(Clone, Debug, Args)]
pub struct StackArgs {
    /// The spec; or the name of its stack, when there is no spec any more
    #[arg(value_name = "SPEC|STACK")]
    pub stack: PathBuf,
    /// So that the same options can be given to every command; nothing is planned here
    #[arg(long, value_name = "ADDRESS.FIELD=VALUE", hide = true)]
    set: Vec<String>,
}
