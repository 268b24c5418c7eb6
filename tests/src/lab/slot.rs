//! A lab's number on this machine. Ports, subnet, bridge and loopback address follow from it, so labs that run
//! side by side can't get in each other's way.
//!
//! Numbers are handed out under a lock, in a folder that a restart of the machine empties. A number is free
//! again when the folder that took it no longer holds a lab of that number.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::cache;

/// Numbers go from 1 to this one; each is a third byte of an address.
const LAST: u8 = 250;
/// Below the ports that the kernel hands out by itself (32768 and up).
const FIRST_PORT: u16 = 20_000;
const PORTS_EACH: u16 = 16;

/// A lab's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(u8);

impl Slot {
    /// Takes the first number whose ports, bridge and subnet nobody uses. `keep` must leave in `dir` what
    /// [`holder`] reads; it is called while the lock is held.
    ///
    /// # Errors
    /// When every number is taken, or `keep` fails.
    pub(super) fn take(dir: &Path, keep: impl FnOnce(Self) -> Result<()>) -> Result<Self> {
        let _turn = cache::lock("slots")?;
        let folder = folder();
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        for slot in (1..=LAST).map(Self) {
            if slot.is_taken()? || !slot.is_free_on_this_machine() {
                continue;
            }
            fs::write(slot.path(), dir.as_os_str().as_encoded_bytes())
                .with_context(|| format!("can't write {}", slot.path().display()))?;
            if let Err(error) = keep(slot) {
                slot.give_back();
                return Err(error);
            }
            return Ok(slot);
        }
        bail!("all {LAST} lab numbers of this machine are taken: see {} for whose they are", folder.display())
    }

    /// Frees the number.
    pub(super) fn give_back(self) {
        let _ = fs::remove_file(self.path());
    }

    fn path(self) -> PathBuf {
        folder().join(self.0.to_string())
    }

    fn is_taken(self) -> Result<bool> {
        match fs::read_to_string(self.path()) {
            Ok(dir) => Ok(holder(Path::new(&dir)) == Some(self)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).with_context(|| format!("can't read {}", self.path().display())),
        }
    }

    fn is_free_on_this_machine(self) -> bool {
        let bridge = Path::new("/sys/class/net").join(self.network()).exists();
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        // Destinations stand there in hexadecimal, last byte first.
        let ours = format!("00{:02X}E70A", self.0);
        let routed = routes.lines().filter_map(|line| line.split_whitespace().nth(1)).any(|to| to == ours);
        let ports_free =
            (0..PORTS_EACH).all(|offset| TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port(offset))).is_ok());
        !bridge && !routed && ports_free
    }

    /// The lab's port of that number, from 0 to 15.
    pub(super) fn port(self, offset: u16) -> u16 {
        FIRST_PORT + u16::from(self.0) * PORTS_EACH + offset
    }

    /// The name of the network and of its bridge.
    pub(super) fn network(self) -> String {
        format!("srlab{}", self.0)
    }

    /// The containers' addresses.
    pub(super) fn subnet(self) -> String {
        format!("10.231.{}.0/24", self.0)
    }

    /// This machine's address on the bridge.
    pub(super) fn gateway(self) -> String {
        format!("10.231.{}.1", self.0)
    }

    /// A loopback address of this lab alone.
    pub(super) fn loopback(self) -> String {
        format!("127.77.0.{}", self.0)
    }
}

fn folder() -> PathBuf {
    PathBuf::from("/run/stackrun-lab")
}

/// The number of the lab in `dir`, if there is one.
fn holder(dir: &Path) -> Option<Slot> {
    let record: serde_json::Value = serde_json::from_slice(&fs::read(dir.join(super::RECORD)).ok()?).ok()?;
    serde_json::from_value(record["slot"].clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_share_nothing() {
        let (one, two) = (Slot(1), Slot(2));
        assert!(one.port(PORTS_EACH - 1) < two.port(0));
        assert!(Slot(LAST).port(PORTS_EACH - 1) < 32_768);
        assert_ne!(one.subnet(), two.subnet());
        assert!(Slot(LAST).network().len() <= 15, "an interface's name has at most 15 bytes");
    }
}
