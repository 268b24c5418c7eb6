//! Two applications side by side, the second by a contract and a spec alone; one of them goes, the other serves on.

use std::fs;

use anyhow::{Context, Result, ensure};
use stackrun_tests::by_hand::block_of;
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::stack::{DONE, Stack, domain};

#[test]
fn a_second_application_needs_a_contract_alone_and_outlives_the_first() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let (media, kinto) = (Stack::in_test(&lab)?, Stack::kinto_in_test(&lab)?);
    media.quietly("apply", &["--yes"], DONE)?;
    let media_before = Footprint::look(&lab, "mediamanager")?;
    kinto.quietly("apply", &["--yes"], DONE)?;
    ensure!(Footprint::look(&lab, "mediamanager")? == media_before, "the second stack touched the first");
    for stack in [&media, &kinto] {
        stack.nothing_to_do()?;
        stack.quietly("verify", &[], DONE)?;
    }
    it_is_kinto(&lab)?;

    let kinto_before = Footprint::look(&lab, "kinto")?;
    media.quietly("destroy", &["--yes"], DONE)?;
    ensure!(Footprint::look(&lab, "kinto")? == kinto_before, "destroy touched the other stack");
    ensure!(lab.caddy.get(&domain(&lab.domain), "/").is_err(), "the destroyed stack still answers");
    kinto.nothing_to_do()?;
    kinto.quietly("verify", &[], DONE)?;
    it_is_kinto(&lab)?;

    media.quietly("apply", &["--yes"], DONE)?;
    ensure!(Footprint::look(&lab, "kinto")? == kinto_before, "the first stack's return touched the other");
    let media_before = Footprint::look(&lab, "mediamanager")?;
    kinto.quietly("destroy", &["--yes", "--delete-data", "postgres.kinto"], DONE)?;
    ensure!(Footprint::look(&lab, "mediamanager")? == media_before, "destroy touched the other stack");
    media.nothing_to_do()?;
    media.quietly("verify", &[], DONE)?;
    lab.down()
}

/// It answers as Kinto, under its public address, with its tables in its database.
fn it_is_kinto(lab: &Lab) -> Result<()> {
    let hello = lab.caddy.get(&format!("kinto.{}", lab.domain), "/v1/")?;
    ensure!(hello.contains("\"project_name\":\"kinto\""), "this is no Kinto: {hello}");
    ensure!(hello.contains(&format!("https://kinto.{}", lab.domain)), "it does not know its address: {hello}");
    let tables = lab.postgres.sql("kinto", "select count(*) from pg_tables where tableowner = 'kinto'")?;
    ensure!(tables.parse::<u32>().context("a count")? > 0, "there are no tables of Kinto's");
    Ok(())
}

/// All that one stack has outside of its data.
#[derive(Debug, PartialEq, Eq)]
struct Footprint {
    rules: String,
    site: String,
    site_written: std::time::SystemTime,
    container: String,
    client: String,
}

impl Footprint {
    fn look(lab: &Lab, stack: &str) -> Result<Self> {
        let site = lab.caddy.sites.join(format!("{stack}.{}.caddy", lab.domain));
        let shown = "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}";
        let footprint = Self {
            rules: block_of(&fs::read_to_string(&lab.postgres.hba)?, stack, &format!("postgres.{stack}")),
            site_written: fs::metadata(&site)?.modified()?,
            site: fs::read_to_string(site)?,
            container: lab.podman.run(&["inspect", "--format", shown, stack])?,
            client: block_of(&fs::read_to_string(&lab.idp.clients_fragment)?, stack, &format!("oidc.{stack}")),
        };
        ensure!(footprint.rules.contains(stack), "{stack} has no rules: {footprint:?}");
        Ok(footprint)
    }
}
