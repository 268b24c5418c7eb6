//! The host file of a lab: what `stackrun --host` is given. Everything about its format is in this file.

use std::path::Path;

use super::{DOMAIN, Lab};
use crate::setup::{CADDY_USER, IDP_USER};

/// What a container may look up: names of the lab mean the container itself there, unless its hosts file has them.
const SITES: [&str; 4] = ["auth", "wiki", "mediamanager", "kinto"];

/// Which way the identity provider's clients are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// In a fragment that the operator's Authelia configuration includes.
    Fragment,
    /// Registered at the provider (RFC 7591 and 7592).
    Registration,
}

/// The text of the host file. `recipients` are the public age keys of the store.
#[must_use]
pub(super) fn render(lab: &Lab, recipients: &[String], clients: Clients) -> String {
    let dir = |name: &str| quoted(&lab.dir.join(name));
    let recipients: Vec<String> = recipients.iter().map(|key| format!("{key:?}")).collect();
    let sign_in = match clients {
        Clients::Fragment => fragment(lab),
        Clients::Registration => registration(lab),
    };
    format!(
        r#"# The lab in {folder}.
[store]
path       = {store}
identity   = {identity}
recipients = [{recipients}]

[state]
path = {state}

[folders]
data  = {data}
media = {{ path = {media}, access = "mount" }}

{postgres}
{podman}
{caddy}
{sign_in}"#,
        folder = lab.dir.display(),
        store = dir("store"),
        identity = dir("identity.txt"),
        recipients = recipients.join(", "),
        state = dir("state"),
        data = dir("data"),
        media = dir("media"),
        postgres = postgres(lab),
        podman = podman(lab),
        caddy = caddy(lab),
    )
}

fn postgres(lab: &Lab) -> String {
    format!(
        r#"[connection.postgres]
kind     = "postgresql"
socket   = {socket}
port     = {port}
login_as = "{user}"
address  = "localhost"
clients  = ["{subnet}"]
"#,
        socket = quoted(&lab.postgres.socket),
        port = lab.postgres.port,
        user = super::postgres::USER,
        subnet = lab.podman.subnet,
    )
}

fn podman(lab: &Lab) -> String {
    let hosts = SITES.map(|site| format!("\"{site}.{DOMAIN}\" = \"{}\"", lab.podman.gateway));
    format!(
        r#"[connection.podman]
kind        = "docker-api"
socket      = {socket}
address     = "{address}"
publish     = "{address}"
extra_hosts = {{ {hosts} }}
ca_bundle   = {bundle}
"#,
        socket = quoted(&lab.podman.socket),
        address = lab.podman.publish_address,
        hosts = hosts.join(", "),
        bundle = quoted(&lab.caddy.ca_bundle),
    )
}

fn caddy(lab: &Lab) -> String {
    format!(
        r#"[connection.caddy]
kind       = "caddy"
admin      = "unix:{admin}"
caddyfile  = {caddyfile}
sites      = {sites}
group      = "{CADDY_USER}"
mode       = "0640"
https_port = {port}
ca         = {ca}
"#,
        caddyfile = quoted(&lab.caddy.caddyfile),
        admin = lab.caddy.admin.display(),
        sites = quoted(&lab.caddy.sites),
        port = lab.caddy.https_port,
        ca = quoted(&lab.caddy.ca),
    )
}

fn fragment(lab: &Lab) -> String {
    format!(
        r#"[connection.authelia]
kind             = "authelia"
issuer           = "{issuer}"
address          = "127.0.0.1"
ca               = {ca}
configuration    = {configuration}
clients_fragment = {fragment}
group            = "{IDP_USER}"
mode             = "0640"

[connection.authelia.verbs]
restart  = {{ command = [{restart}] }}
validate = {{ command = [{validate}] }}
"#,
        issuer = lab.idp.issuer,
        ca = quoted(&lab.caddy.ca),
        configuration = quoted(&lab.idp.configuration),
        fragment = quoted(&lab.idp.clients_fragment),
        restart = quoted(&lab.idp.restart),
        validate = quoted(&lab.idp.validate),
    )
}

fn registration(lab: &Lab) -> String {
    format!(
        r#"[connection.registration]
kind    = "oidc-registration"
issuer  = "{issuer}"
address = "127.0.0.1"
ca      = {ca}
initial_access_token_file = {token}
"#,
        issuer = lab.idp.issuer,
        ca = quoted(&lab.caddy.ca),
        token = quoted(&lab.idp.initial_access_token),
    )
}

fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}
