//! What the steps on files and folders leave behind.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    document, patch,
    step::Shown,
    world::{World, number},
};
use crate::recorders::{
    files::{file_says, folder_says},
    pattern::{ANYTHING, HOLE},
};

/// Changes a file's text; who owns it and who may read it stays.
pub fn edit(path: &str, world: &mut World<'_>, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let before = world.file(path).with_context(|| format!("{path} is not there to be edited"))?;
    let (about, text) = before.split_once('\n').with_context(|| format!("{path} is no file"))?;
    let after = format!("{about}\n{}", change(text).with_context(|| path.to_owned())?);
    world.change(path, Some(after));
    Ok(())
}

/// A whole file, or the instance's own lines in one.
pub fn write(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let (path, secrets) = (step.need("/path")?, world.around.secrets);
    if let Some(block) = step.of.pointer("/region/block") {
        ensure!(block["position"] == "last", "the matcher knows no block that goes first: say here where that is");
        let (open, close) = step.markers(block["comment"].as_str().unwrap_or_default(), world);
        edit(path, world, |text| patch::block_patched(text, &open, &close, step.lines()?, secrets))?;
        let after = world.file(path).unwrap_or_default();
        return document::is_shown(
            &step.of["content"],
            patch::block(&after, &open, &close).unwrap_or_default(),
            secrets,
        );
    }
    let before = world.file(path);
    let (about, text) = before.as_deref().and_then(|before| before.split_once('\n')).unwrap_or(("file 0 0:0", ""));
    let owner = match (step.of["ignore_owner"] == true, step.of["owner"].as_object()) {
        (true, _) => HOLE.to_string(),
        (false, Some(owner)) => {
            let word = |key: &str| owner.get(key).and_then(Value::as_str).context("an owner without a name");
            format!("{}:{}", number("/etc/passwd", word("user")?)?, number("/etc/group", word("group")?)?)
        }
        (false, None) => about.rsplit(' ').next().unwrap_or_default().to_owned(),
    };
    let content = patch::patched(text, step.lines()?, secrets).with_context(|| path.to_owned())?;
    document::is_shown(&step.of["content"], &content, secrets).with_context(|| path.to_owned())?;
    world.change(path, Some(file_says(mode(step)?, &owner, &content)));
    Ok(())
}

/// A folder.
pub fn make_folder(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let owner = |key: &str, table: &str| number(table, step.of[key].as_str().unwrap_or("0"));
    let says =
        folder_says(mode(step)?, &format!("{}:{}", owner("owner", "/etc/passwd")?, owner("group", "/etc/group")?));
    // The folders above it that are missing, each in a line.
    for above in step.lines()? {
        ensure!(above["sign"] == "added", "a folder that is made is shown as {above}");
        let above = above["text"].as_str().context("a line without words")?;
        ensure!(step.need("/path")?.starts_with(&format!("{above}/")), "{above} is not above {}", step.of);
        if world.file(above).is_none() {
            world.change(above, Some(says.clone()));
        }
    }
    world.change(step.need("/path")?, Some(says));
    Ok(())
}

fn mode(step: &Shown<'_>) -> Result<u32> {
    let mode = step.of["mode"].as_u64().with_context(|| format!("{} says no mode", step.kind))?;
    Ok(u32::try_from(mode)?)
}

/// What a secret's file is, as far as anybody can tell. The plan does not show its mode: nobody but root reads it.
pub fn encrypted() -> String {
    file_says(0o600, "0:0", &ANYTHING.to_string())
}
