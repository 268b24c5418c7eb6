//! Destroy gives the machine back as it was; data and secrets go only where they are named.

use anyhow::{Result, ensure};
use stackrun_tests::by_hand::{edit, without_blocks};
use stackrun_tests::lab::{Options, Scratch};
use stackrun_tests::machine::{Machine, roles_and_databases};
use stackrun_tests::stack::{DONE, Stack, domain, text};

/// Whoever may log in as the role without a password has a line in pg_ident.conf; a file for another program has a
/// folder of its own.
const MORE: [(&str, &str); 2] = [
    ("[postgres.mediamanager]", "[postgres.mediamanager]\nident = [{ system_user = \"nobody\" }]"),
    (
        "[secret.mediamanager]",
        "[secret.mediamanager]\nrender = [{ path = \"${host.data}/backup/env\", values = { PASSWORD = \"${secret.admin_password}\" } }]",
    ),
];

#[test]
fn the_machine_is_as_it_was() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?.on_copies(&lab)?;
    edit(&stack.spec, |spec| MORE.iter().fold(spec.to_owned(), |spec, (old, new)| spec.replacen(old, new, 1)))?;
    let (before, data_before) = (Machine::look(&lab)?, roles_and_databases(&lab)?);

    stack.quietly("apply", &["--yes"], DONE)?;
    ensure!(Machine::look(&lab)? != before, "what is compared does not show a stack");
    stack.quietly("destroy", &["--yes"], DONE)?;
    Machine::look(&lab)?.same_as(&before)?;
    ensure!(!lab.dir.join("data/backup").exists(), "a folder is left that held a rendered file alone");
    ensure!(!lab.dir.join("data/config/config.toml").exists(), "the configuration, with its secrets, is left");

    // The role is kept with the database that it owns: a database without its owner could not be used again.
    let mut kept = data_before.clone();
    kept.extend(["database mediamanager".to_owned(), "role mediamanager".to_owned()]);
    kept.sort();
    ensure!(roles_and_databases(&lab)? == kept, "not all data is kept: {:?}", roles_and_databases(&lab)?);
    let destroyed_again = stack.quietly("destroy", &["--yes"], DONE)?;
    ensure!(text(&destroyed_again.stderr).contains("nothing to take away"), "{}", text(&destroyed_again.stderr));

    let postgres = ["--yes", "--delete-data", "postgres.mediamanager"];
    stack.quietly("destroy", &postgres, DONE)?;
    ensure!(roles_and_databases(&lab)? == data_before, "role or database are left: {:?}", roles_and_databases(&lab)?);
    ensure!(lab.dir.join("data/images").is_dir(), "data was deleted that nobody named");
    stack.quietly("destroy", &["--yes", "--delete-data", "container.mediamanager"], DONE)?;
    ensure!(!lab.dir.join("data/images").exists() && !lab.dir.join("data/config").exists(), "folders named are left");
    stack.quietly("destroy", &["--yes", "--delete-data", "secret.mediamanager"], DONE)?;
    Machine::look(&lab)?.same_as(&before)?;
    lab.down()
}

/// Somebody took everything away by hand before.
#[test]
fn what_is_gone_already_is_taken_away() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?.on_copies(&lab)?;
    let data_before = roles_and_databases(&lab)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    lab.podman.run(&["rm", "--force", "--time", "0", "mediamanager"])?;
    lab.postgres.sql("postgres", "drop database mediamanager")?;
    lab.postgres.sql("postgres", "drop role mediamanager")?;
    std::fs::remove_file(lab.caddy.sites.join(format!("{}.caddy", domain(&lab.domain))))?;
    for configuration in [&lab.postgres.hba, &lab.idp.clients_fragment] {
        edit(configuration, without_blocks)?;
    }
    let everything = ["postgres", "container", "secret"].map(|kind| format!("{kind}.mediamanager"));
    let named: Vec<&str> = everything.iter().flat_map(|name| ["--delete-data", name.as_str()]).collect();
    stack.quietly("destroy", &[&["--yes"], named.as_slice()].concat(), DONE)?;
    ensure!(roles_and_databases(&lab)? == data_before, "role or database are left: {:?}", roles_and_databases(&lab)?);
    let again = stack.quietly("destroy", &["--yes"], DONE)?;
    ensure!(text(&again.stderr).contains("nothing to take away"), "{}", text(&again.stderr));
    lab.down()
}
