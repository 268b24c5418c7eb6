//! Puts on this machine what the lab needs: packages, two system users, Caddy and Node, the application
//! images and the identity provider's modules.
//!
//! Everything is looked at first, so a second run installs nothing and takes a moment. Nothing that was on
//! the machine is changed: no service is started or stopped, no PostgreSQL cluster is made or touched.

mod packages;
mod quiet;
mod root;
mod tools;
pub(crate) mod users;

use anyhow::Result;

pub use root::{become_root, is_root};
pub use tools::Tools;
pub use users::{CADDY_USER, IDP_USER};

use crate::lab::{Options, cache, idp, image};

/// What the caller is going to do, and so what has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Start a lab.
    Lab,
    /// Drive a headless Chromium (the end-to-end tests do).
    Browser,
}

/// Makes everything ready for `needs`, and tells `say` about each thing that it does (nothing when all is there).
///
/// Must run as root: see [`become_root`]. Two runs at once wait for each other.
///
/// # Errors
/// When a package, a Python or Node module can't be had, or an image can't be built: which, and the tool's own words.
pub fn ensure(needs: &[Need], say: &mut dyn FnMut(&str)) -> Result<()> {
    // What is made here is read by the lab's users, whatever the caller's mask is.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let _turn = cache::lock("setup")?;
    packages::ensure(needs, say)?;
    if needs.contains(&Need::Lab) {
        users::ensure(say)?;
        let tools = Tools::ensure(say)?;
        let options = Options::default();
        for app in &options.apps {
            image::ensure(app, &tools, say)?;
        }
        idp::ensure_modules(&options.idp, &tools, say)?;
    }
    Ok(())
}
