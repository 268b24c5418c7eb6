//! A person's sign-in at an application of the lab, by way of the identity provider, as a browser does it: cookies,
//! redirects and forms, over TLS with the certificate checked; but with `curl`, and so without a browser.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    command::run,
    lab::{Lab, idp::User},
};

/// Redirects that one request may follow.
const REDIRECTS: &str = "12";
/// Seconds for one request with its redirects.
const LIMIT: &str = "60";

/// Somebody in front of a browser: what they are sent stays between requests.
#[derive(Debug)]
pub struct Visitor<'a> {
    lab: &'a Lab,
    cookies: TempDir,
}

/// What came back after all redirects.
#[derive(Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Where the redirects ended.
    pub url: String,
    /// The body.
    pub body: String,
}

#[derive(Deserialize)]
struct Written {
    http_code: u16,
    url_effective: String,
}

#[derive(Deserialize)]
struct Authorize {
    authorization_url: String,
}

#[derive(Deserialize)]
struct Endpoints {
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Me {
    email: String,
}

impl<'a> Visitor<'a> {
    /// Somebody without any cookie.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new(lab: &'a Lab) -> Result<Self> {
        Ok(Self { lab, cookies: tempfile::tempdir().context("can't make a temporary folder")? })
    }

    /// GET, or with `form` a POST of those fields, following redirects.
    ///
    /// # Errors
    /// When the connection or the certificate fails; a status that is an error is none.
    pub fn open(&self, url: &str, form: &[(&str, &str)]) -> Result<Page> {
        self.ask(url, form, &[])
    }

    fn ask(&self, url: &str, form: &[(&str, &str)], more: &[&str]) -> Result<Page> {
        let jar = self.jar();
        let mut curl = Command::new("curl");
        curl.args(["--disable", "--silent", "--show-error", "--max-time", LIMIT, "--noproxy", "*", "--location"])
            .args(["--max-redirs", REDIRECTS, "--write-out", "\n%{json}", "--cacert"])
            .arg(&self.lab.caddy.ca)
            .arg("--cookie")
            .arg(&jar)
            .arg("--cookie-jar")
            .arg(&jar)
            .args(more);
        for (name, value) in form {
            curl.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let answer = run(curl.arg(url))?;
        let (body, written) = answer.rsplit_once('\n').context("curl did not say what it got")?;
        let Written { http_code: status, url_effective: url } =
            serde_json::from_str(written).context("curl did not say what it got")?;
        Ok(Page { status, url, body: body.to_owned() })
    }

    /// Signs in at a MediaManager at `origin` as `user`, through the provider, and returns the address of mail that
    /// the application then knows this person by.
    ///
    /// # Errors
    /// Where it gets stuck: the address, the status and the page.
    pub fn sign_in(&self, origin: &str, user: &User) -> Result<String> {
        let start = self.open(&format!("{origin}/api/v1/auth/oauth/authorize"), &[])?.with_status(200)?;
        let Authorize { authorization_url } = start.json()?;
        let page = self.pass_the_provider(&authorization_url, user)?;
        // The page itself comes with status 404, as MediaManager has it.
        ensure!(page.url.starts_with(&format!("{origin}/web/")), "after the sign-in: {page}");
        let me: Me = self.open(&format!("{origin}/api/v1/users/me"), &[])?.with_status(200)?.json()?;
        ensure!(me.email == user.email, "signed in as {} and not as {}", me.email, user.email);
        Ok(me.email)
    }

    /// Signs in at the operator's own application, whose server is played here: what the provider sends back by the
    /// browser is exchanged for a token, and that for the address of mail, which is returned.
    ///
    /// # Errors
    /// Where it gets stuck: the address, the status and the page.
    pub fn sign_in_at_the_operators(&self, user: &User) -> Result<String> {
        let (provider, client) = (&self.lab.idp, &self.lab.idp.operator_client);
        let discovery = self.open(&format!("{}/.well-known/openid-configuration", provider.issuer), &[])?;
        let endpoints: Endpoints = discovery.with_status(200)?.json()?;
        let start = format!(
            "{}?client_id={}&redirect_uri={}&response_type=code&scope=openid%20email&state=of-the-wiki",
            endpoints.authorization_endpoint, client.client_id, client.redirect_uri
        );
        let back = self.pass_the_provider(&start, user)?.with_status(200)?;
        let query = back.url.strip_prefix(&format!("{}?", client.redirect_uri)).with_context(|| back.to_string())?;
        let field = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        ensure!(field("state") == Some("of-the-wiki"), "not the answer to this sign-in: {back}");
        let code = field("code").with_context(|| format!("no code came back: {back}"))?;

        let exchange =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", client.redirect_uri.as_str())];
        let as_client = format!("{}:{}", client.client_id, client.client_secret);
        let answer = self.ask(&endpoints.token_endpoint, &exchange, &["--user", &as_client])?.with_status(200)?;
        let Token { access_token } = answer.json()?;
        let bearer = format!("Authorization: Bearer {access_token}");
        let me: Me = self.ask(&endpoints.userinfo_endpoint, &[], &["--header", &bearer])?.with_status(200)?.json()?;
        ensure!(me.email == user.email, "signed in as {} and not as {}", me.email, user.email);
        Ok(me.email)
    }

    /// From an address of the provider's through its pages, and to where it sends the person back.
    fn pass_the_provider(&self, url: &str, user: &User) -> Result<Page> {
        let issuer = &self.lab.idp.issuer;
        let login = self.open(url, &[])?.with_status(200)?;
        ensure!(login.url.starts_with(issuer), "the application sends people to {}", login.url);
        let page = self.open(&login.url, &[("username", &user.name), ("password", &user.password)])?;
        if !page.url.starts_with(issuer) {
            return Ok(page);
        }
        let consent = page.with_status(200)?;
        self.open(&consent.url, &[("answer", "accept")])
    }

    fn jar(&self) -> PathBuf {
        self.cookies.path().join("cookies")
    }
}

impl Page {
    /// The page, if it came with that status.
    ///
    /// # Errors
    /// When it did not: the address, the status and the page.
    pub fn with_status(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{self}");
        Ok(self)
    }

    fn json<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        serde_json::from_str(&self.body).with_context(|| format!("not the expected JSON: {self}"))
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start: String = self.body.chars().take(500).collect();
        write!(f, "{} gave status {}: {start}", self.url, self.status)
    }
}
