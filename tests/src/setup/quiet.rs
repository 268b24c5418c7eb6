//! Installing packages without starting what is in them.
//!
//! Debian starts a service as soon as it is installed, and makes a PostgreSQL cluster with it. The lab wants
//! the programs alone. Both are prevented by Debian's own means while this guard lives: `policy-rc.d`, and a
//! setting of postgresql-common.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const MARK: &str = "# stackrun set-up, removed when it ends";
const POLICY: &str = "/usr/sbin/policy-rc.d";
const CLUSTER: &str = "/etc/postgresql-common/createcluster.d/stackrun-setup.conf";

/// While it lives, installed packages start nothing and make no cluster.
pub(super) struct Quiet {
    made: Vec<PathBuf>,
}

impl Quiet {
    /// Puts both settings in place. A `policy-rc.d` that is there already is the machine's own and stays as it is.
    ///
    /// # Errors
    /// When a file can't be written.
    pub(super) fn begin() -> Result<Self> {
        let mut quiet = Self { made: Vec::new() };
        quiet.put(Path::new(POLICY), &format!("#!/bin/sh\n{MARK}\nexit 101\n"), 0o755)?;
        quiet.put(Path::new(CLUSTER), &format!("{MARK}\ncreate_main_cluster = false\n"), 0o644)?;
        Ok(quiet)
    }

    fn put(&mut self, path: &Path, body: &str, mode: u32) -> Result<()> {
        // One that an interrupted set-up left behind is ours.
        if fs::read_to_string(path).is_ok_and(|text| text.contains(MARK)) {
            fs::remove_file(path).with_context(|| format!("can't remove {}", path.display()))?;
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
            fs::create_dir_all(parent).with_context(|| format!("can't make {}", parent.display()))?;
            self.made.push(parent.to_owned());
        }
        match fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
            Ok(mut file) => {
                self.made.push(path.to_owned());
                file.write_all(body.as_bytes()).with_context(|| format!("can't write {}", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error).with_context(|| format!("can't write {}", path.display())),
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Files before the folder that was made for them; a folder that others use by now stays.
        for path in self.made.iter().rev() {
            let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
        }
    }
}
