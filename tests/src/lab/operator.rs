//! What a person would have put on the machine before stackrun: folders with a media library in them, the keys of
//! the secret store, and the host files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{
    Lab,
    host_file::{self, Clients},
};
use crate::command::run;

/// Who owns the media folders: the first person's number on most machines, and MediaManager's.
const MEDIA_USER: u32 = 1000;
/// Who owns the file in them: no user of any machine.
const SOMEBODY_ELSE: u32 = 4321;

/// Writes all of it.
///
/// # Errors
/// When a file can't be written.
pub(super) fn write(lab: &Lab) -> Result<()> {
    for (name, mode) in [("data", 0o755), ("store", 0o700), ("state", 0o700)] {
        let folder = lab.dir.join(name);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)))
            .with_context(|| format!("can't make {}", folder.display()))?;
    }
    make_media(lab)?;
    let mut recipients = Vec::new();
    for name in ["identity.txt", "identity-second.txt"] {
        recipients.push(new_identity(&lab.dir.join(name))?);
    }
    for (path, clients) in [(&lab.host_file, Clients::Fragment), (&lab.registration_host_file, Clients::Registration)] {
        write_private(path, &host_file::render(lab, &recipients, clients))?;
    }
    Ok(())
}

/// A library as people have one: its folders belong to the user whom the applications run as, and in it is
/// something that belongs to somebody else.
fn make_media(lab: &Lab) -> Result<()> {
    for name in ["media", "media/tv", "media/movies", "media/downloads"] {
        let folder = lab.dir.join(name);
        fs::create_dir_all(&folder)
            .and_then(|()| chown(&folder, Some(MEDIA_USER), Some(MEDIA_USER)))
            .with_context(|| format!("can't make {}", folder.display()))?;
    }
    let film = &lab.media_file;
    let folder = film.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(film, "moving pictures"))
        .and_then(|()| chown(film, Some(SOMEBODY_ELSE), Some(SOMEBODY_ELSE)))
        .with_context(|| format!("can't make {}", film.display()))
}

/// Writes a new age key, and returns its public half.
fn new_identity(path: &Path) -> Result<String> {
    run(Command::new("age-keygen").arg("-o").arg(path))?;
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    public.map(str::to_owned).with_context(|| format!("age-keygen wrote no public key into {}", path.display()))
}

fn write_private(path: &Path, body: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    written
        .and_then(|mut file| file.write_all(body.as_bytes()))
        .with_context(|| format!("can't write {}", path.display()))
}
