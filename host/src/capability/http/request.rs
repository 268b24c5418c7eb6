//! A request in words.

use crate::{
    model::desired::{Origin, Request},
    words,
};

impl Request {
    /// `POST /reg to connection idp`, holes by name.
    pub fn says(&self) -> String {
        let method = self.method.name();
        let path = words::text(&self.path);
        match &self.origin {
            Origin::Connection(connection) => format!("{method} {path} of connection {connection}"),
            Origin::Container { name, container_port, .. } => {
                format!("{method} {path} of port {container_port} of container {name}")
            }
            Origin::Site { gateway, host } => {
                format!("{method} https://{}{path} through connection {gateway}", words::text(host))
            }
            Origin::Url(url) => format!("{method} {}{path} through its gateway", words::text(url)),
        }
    }
}
