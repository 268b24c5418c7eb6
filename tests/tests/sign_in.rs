//! What people meet: they sign in with a browser, through the gateway and the identity provider, and stay signed in
//! when the container is replaced, and when the stack is taken away and comes back. The operator's other application
//! goes on all the while, and nobody gets in with the password that the application came with.

use std::fs;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::idp::User;
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::setup::{self, Need};
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{Stack, domain, secret};
use stackrun_tests::webdriver::Browser;

const DONE: i32 = 0;
const PENDING: i32 = 2;
/// The first of `auth.admin_emails` in the spec.
const ADMINISTRATOR: &str = "me@arsfeld.one";

#[test]
fn people_sign_in_and_stay_signed_in() -> Result<()> {
    setup::ensure(&[Need::Lab, Need::Browser], &mut |line| eprintln!("{line}"))?;
    let lab = Scratch::up(&Options::default())?;
    let mut stack = Stack::in_test(&lab)?;
    let person = lab.idp.users.first().context("the lab's provider knows nobody")?;
    let page = format!("{}/web/", lab.caddy.url(&domain(&lab.domain)));
    the_operators_application_signs_in(&lab, person).context("before stackrun")?;

    stack.quietly("apply", &["--yes"], DONE)?;
    the_operators_application_signs_in(&lab, person).context("after apply")?;
    let browser = Browser::start(&lab)?;
    only_the_administrators_own_password_signs_in(&browser, &page, &secret(&stack, "admin_password")?)?;
    sign_in(&browser, &page, person)?;

    let before = Kept { page, email: &person.email, token: token_secret(&lab, &stack)? };
    a_change_replaces_the_container(&lab, &mut stack)?;
    before.still_holds(&lab, &stack, &browser).context("after the container was replaced")?;
    a_token_secret_changed_by_hand_is_repaired(&lab, &stack)?;
    before.still_holds(&lab, &stack, &browser).context("after a drift was repaired")?;

    stack.quietly("destroy", &["--yes"], DONE)?;
    ensure!(browser.open(&before.page).is_err(), "the application is still served after destroy");
    the_operators_application_signs_in(&lab, person).context("after destroy")?;
    stack.quietly("apply", &["--yes"], DONE)?;
    before.still_holds(&lab, &stack, &browser).context("after destroy and apply")?;
    drop(browser);
    lab.down()
}

fn the_operators_application_signs_in(lab: &Lab, person: &User) -> Result<()> {
    let email = Visitor::new(lab)?.sign_in_at_the_operators(person)?;
    ensure!(email == person.email, "the operator's application takes {} for {email}", person.email);
    Ok(())
}

/// By the form of the page: the documented defaults, the default of the real administrator, and then, so that the form
/// is known to work, the password of the spec.
fn only_the_administrators_own_password_signs_in(browser: &Browser, page: &str, own: &str) -> Result<()> {
    let log_in = |name: &str, password: &str| -> Result<()> {
        browser.open(page)?;
        browser.wait_for_text("#user", "Not signed in")?;
        browser.fill("#email", name)?;
        browser.fill("#password", password)?;
        browser.click("#log-in")
    };
    for name in ["admin", ADMINISTRATOR] {
        log_in(name, "admin")?;
        browser.wait_for_text("#refused", "LOGIN_BAD_CREDENTIALS").with_context(|| format!("{name} with admin"))?;
        browser.open(page)?;
        browser.wait_for_text("#user", "Not signed in").with_context(|| format!("{name} with admin"))?;
    }
    log_in(ADMINISTRATOR, own)?;
    browser.wait_for_text("#user", &format!("Signed in as {ADMINISTRATOR}"))?;
    browser.forget_cookies()
}

/// As a person does it, from the application's page through the provider's pages and back.
fn sign_in(browser: &Browser, page: &str, person: &User) -> Result<()> {
    browser.open(page)?;
    browser.wait_for_text("#user", "Not signed in")?;
    browser.click("a.sign-in")?;
    browser.fill("[name=username]", &person.name)?;
    browser.fill("[name=password]", &person.password)?;
    browser.click("#sign-in")?;
    browser.click("#accept")?;
    browser.wait_for_text("#user", &format!("Signed in as {}", person.email))?;
    let url = browser.url()?;
    ensure!(url.starts_with(page), "the sign-in ended at {url}");
    Ok(())
}

/// What must be the same whatever happens to the container.
struct Kept<'a> {
    page: String,
    email: &'a str,
    token: String,
}

impl Kept<'_> {
    /// The secret is the same, and the session that the browser has from before is still good.
    fn still_holds(&self, lab: &Lab, stack: &Stack, browser: &Browser) -> Result<()> {
        ensure!(token_secret(lab, stack)? == self.token, "token_secret is another one");
        browser.open(&self.page)?;
        browser.wait_for_text("#user", &format!("Signed in as {}", self.email))
    }
}

/// The secret that signs sessions, as the application reads it, which is as the store has it.
fn token_secret(lab: &Lab, stack: &Stack) -> Result<String> {
    let config: toml::Table = toml::from_str(&fs::read_to_string(config_file(lab))?)?;
    let rendered = config["auth"]["token_secret"].as_str().context("the configuration has no auth.token_secret")?;
    ensure!(rendered == secret(stack, "token_secret")?, "the configuration and the store differ");
    Ok(rendered.to_owned())
}

fn config_file(lab: &Lab) -> std::path::PathBuf {
    lab.dir.join("data/config/config.toml")
}

fn container(lab: &Lab) -> Result<String> {
    let inspected = lab.podman.command().args(["inspect", "--format", "{{.Id}}", "mediamanager"]).output()?;
    ensure!(inspected.status.success(), "there is no container: {}", String::from_utf8_lossy(&inspected.stderr));
    Ok(String::from_utf8_lossy(&inspected.stdout).into_owned())
}

fn a_change_replaces_the_container(lab: &Lab, stack: &mut Stack) -> Result<()> {
    let before = container(lab)?;
    stack.set.push("container.mediamanager.memory=900M".to_owned());
    stack.quietly("apply", &["--yes"], DONE)?;
    ensure!(container(lab)? != before, "the container was not replaced");
    Ok(())
}

fn a_token_secret_changed_by_hand_is_repaired(lab: &Lab, stack: &Stack) -> Result<()> {
    let (file, own) = (config_file(lab), token_secret(lab, stack)?);
    let changed = fs::read_to_string(&file)?.replace(&own, "of-somebody-else");
    // In place, so that owner and mode stay.
    fs::write(&file, changed)?;
    stack.quietly("plan", &["--detailed-exitcode"], PENDING)?;
    stack.quietly("apply", &["--yes"], DONE).map(drop)
}
