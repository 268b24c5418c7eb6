//! What a plugin did wrong, in words for the person at the terminal. All of it is exit code 8.

use std::fmt;

use super::Unfit;
use crate::model::{Denials, value::Address};

/// A plugin that can't be loaded, or a call of one that did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub struct PluginFault {
    /// Name of the plugin.
    pub plugin: String,
    /// The instance that it was called for, if any.
    pub instance: Option<Address>,
    /// What it was doing.
    pub doing: Doing,
    /// What went wrong.
    pub what: What,
}

/// What a plugin was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Doing {
    Load,
    Describe,
    Check,
    Outputs,
    Plan,
}

/// What went wrong with a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum What {
    /// It asked for what its grants don't hold. Whatever it did afterwards, the call ends with this.
    #[error(transparent)]
    Denied(Denials),
    /// It is no plugin that this host can run.
    #[error("{0}")]
    Unfit(#[from] Unfit),
    /// Its code stopped.
    #[error("it stopped: {reason}{}", last_words(said))]
    Trapped {
        /// Why, as the WebAssembly machine saw it.
        reason: String,
        /// The last message it logged, which for a panic is the panic's own.
        said: Option<String>,
    },
    /// It ran longer than a call may.
    #[error("it used up its fuel of {} million instructions, as one that loops for ever does", .0 / 1_000_000)]
    OutOfFuel(u64),
    /// It wanted more memory than a call may have.
    #[error("it asked for more than {} MiB of memory", .0 >> 20)]
    OutOfMemory(usize),
    /// It wanted a larger table than a call may have.
    #[error("it asked for a table of more than {0} elements")]
    OutOfTable(usize),
    /// It handed over more than is taken.
    #[error("it hands over more than is taken: {0}")]
    TooMuch(String),
    /// It kept the host waiting on the outside for longer than a call may.
    #[error("its questions took more than {0} seconds together")]
    TooSlow(u64),
    /// It used a reference that nobody handed to it.
    #[error("it used reference {0}, which was not handed out in this call")]
    ForgedReference(u32),
    /// It used the handle of a resource that is not there.
    #[error("it used a handle that was not handed out in this call, or that it had given away")]
    ForgedHandle,
    /// It answered that it can't, and named no error.
    #[error("it gave no answer and no error that says why: nothing is planned, and nothing it owns is taken away")]
    NoAnswer,
    /// Its answer contradicts itself.
    #[error("its answer does not hold together: {0}")]
    Incoherent(String),
    /// It planned to destroy data where no step may.
    #[error("it was stopped: {0}")]
    Destroys(crate::draft::Misplaced),
    /// It asked the world where no question may be asked.
    #[error("it called `{0}`, and questions may be asked in `plan` alone")]
    AskedTooEarly(&'static str),
    /// An answer to it would have held a secret.
    #[error("the answer to its `{0}` holds a secret, which no plugin may see; nothing was handed over")]
    SecretInAnswer(&'static str),
    /// Something of the host's own went wrong.
    #[error("{0}")]
    Host(String),
}

impl What {
    /// A sentence about what to do, where there is one.
    fn help(&self) -> Option<&'static str> {
        match self {
            What::Denied(_) | What::Unfit(_) | What::Host(_) => None,
            What::SecretInAnswer(_) => {
                Some("look for the secret where the plugin asked; rotate it if others can read it")
            }
            _ => Some("nothing was changed; this is a mistake in the plugin, for its author to mend"),
        }
    }
}

impl fmt::Display for PluginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let What::Denied(denials) = &self.what {
            return denials.fmt(f);
        }
        write!(f, "plugin `{}` ", self.plugin)?;
        match self.doing {
            Doing::Load => f.write_str("can't be loaded")?,
            Doing::Describe => f.write_str("failed to describe itself")?,
            Doing::Check => f.write_str("failed to check")?,
            Doing::Outputs => f.write_str("failed to tell the outputs of")?,
            Doing::Plan => f.write_str("failed to plan")?,
        }
        if let Some(instance) = &self.instance {
            write!(f, " {instance}")?;
        }
        write!(f, ": {}", self.what)?;
        match self.what.help() {
            Some(help) => write!(f, "\n  {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PluginFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.what {
            What::Denied(denials) => Some(denials),
            What::Unfit(unfit) => Some(unfit),
            _ => None,
        }
    }
}

fn last_words(said: &Option<String>) -> String {
    match said {
        Some(said) => format!("; its last message was: {said}"),
        None => String::new(),
    }
}
