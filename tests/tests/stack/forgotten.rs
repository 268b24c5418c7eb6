//! What is forgotten stays in the world, and is nobody's to take away.

use anyhow::{Result, ensure};
use stackrun_tests::lab::{Options, Scratch};
use stackrun_tests::stack::{DONE, ERROR, Stack, domain, text};

#[test]
fn what_is_forgotten_stays_when_the_stack_goes() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    let site = lab.caddy.sites.join(format!("{}.caddy", domain(&lab.domain)));

    for (wrong, says) in [
        (&["gateway.mediamanger", "--yes"][..], "did you mean `gateway.mediamanager`?"),
        (&["gateway.mediamanager", "sites", "--yes"], "did you mean `site`?"),
        (&["gateway.mediamanager"], "--yes"),
    ] {
        let said = text(&stack.quietly("forget", wrong, ERROR)?.stderr);
        ensure!(said.contains(says), "forget {wrong:?} does not say {says}: {said}");
    }
    stack.nothing_to_do()?;

    let said = text(&stack.quietly("forget", &["gateway.mediamanager", "site", "--yes"], DONE)?.stderr);
    ensure!(said.contains("stays as it is") && said.contains("the next plan meets these things"), "{said}");
    stack.quietly("destroy", &["--yes"], DONE)?;
    ensure!(site.is_file(), "destroy took a site that was forgotten");
    lab.down()
}
