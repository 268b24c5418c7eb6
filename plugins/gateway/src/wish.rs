//! What a section asks for, with what the host file says of the gateway.

use stackrun_plugin::{
    Section, literal,
    types::{Diagnostic, Instance, Part, Text},
};

/// A site.
pub struct Wish {
    /// Host name.
    pub domain: Text,
    /// Where requests go.
    pub to: Text,
    pub auth: Auth,
    /// Headers of answers.
    pub headers: Vec<(String, String)>,
    pub max_body: Option<String>,
    pub websockets: bool,
    pub gateway: Gateway,
}

/// Who is let in.
pub enum Auth {
    Everyone,
    /// Those whom the service at this address knows.
    Forward(String),
}

/// What the host file says of the gateway.
#[derive(Default)]
pub struct Gateway {
    pub connection: String,
    /// Directory of the site files; empty offline.
    pub sites: String,
    pub https_port: i64,
    pub site_lines: Vec<String>,
    /// User and group of the site files.
    pub owner: Option<(String, String)>,
    /// Permission bits of the site files. They hold no secret, and Caddy runs as a user of its own.
    pub mode: u32,
    /// Something else writes the site files.
    pub printed: bool,
}

impl Wish {
    /// The section's wish, and all that is wrong with it. None where something needed is missing.
    pub fn of(instance: &Instance) -> (Option<Self>, Vec<Diagnostic>) {
        let section = Section::of(instance);
        let mut problems = Vec::new();
        let settings = instance.connections.first().map(Section::settings);
        let gateway = settings.as_ref().map(|settings| Gateway::of(instance, settings)).unwrap_or_default();

        let domain = section.at("domain");
        if let Some(known) = domain.as_string()
            && let Err(why) = check_domain(&known)
        {
            problems.push(domain.error(why).help("write the host name alone, in lower case: media.example.org"));
        }
        let to = section.at("to");
        if let Some(known) = to.as_string()
            && !is_target(&known)
        {
            problems.push(to.error(format!("`{known}` is not HOST:PORT")).help("mostly \"${container.address}\""));
        }
        let auth = match (section.string("auth").as_deref(), &settings) {
            (Some("forward"), Some(settings)) => match settings.string("forward_auth") {
                Some(address) => Auth::Forward(address),
                // Offline the settings are empty, and nothing can be said.
                None if gateway.sites.is_empty() => Auth::Everyone,
                None => {
                    let said = section.at("auth").error("the gateway's connection does not say who would be asked");
                    problems.push(said.help(format!(
                        "add to [connection.{}] of the host file: forward_auth = \"HOST:PORT\", the address of Authelia \
                         as Caddy reaches it",
                        gateway.connection
                    )));
                    Auth::Everyone
                }
            },
            _ => Auth::Everyone,
        };
        let mut headers = Vec::new();
        for (name, value) in section.at("headers").entries() {
            match value.as_string() {
                Some(text) if is_header_name(name) && is_plain(&text) => headers.push((name.to_owned(), text)),
                Some(text) if is_header_name(name) => problems.push(
                    value
                        .error(format!("the gateway's file can't carry `{text}`"))
                        .help("leave out braces, backticks and line breaks: Caddy gives them a meaning"),
                ),
                Some(_) => problems.push(value.error(format!("`{name}` is no name of a header"))),
                None => {
                    problems.push(value.error("a header that browsers see holds no secret").help("write the value out"))
                }
            }
        }
        let wish = match (domain.as_text(), to.as_text()) {
            (Some(domain), Some(to)) => Some(Self {
                domain,
                to,
                auth,
                headers,
                max_body: section.string("max_body"),
                websockets: section.boolean("websockets").unwrap_or(true),
                gateway,
            }),
            _ => None, // the schema has said so
        };
        (wish, problems)
    }

    /// `https://media.example.org`, with the port where it is not 443.
    pub fn url(&self) -> Text {
        let mut url = literal("https://");
        url.extend(self.domain.iter().cloned());
        if self.gateway.https_port != 443 {
            url.push(Part::Literal(format!(":{}", self.gateway.https_port)));
        }
        url
    }

    /// The host name, where it is known.
    pub fn known_domain(&self) -> Option<String> {
        known(&self.domain)
    }
}

impl Gateway {
    fn of(instance: &Instance, settings: &Section<'_>) -> Self {
        let user = settings.string("user");
        let group = settings.string("group");
        let owner = (user.is_some() || group.is_some()).then(|| {
            let root = || "root".to_owned();
            (user.unwrap_or_else(root), group.unwrap_or_else(root))
        });
        Self {
            connection: instance.connections.first().map(|connection| connection.name.clone()).unwrap_or_default(),
            sites: settings.string_or("sites", "").trim_end_matches('/').to_owned(),
            https_port: settings.integer("https_port").unwrap_or(443),
            site_lines: settings.items("site_lines").iter().filter_map(Section::as_string).collect(),
            owner,
            mode: settings.string("mode").and_then(|mode| u32::from_str_radix(&mode, 8).ok()).unwrap_or(0o644),
            printed: settings.string("write").as_deref() == Some("print"),
        }
    }
}

/// A text without holes as a string.
pub fn known(text: &Text) -> Option<String> {
    let literal = |part: &Part| match part {
        Part::Literal(literal) => Some(literal.clone()),
        Part::Reference(_) | Part::Address(_) => None,
    };
    text.iter().map(literal).collect()
}

/// A host name of RFC 1123, in lower case, with at least one dot.
fn check_domain(domain: &str) -> Result<(), String> {
    if domain.contains("://") || domain.contains('/') {
        return Err(format!("`{domain}` is an address, not a host name"));
    }
    if domain.contains('*') {
        return Err("one site has one host name: a wildcard would take those of others".to_owned());
    }
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    if domain.len() > 253 || !domain.contains('.') || !domain.split('.').all(label) {
        return Err(format!("`{domain}` is no host name"));
    }
    Ok(())
}

/// `HOST:PORT`, `[ADDRESS]:PORT`, with a scheme before it or not.
fn is_target(to: &str) -> bool {
    let bare = to.strip_prefix("http://").or_else(|| to.strip_prefix("https://")).unwrap_or(to);
    let Some((host, port)) = bare.rsplit_once(':') else { return false };
    let sound = |character: char| character.is_ascii_alphanumeric() || "-._:[]".contains(character);
    !host.is_empty() && host.chars().all(sound) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A token of RFC 9110.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What stands between backticks in a Caddyfile as it is.
fn is_plain(value: &str) -> bool {
    !value.chars().any(|character| character.is_control() || matches!(character, '`' | '{' | '}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        let longest = format!("{}.org", "a".repeat(63));
        for good in ["media.example.org", "a-b.c.d", "xn--mnchen-3ya.de", longest.as_str()] {
            assert_eq!(check_domain(good), Ok(()), "{good}");
        }
        let too_long = format!("{}.org", "a".repeat(64));
        for bad in [
            "https://a.org",
            "a.org/x",
            "*.a.org",
            "A.org",
            "a",
            "a..org",
            "-a.org",
            "a_b.org",
            "a.org {",
            too_long.as_str(),
        ] {
            assert!(check_domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn targets() {
        for good in ["127.0.0.1:8000", "localhost:1", "storage:16366", "[::1]:80", "http://app:80"] {
            assert!(is_target(good), "{good}");
        }
        for bad in ["localhost", "a:0", "a:70000", "a:80 {", "a b:80", "a:80/path", "{env.X}:80"] {
            assert!(!is_target(bad), "{bad}");
        }
    }

    #[test]
    fn header_values_that_caddy_would_read() {
        assert!(is_plain("max-age=31536000; includeSubDomains \"x\" $HOME"));
        for bad in ["{env.SECRET}", "a`b", "a\nb"] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
