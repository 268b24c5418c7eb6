//! Names, as a program in the container resolves them: its hosts file first, then the servers of its resolv.conf.

use std::net::IpAddr;

use hickory_resolver::{
    TokioResolver, config::ResolveHosts, net::runtime::TokioRuntimeProvider, system_conf::parse_resolv_conf,
};

/// The container's names.
#[derive(Debug)]
pub struct Names {
    hosts: Vec<(IpAddr, Vec<String>)>,
    resolver: Option<TokioResolver>,
}

impl Names {
    /// From the content of `/etc/hosts` and `/etc/resolv.conf`.
    pub fn new(hosts: &[u8], resolv_conf: Option<&[u8]>) -> Self {
        Self { hosts: parse_hosts(hosts), resolver: resolv_conf.and_then(resolver) }
    }

    /// All addresses of a name, in the order in which they are tried.
    pub async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = name.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        let is_name = |known: &String| known.eq_ignore_ascii_case(name.trim_end_matches('.'));
        let known = self.hosts.iter().filter(|(_, names)| names.iter().any(is_name));
        let known: Vec<_> = known.map(|(address, _)| *address).collect();
        if !known.is_empty() {
            return Ok(known);
        }
        let unknown = |why: &str| Err(format!("`{name}` does not resolve inside the container ({why})"));
        let Some(resolver) = &self.resolver else { return unknown("not in its hosts file, and it has no resolver") };
        match resolver.lookup_ip(name).await {
            Ok(found) => match found.iter().collect::<Vec<_>>() {
                addresses if addresses.is_empty() => unknown("no address"),
                addresses => Ok(addresses),
            },
            Err(error) => unknown(&error.to_string()),
        }
    }
}

fn resolver(resolv_conf: &[u8]) -> Option<TokioResolver> {
    let (config, mut options) = parse_resolv_conf(resolv_conf).ok()?;
    // Its hosts file, not ours.
    options.use_hosts_file = ResolveHosts::Never;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().ok()
}

fn parse_hosts(text: &[u8]) -> Vec<(IpAddr, Vec<String>)> {
    let text = String::from_utf8_lossy(text);
    let entry = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        Some((address, words.map(str::to_owned).collect()))
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_hosts_file_comes_first() {
        let hosts = b"127.0.0.1 localhost\n10.88.0.1\thost.containers.internal host # ours\n# 1.2.3.4 db\nx y\n";
        let names = Names::new(hosts, None);
        let found = names.look_up("HOST.containers.internal").await.unwrap();
        assert_eq!(found, ["10.88.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(names.look_up("::1").await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        let error = names.look_up("db").await.unwrap_err();
        assert!(error.contains("`db` does not resolve inside the container"), "{error}");
    }
}
