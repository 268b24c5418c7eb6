//! Who listens on a TCP port of this machine, as far as `/proc` tells.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

/// State `LISTEN` in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Who listens on this port at an address that matters: `postgres (process 812)`; only the port when the process is
/// not ours to see.
pub(crate) fn on(port: u16, matters: impl Fn(IpAddr) -> bool) -> Option<String> {
    let listening = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).filter_map(listener).find(|found| found.port == port && matters(found.address))
    })?;
    Some(process_with(&listening.inode).unwrap_or_else(|| format!("a process that listens on port {port}")))
}

struct Listener {
    address: IpAddr,
    port: u16,
    inode: String,
}

/// A line of the table, if it is a listening socket. Addresses are hexadecimal, in words of the machine's own order.
fn listener(line: &str) -> Option<Listener> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (&[_, local, _, state], inode) = (fields.first_chunk::<4>()?, fields.get(9)?);
    let (address, port) = local.split_once(':')?;
    let word = |index: usize| u32::from_str_radix(address.get(index * 8..index * 8 + 8)?, 16).ok();
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        _ => {
            let words: Vec<u8> = (0..4).filter_map(word).flat_map(u32::to_ne_bytes).collect();
            Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?).to_canonical()
        }
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    (state == LISTEN).then(|| Listener { address, port, inode: (*inode).to_owned() })
}

fn process_with(inode: &str) -> Option<String> {
    let socket = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let is_process = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().parse::<u32>().is_ok();
    let processes = entries.filter(is_process).map(|entry| entry.path());
    processes.filter(|process| has_open(process, &socket)).find_map(|process| {
        let name = fs::read_to_string(process.join("comm")).ok()?;
        let number = process.file_name()?.to_string_lossy().into_owned();
        Some(match container_of(&process) {
            Some(container) => format!("container `{container}` of another engine (process {number})"),
            None => format!("{} (process {number})", name.trim_end()),
        })
    })
}

fn has_open(process: &Path, socket: &str) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files.filter_map(Result::ok).any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == socket))
}

/// Podman's conmon holds the ports of its container, whose name follows `-n`.
fn container_of(process: &Path) -> Option<String> {
    let arguments = fs::read(process.join("cmdline")).ok()?;
    let mut arguments = arguments.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let is_conmon = arguments.next()?.ends_with("conmon");
    let name = arguments.skip_while(|argument| argument != "-n").nth(1)?;
    is_conmon.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_is_found_with_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = on(port, |address| address == IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        assert!(found.ends_with(&format!("(process {})", std::process::id())), "{found}");
    }

    #[test]
    fn another_address_does_not_matter() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(on(port, |address| address == IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9))), None);
    }
}
