//! Runs of stackrun, held against what was to be expected of them.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stackrun_tests::{
    by_hand,
    lab::Lab,
    recorders::{
        Effect, Expected, Recorded, Run,
        effect::difference,
        expected::{self, Around},
    },
    stack::{DONE, Stack},
};

use super::altered;

/// A recorded stack on its lab.
#[derive(Clone, Copy)]
pub struct Held<'a> {
    /// The stack.
    pub recorded: &'a Recorded,
    /// Its machine.
    pub lab: &'a Lab,
}

impl Held<'_> {
    /// A plan as a reviewer gets it, which has no effect; its file stays for [`Held::saved`].
    pub fn planned(&self) -> Result<Value> {
        let file = self.lab.dir.join("data/recorders/plan.json");
        let name = file.display().to_string();
        let run = self.recorded.run(|stack| stack.quietly("plan", &["-o", &name], DONE))?;
        let plan = serde_json::from_slice(&fs::read(&file)?).context("the plan is no JSON")?;
        same("plan", &run.effects, &expected::of_looks(&plan, &self.around(&run))?)?;
        Ok(plan)
    }

    /// The plan that was made last, to be applied as it is.
    pub fn saved(&self) -> Stack {
        let stack = &self.recorded.stack;
        Stack { spec: self.lab.dir.join("data/recorders/plan.json"), set: Vec::new(), ..stack.clone() }
    }

    /// Plans, applies exactly that plan, and holds what was seen against what the plan says. Answers with the plan, and
    /// with how many effects were expected.
    pub fn carried_out_as_planned(&self) -> Result<(Value, usize)> {
        let plan = self.planned()?;
        let run = self.recorded.run(|_| self.saved().quietly("apply", &[], DONE))?;
        let expected = expected::of_apply(&plan, &self.around(&run))?;
        same("apply", &run.effects, &expected)?;
        if plan.to_string().contains("create_role") {
            altered::every_word_matters(&plan, &run.effects, &self.around(&run))?;
        }
        Ok((plan, expected.len()))
    }

    /// `plan`, `status` and `verify`, in all their forms. Logins are looks, and those of the checks; probes are sent where
    /// they are asked for.
    pub fn looking_has_no_effect(&self) -> Result<()> {
        let plan = self.planned()?;
        for (command, more) in [
            ("plan", &[][..]),
            ("plan", &["--json"]),
            ("plan", &["--detailed-exitcode"]),
            ("status", &[]),
            ("status", &["--json"]),
            ("verify", &[]),
            ("verify", &["--probes"]),
        ] {
            let run = self.recorded.run(|stack| stack.quietly(command, more, DONE))?;
            let expected = match command {
                "verify" => expected::of_checks(&plan, more.contains(&"--probes"), &self.around(&run))?,
                _ => expected::of_looks(&plan, &self.around(&run))?,
            };
            same(&format!("{command} {more:?}"), &run.effects, &expected)?;
        }
        Ok(())
    }

    /// An apply with nothing to do asks all checks, probes included.
    pub fn nothing_to_do_sends_probes_alone(&self) -> Result<()> {
        let plan = self.planned()?;
        let run = self.recorded.run(|stack| stack.quietly("apply", &["--yes"], DONE))?;
        let expected = expected::of_checks(&plan, true, &self.around(&run))?;
        ensure!(expected.iter().any(|one| matches!(one.effect, Effect::Http(_))), "the plan has no probe");
        same("an apply with nothing to do", &run.effects, &expected)
    }

    /// A secret made anew: its file, and the one beside it that keeps the one before.
    pub fn rotated(&self, name: &str) -> Result<()> {
        let secret = format!("secret.mediamanager.{name}");
        let run = self.recorded.run(|stack| stack.quietly("secret rotate", &[&secret], DONE))?;
        let file = self.lab.dir.join("store/mediamanager/secret.mediamanager").join(format!("{name}.age"));
        let expected = expected::rotated(&file, &self.around(&run))?;
        same("secret rotate", &run.effects, &expected)
    }

    /// Everything taken away, with the data of some instances.
    pub fn destroyed(&self, plan: &Value, data: &[&str]) -> Result<()> {
        let mut more = vec!["--yes"];
        data.iter().for_each(|address| more.extend(["--delete-data", address]));
        let run = self.recorded.run(|stack| stack.quietly("destroy", &more, DONE))?;
        same("destroy", &run.effects, &expected::of_destroy(plan, data, &self.around(&run))?)
    }

    /// Changes the spec.
    pub fn change_spec(&self, from: &str, to: &str) -> Result<()> {
        by_hand::edit(&self.recorded.stack.spec, |text| text.replacen(from, to, 1))
    }

    /// What the matcher has to know of the machine.
    pub fn around<'a, T>(&'a self, run: &'a Run<T>) -> Around<'a> {
        let Run { before, secrets, .. } = run;
        Around { lab: self.lab, publish: &self.recorded.publish, before, secrets }
    }
}

/// Fails with what one side has more than the other.
pub fn same(what: &str, seen: &[Effect], expected: &[Expected]) -> Result<()> {
    let (more, less) = difference(seen, expected);
    ensure!(more.is_empty() && less.is_empty(), "{what} did what is not held: {more:#?}\nand not what is: {less:#?}");
    Ok(())
}
