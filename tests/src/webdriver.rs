//! A browser that a test drives: headless Chromium behind `chromedriver`, spoken to as WebDriver says, which is a few
//! requests of JSON over HTTP. What a person would wait for (a page, a link on it) is waited for.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    command::run,
    lab::{
        Lab,
        browser::{PROCESSES, Room, program},
        process,
    },
};

/// What drives the browser.
const DRIVER: &str = "chromedriver";
/// The key under which WebDriver has an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long to wait for what a page should hold: two slow cores may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// A browser with one page, and a memory of its own; it ends with the value, and leaves nothing.
#[derive(Debug)]
pub struct Browser {
    room: Room,
    session: String,
    folder: TempDir,
}

impl Browser {
    /// Starts one that trusts the lab's authority and nothing more than browsers do.
    ///
    /// # Errors
    /// When `chromedriver` or Chromium does not start: the end of the driver's log.
    pub fn start(lab: &Lab) -> Result<Self> {
        let room = lab.browser_room()?;
        let folder = tempfile::Builder::new().prefix("driven-").tempdir_in(&room.home);
        // From here on the value ends whatever was started, also on an error.
        let mut browser = Self { room, session: String::new(), folder: folder.context("can't make a folder")? };
        let sessions = browser.start_driver()?;
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": program()?, "args": browser.room.flags(&browser.at("profile")) },
            "timeouts": { "implicit": 0, "pageLoad": PATIENCE.as_millis() },
        }}});
        let begun = browser.ask("POST", &sessions, Some(&wanted)).with_context(|| {
            format!("the end of chromedriver's log:\n{}", process::log_tail(&browser.at("driver.log")))
        })?;
        let id = begun["sessionId"].as_str().with_context(|| format!("chromedriver gave no session: {begun}"))?;
        browser.session = format!("{sessions}/{id}");
        Ok(browser)
    }

    /// Opens an address, and waits until the page is loaded.
    ///
    /// # Errors
    /// When the browser can't: also when it does not trust the certificate.
    pub fn open(&self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url })).map(drop)
    }

    /// Clicks on the first element of that CSS selector, when it is there.
    ///
    /// # Errors
    /// When it does not come, or can't be clicked on; the page's address is in the error.
    pub fn click(&self, selector: &str) -> Result<()> {
        let act = || self.post(&format!("element/{}/click", self.find(selector)?), &json!({}));
        self.in_time(&format!("clicking on {selector}"), act).map(drop)
    }

    /// Types into the first element of that CSS selector, when it is there.
    ///
    /// # Errors
    /// As [`Browser::click`].
    pub fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let act = || self.post(&format!("element/{}/value", self.find(selector)?), &json!({ "text": text }));
        self.in_time(&format!("typing into {selector}"), act).map(drop)
    }

    /// Waits until the first element of that CSS selector says `text`, and nothing else.
    ///
    /// # Errors
    /// When it does not: what it says instead, and the page's address.
    pub fn wait_for_text(&self, selector: &str, text: &str) -> Result<()> {
        self.in_time(&format!("waiting for {text:?}"), || {
            let seen = self.get(&format!("element/{}/text", self.find(selector)?))?;
            ensure!(seen == text, "{selector} says {seen}");
            Ok(())
        })
    }

    /// The page's address.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn url(&self) -> Result<String> {
        let url = self.get("url")?;
        url.as_str().map(str::to_owned).with_context(|| format!("the page's address is {url}"))
    }

    /// Forgets the page's cookies: whoever was signed in there is not any more.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn forget_cookies(&self) -> Result<()> {
        self.ask("DELETE", &format!("{}/cookie", self.session), None).map(drop)
    }

    /// Starts the driver on a port that it chooses, and returns the address of its sessions.
    fn start_driver(&self) -> Result<String> {
        let log = self.at("log");
        let mut driver = self.room.command(Path::new(DRIVER));
        // The path among its arguments is how it is found again.
        driver.arg("--port=0").arg(format!("--log-path={}", self.at("driver.log").display()));
        let mut child = process::spawn(&mut driver, &log, &self.at("pid"))?;
        let mut port = None;
        process::wait(DRIVER, PATIENCE, &log, Some(&mut child), || {
            port = Some(port_in(&fs::read_to_string(&log).unwrap_or_default())?);
            Ok(())
        })?;
        let port = port.context("no port")?;
        Ok(format!("http://127.0.0.1:{port}/session"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn find(&self, selector: &str) -> Result<String> {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }))?;
        found[ELEMENT].as_str().map(str::to_owned).with_context(|| format!("chromedriver gave no element: {found}"))
    }

    /// The first success: pages come and go under the driver's hands, and so do elements on them.
    fn in_time<T>(&self, what: &str, mut act: impl FnMut() -> Result<T>) -> Result<T> {
        let end = Instant::now() + PATIENCE;
        loop {
            match act() {
                Err(error) if Instant::now() > end => {
                    let url = self.url().unwrap_or_default();
                    return Err(error.context(format!("{what} on {url}, for {} s", PATIENCE.as_secs())));
                }
                Err(_) => std::thread::sleep(PAUSE),
                done => return done,
            }
        }
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.ask("GET", &format!("{}/{path}", self.session), None)
    }

    fn post(&self, path: &str, what: &Value) -> Result<Value> {
        self.ask("POST", &format!("{}/{path}", self.session), Some(what))
    }

    fn ask(&self, method: &str, url: &str, body: Option<&Value>) -> Result<Value> {
        let mut curl = self.room.command(Path::new("curl"));
        curl.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--request", method]);
        // The driver has limits of its own, and says what took so long.
        curl.arg("--max-time").arg((2 * PATIENCE).as_secs().to_string());
        if let Some(body) = body {
            curl.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
        }
        let answer = run(curl.arg(url))?;
        let mut answer: Value = serde_json::from_str(&answer).with_context(|| format!("{DRIVER} said: {answer}"))?;
        let value = answer["value"].take();
        if let Some(error) = value["error"].as_str() {
            // The message goes on with the driver's own stack.
            let message = value["message"].as_str().unwrap_or_default();
            bail!("{error}: {}", message.lines().next().unwrap_or_default());
        }
        Ok(value)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // It closes its files; whatever does not end by that is ended next.
            let _ = self.ask("DELETE", &self.session, None);
        }
        if let Err(error) = process::kill_all(PROCESSES, self.folder.path()) {
            eprintln!("a test's browser stays behind: {error:#}");
        }
    }
}

/// The port that chromedriver chose: it says so when it listens.
fn port_in(said: &str) -> Result<u16> {
    let mut lines = said.lines().filter_map(|line| line.split_once("started successfully on port "));
    let (_, port) = lines.next().context("it does not listen yet")?;
    port.trim_end_matches('.').parse().with_context(|| format!("{port} is no port"))
}
