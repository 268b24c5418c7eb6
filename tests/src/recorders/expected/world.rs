//! What the matcher knows of the world: what is there before a run, and how each file should be by now.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{list, secrets::Secrets};
use crate::{
    lab::Lab,
    recorders::{Effect, Expected, file_effect, files::Files, pattern::HOLE},
};

/// What a reviewer knows beside the plan: the machine, and the host file.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The machine.
    pub lab: &'a Lab,
    /// The address that ports are published on where the plan says none.
    pub publish: &'a str,
    /// The files before the run.
    pub before: &'a Files,
    /// The secrets after it.
    pub secrets: &'a Secrets,
}

/// How things should be by now, and what should have been seen.
pub(super) struct World<'a> {
    /// Everything but files.
    pub(super) found: Vec<Expected>,
    pub(super) around: Around<'a>,
    pub(super) stack: &'a str,
    plan: &'a Value,
    /// How often each file was changed, and what it is; none is gone.
    files: BTreeMap<String, (usize, Option<String>)>,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Value, around: &Around<'a>) -> Self {
        let stack = plan["stack"].as_str().unwrap_or_default();
        Self { found: Vec::new(), around: *around, stack, plan, files: BTreeMap::new() }
    }

    pub(super) fn once(&mut self, effect: Effect) {
        self.found.push(Expected::once(effect));
    }

    /// What is at a path by now.
    pub(super) fn file(&self, path: &str) -> Option<String> {
        match self.files.get(path) {
            Some((_, now)) => now.clone(),
            None => self.around.before.says(path).map(str::to_owned),
        }
    }

    /// Everything below a folder that was there before, and still is.
    pub(super) fn below(&self, folder: &str) -> Vec<String> {
        self.around.before.below(folder).filter(|path| self.file(path).is_some()).map(str::to_owned).collect()
    }

    /// One change of a file.
    pub(super) fn change(&mut self, path: &str, now: Option<String>) {
        let (changes, _) = self.files.remove(path).unwrap_or_default();
        self.files.insert(path.to_owned(), (changes + 1, now));
    }

    /// The file of a secret in the store: what is in it is encrypted.
    pub(super) fn secret(&self, made: &Value, previous: bool) -> Result<String> {
        let name = |at: usize| made[at].as_str().context("a secret without a name");
        let file = format!("{}.age{}", name(1)?, if previous { ".prev" } else { "" });
        Ok(self.around.lab.dir.join("store").join(self.stack).join(name(0)?).join(file).display().to_string())
    }

    /// What a verb does, by any place of the plan that shows it: it is shown alike everywhere.
    pub(super) fn shown_verb(&self, step: &Value) -> Option<&'a Value> {
        list(self.plan, "/instances").iter().find_map(|instance| {
            list(instance, "/planned/actions").iter().enumerate().find_map(|(index, action)| {
                let at = list(action, "/settle").iter().position(|other| other == step)?;
                instance.pointer(&format!("/previews/{index}/settle/{at}"))
            })
        })
    }

    pub(super) fn finish(mut self) -> Result<Vec<Expected>> {
        for (path, (changes, now)) in &self.files {
            self.found.push(Expected::once(Effect::File(file_effect(path, *changes, now.as_deref()))));
        }
        self.found.extend(read_back(self.plan));
        Ok(self.found)
    }
}

/// The look that carries a secret: a registration is read with the token that this provider gave for it. It stands in the
/// plan's list of where each secret goes: `look GET /reg/ID of connection NAME`.
fn read_back(plan: &Value) -> Vec<Expected> {
    let uses = plan["secrets"].as_array().into_iter().flatten();
    let places = uses.flat_map(|of| of["places"].as_array().into_iter().flatten()).filter_map(Value::as_str);
    let look = |place: &str| {
        let (path, _) = place.strip_prefix("look GET ")?.split_once(" of connection ")?;
        let request = format!("provider: GET {path}\nauthorization: Bearer {HOLE}");
        Some(Expected { effect: Effect::Http(request), at_least: 0, at_most: None })
    };
    places.filter_map(look).collect()
}

/// The number of a user or group, by its name or as it stands.
pub fn number(table: &str, name: &str) -> Result<String> {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(name.to_owned());
    }
    let text = fs::read_to_string(table).with_context(|| format!("can't read {table}"))?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name));
    line.and_then(|line| line.split(':').nth(2)).map(str::to_owned).with_context(|| format!("no {name} in {table}"))
}
