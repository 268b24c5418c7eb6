//! Numbers that people write: sizes, modes, and the port that follows from a name.

use sha2::{Digest, Sha256};

/// Bytes of `512M`, `2G`, `64k` or `1048576`.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Permission bits of `0755`.
pub fn mode(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// The port of this machine that a container of this name is published on, unless its section says otherwise: the
/// users' own formula, so that ports survive a migration.
pub fn published_port(name: &str) -> u16 {
    let digest = Sha256::digest(name.as_bytes());
    let [first, second, third] = [digest[0], digest[1], digest[2]].map(u32::from);
    let number = (first << 16 | second << 8 | third) % 64511;
    u16::try_from(1024 + number).unwrap_or(1024) // at most 65534
}

/// `32768:8000`, host and container.
pub fn pair(text: &str) -> Option<(u16, u16)> {
    let (host, container) = text.split_once(':')?;
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    Some((port(host)?, port(container)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_follows_from_the_name() {
        assert_eq!(published_port("mediamanager"), 16366);
    }

    #[test]
    fn sizes_are_binary() {
        let table = [
            ("512M", Some(512 << 20)),
            ("2G", Some(2 << 30)),
            ("64k", Some(64 << 10)),
            ("1048576", Some(1 << 20)),
            ("1.5G", None),
            ("M", None),
            ("12X", None),
            ("99999999999999999999", None),
            ("18446744073709551615G", None),
        ];
        for (text, wanted) in table {
            assert_eq!(bytes(text), wanted, "{text}");
        }
    }

    #[test]
    fn ports_come_in_pairs() {
        assert_eq!(pair("8080:80"), Some((8080, 80)));
        for wrong in ["8080", "0:80", "8080:0", "70000:80", "127.0.0.1:8080:80"] {
            assert_eq!(pair(wrong), None, "{wrong}");
        }
    }
}
