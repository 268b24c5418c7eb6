//! The file that Caddy reads.
//!
//! Everything stands in one `route`, which keeps the order as written: Caddy would otherwise run `request_header` after
//! `forward_auth`, and take away the very headers that the latter has just brought. `Remote-*` from the client goes
//! first of all: 2.10.0 to 2.11.1 let it through (CVE-2026-30851), and an application that trusts it lets anyone in.

use stackrun_plugin::types::{Part, Text};

use crate::wish::{Auth, Wish};

/// What Authelia tells the application about whom it let in.
const FORWARDED: &str = "Remote-User Remote-Groups Remote-Email Remote-Name";

/// The file of a site. Holes are where the spec's references are not known yet.
pub fn file(wish: &Wish, instance: &str, stack: &str) -> Text {
    let mut file = Lines::default();
    file.line(0, &format!("# {instance} of stack {stack}, written by stackrun: changes made here are undone"));
    file.open(0, "", &wish.domain);
    for line in &wish.gateway.site_lines {
        file.line(1, line);
    }
    file.line(1, "route {");
    // An underscore is a dash to many applications.
    file.line(2, "request_header -Remote-*");
    file.line(2, "request_header -Remote_*");
    if let Some(size) = &wish.max_body {
        file.line(2, "request_body {");
        file.line(3, &format!("max_size {size}"));
        file.line(2, "}");
    }
    if !wish.websockets {
        file.line(2, "@websocket header Upgrade *");
        file.line(2, "respond @websocket 403");
    }
    if !wish.headers.is_empty() {
        file.line(2, "header {");
        for (name, value) in &wish.headers {
            file.line(3, &format!("{name} `{value}`"));
        }
        file.line(3, "defer"); // after the application has set its own
        file.line(2, "}");
    }
    if let Auth::Forward(address) = &wish.auth {
        file.line(2, &format!("forward_auth {address} {{"));
        file.line(3, "uri /api/authz/forward-auth");
        file.line(3, &format!("copy_headers {FORWARDED}"));
        file.line(2, "}");
    }
    file.holes(2, "reverse_proxy ", &wish.to, "");
    file.line(1, "}");
    file.line(0, "}");
    file.0
}

#[derive(Default)]
struct Lines(Text);

impl Lines {
    fn line(&mut self, depth: usize, line: &str) {
        self.push(&format!("{}{line}\n", "\t".repeat(depth)));
    }

    fn open(&mut self, depth: usize, before: &str, text: &Text) {
        self.holes(depth, before, text, " {");
    }

    fn holes(&mut self, depth: usize, before: &str, text: &Text, after: &str) {
        self.push(&format!("{}{before}", "\t".repeat(depth)));
        self.0.extend(text.iter().cloned());
        self.push(&format!("{after}\n"));
    }

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Literal(last)) => last.push_str(text),
            _ => self.0.push(Part::Literal(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use stackrun_plugin::literal;

    use super::*;
    use crate::wish::{Gateway, known};

    #[test]
    fn all_of_it() {
        let wish = Wish {
            domain: literal("media.example.org"),
            to: literal("127.0.0.1:16366"),
            auth: Auth::Forward("127.0.0.1:9091".to_owned()),
            headers: vec![("X-Frame-Options".to_owned(), "DENY".to_owned())],
            max_body: Some("100MB".to_owned()),
            websockets: false,
            gateway: Gateway { site_lines: vec!["tls /c.pem /k.pem".to_owned()], ..Gateway::default() },
        };
        // A test of the host has Caddy read it.
        assert_eq!(known(&file(&wish, "gateway.media", "s")).as_deref(), Some(include_str!("full.caddy")));
    }
}
