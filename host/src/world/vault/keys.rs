//! Who can open the store (identities) and whom it is encrypted to (recipients): age X25519 and SSH keys.

use std::{
    io::{Read, Write},
    path::Path,
    str::FromStr,
    sync::OnceLock,
};

use age::{Decryptor, Encryptor, Identity, IdentityFile, Recipient};
use anyhow::{Context, Result, anyhow, bail};
use zeroize::Zeroizing;

use crate::{
    model::StoreSettings,
    world::{disk::Found, trusted},
};

type BoxedIdentity = Box<dyn Identity + Send + Sync>;
type BoxedRecipient = Box<dyn Recipient + Send + Sync>;

/// The store's keys. Identity files are read when something is decrypted for the first time.
pub(crate) struct Keys {
    settings: StoreSettings,
    identities: OnceLock<Result<Vec<BoxedIdentity>, String>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Keys {
    pub(crate) fn new(settings: StoreSettings) -> Self {
        Self { settings, identities: OnceLock::new() }
    }

    /// Encrypts to every recipient.
    pub(crate) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let recipients: Vec<BoxedRecipient> =
            self.settings.recipients.iter().map(|text| recipient(text)).collect::<Result<_>>()?;
        let encryptor = Encryptor::with_recipients(recipients.iter().map(|one| one.as_ref() as &dyn Recipient))
            .map_err(|error| anyhow!("nothing can be encrypted to the `recipients` of [store]: {error}"))?;
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(plain)?;
        writer.finish()?;
        Ok(sealed)
    }

    /// Opens what `encrypt`, `age` or `agenix` has made.
    pub(crate) fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let identities = match self.identities.get_or_init(|| self.load().map_err(|error| format!("{error:#}"))) {
            Ok(identities) => identities,
            Err(why) => bail!("{why}"),
        };
        let damaged = |error: &dyn std::fmt::Display| anyhow!("it is damaged, or no age file ({error})");
        // Files by others may be in the form that looks like text (`age --armor`).
        let reader = age::armor::ArmoredReader::new(sealed);
        let decryptor = Decryptor::new_buffered(reader).map_err(|error| damaged(&error))?;
        let opened = decryptor.decrypt(identities.iter().map(|one| one.as_ref() as &dyn Identity));
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(age::DecryptError::NoMatchingKeys) => {
                bail!("none of the `identities` of [store] opens it ({})", self.identity_paths())
            }
            Err(error) => return Err(damaged(&error)),
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        reader.read_to_end(&mut plain).map_err(|error| damaged(&error))?;
        Ok(plain)
    }

    fn identity_paths(&self) -> String {
        self.settings.identities.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    fn load(&self) -> Result<Vec<BoxedIdentity>> {
        if self.settings.identities.is_empty() {
            bail!("[store] of the host file has no `identities`: without one no secret can be opened");
        }
        let mut all = Vec::new();
        for path in &self.settings.identities {
            all.extend(identities_of(path)?);
        }
        Ok(all)
    }
}

/// Looks at the recipients without using them.
pub(crate) fn check_recipients(recipients: &[String]) -> Result<()> {
    if recipients.is_empty() {
        bail!("[store] of the host file has no `recipients`: nothing could be kept for anybody to open");
    }
    recipients.iter().try_for_each(|text| recipient(text).map(drop))
}

fn recipient(text: &str) -> Result<BoxedRecipient> {
    if let Ok(native) = age::x25519::Recipient::from_str(text) {
        return Ok(Box::new(native));
    }
    match age::ssh::Recipient::from_str(text) {
        Ok(ssh) => Ok(Box::new(ssh)),
        Err(_) => bail!(
            "`{text}` in `recipients` of [store] is no recipient\n  \
             write the public half: an `age1…` recipient, or an `ssh-ed25519` or `ssh-rsa` public key"
        ),
    }
}

fn identities_of(path: &Path) -> Result<Vec<BoxedIdentity>> {
    let shown = path.display();
    let Found { bytes, mode, .. } = trusted::read(path, "identity file")?;
    if mode & 0o004 != 0 {
        bail!("the identity file {shown} can be read by everybody (mode {mode:04o})\n  chmod o-r {shown}");
    }
    if bytes.starts_with(b"-----BEGIN") {
        return match age::ssh::Identity::from_buffer(bytes.as_slice(), Some(shown.to_string())) {
            Ok(identity @ age::ssh::Identity::Unencrypted(_)) => Ok(vec![Box::new(identity)]),
            Ok(age::ssh::Identity::Encrypted(_)) => {
                bail!("the SSH key {shown} has a passphrase, and nobody is there to type it: use a key without one")
            }
            Ok(age::ssh::Identity::Unsupported(_)) => {
                bail!("the SSH key {shown} is of a type that can't decrypt: use Ed25519 or RSA")
            }
            Err(error) => bail!("the SSH key {shown} can't be read: {error}"),
        };
    }
    let file = IdentityFile::from_buffer(bytes.as_slice())
        .with_context(|| format!("the identity file {shown} holds neither age identities nor an SSH key"))?;
    let identities = file.into_identities().map_err(|error| anyhow!("the identity file {shown}: {error}"))?;
    if identities.is_empty() {
        bail!("the identity file {shown} is empty");
    }
    Ok(identities)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use age::secrecy::ExposeSecret;

    use super::*;

    fn keys(identities: Vec<std::path::PathBuf>, recipients: Vec<String>) -> Keys {
        Keys::new(StoreSettings { path: "/nowhere".into(), identities, recipients })
    }

    fn identity_file(directory: &Path, name: &str) -> (std::path::PathBuf, String) {
        let identity = age::x25519::Identity::generate();
        let path = directory.join(name);
        std::fs::write(&path, identity.to_string().expose_secret()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        (path, identity.to_public().to_string())
    }

    #[test]
    fn every_recipient_can_open_what_was_encrypted() {
        let directory = tempfile::tempdir().unwrap();
        let (one, first) = identity_file(directory.path(), "one");
        let (two, second) = identity_file(directory.path(), "two");
        let sealed = keys(vec![one.clone()], vec![first.clone(), second]).encrypt(b"hunter2").unwrap();
        assert_eq!(*keys(vec![two.clone()], vec![first.clone()]).decrypt(&sealed).unwrap(), b"hunter2");
        let only_first = keys(vec![one], vec![first]).encrypt(b"hunter2").unwrap();
        let refused = keys(vec![two], Vec::new()).decrypt(&only_first).unwrap_err().to_string();
        assert!(refused.contains("none of the `identities`"), "{refused}");
    }

    #[test]
    fn the_form_that_looks_like_text_is_opened_as_well() {
        let directory = tempfile::tempdir().unwrap();
        let (path, recipient) = identity_file(directory.path(), "one");
        let public: age::x25519::Recipient = recipient.parse().unwrap();
        let armoured = age::encrypt_and_armor(&public, b"hunter2").unwrap();
        assert_eq!(*keys(vec![path], vec![recipient]).decrypt(armoured.as_bytes()).unwrap(), b"hunter2");
    }

    #[test]
    fn an_ssh_key_is_identity_and_recipient() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, SSH_PRIVATE).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let keys = keys(vec![path], vec![SSH_PUBLIC.to_owned()]);
        let sealed = keys.encrypt(b"hunter2").unwrap();
        assert_eq!(*keys.decrypt(&sealed).unwrap(), b"hunter2");
    }

    #[test]
    fn identities_that_others_can_use_or_write_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (path, recipient) = identity_file(directory.path(), "one");
        let sealed = keys(vec![path.clone()], vec![recipient.clone()]).encrypt(b"x").unwrap();
        for (mode, word) in [(0o622, "written by others"), (0o604, "read by everybody")] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let refused = keys(vec![path.clone()], vec![recipient.clone()]).decrypt(&sealed).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn damage_and_nonsense_are_said_plainly() {
        let directory = tempfile::tempdir().unwrap();
        let (path, recipient) = identity_file(directory.path(), "one");
        let keys = keys(vec![path], vec![recipient]);
        let mut sealed = keys.encrypt(b"hunter2 hunter2").unwrap();
        *sealed.last_mut().unwrap() ^= 1;
        assert!(keys.decrypt(&sealed).unwrap_err().to_string().contains("damaged"));
        assert!(keys.decrypt(b"hello").unwrap_err().to_string().contains("no age file"));
        assert!(check_recipients(&["age1nonsense".to_owned()]).unwrap_err().to_string().contains("is no recipient"));
    }

    // Made for this test with `ssh-keygen -t ed25519`, used nowhere.
    const SSH_PUBLIC: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID3tZ/uBO600RP5YqlyDedxl2FGm6SMKEeDm+zp0nbhK";
    const SSH_PRIVATE: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACA97Wf7gTutNET+WKpcg3ncZdhRpukjChHg5vs6dJ24SgAAAIjZYG5z2WBu
cwAAAAtzc2gtZWQyNTUxOQAAACA97Wf7gTutNET+WKpcg3ncZdhRpukjChHg5vs6dJ24Sg
AAAEC9YkKi/aX6sPSTfkyh4ffnUylx7kd7kC4Ga1tlhihDPz3tZ/uBO600RP5YqlyDedxl
2FGm6SMKEeDm+zp0nbhKAAAABHRlc3QB
-----END OPENSSH PRIVATE KEY-----\n";
}
