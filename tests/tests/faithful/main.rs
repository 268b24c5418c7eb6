//! What stackrun is seen to do is what its plan holds; and whatever only looks has no effect that is seen. Measured on real
//! servers, by recorders that know nothing of stackrun; what they can't see stands in docs/security.md.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::recorders::{Effect, Recorded, effect::difference, expected};
use stackrun_tests::stack::{DONE, Stack};

#[test]
fn an_apply_has_the_effects_of_its_plan_and_looking_has_none() -> Result<()> {
    let lab = Scratch::up(&Options { log_statements: true, ..Options::default() })?;
    let recorded = Recorded::of(&Stack::in_test(&lab)?, &lab)?;

    // From nothing, by a plan that was reviewed as JSON.
    let plan = carried_out_as_planned(&recorded, &lab)?;
    ensure!(expected_of(&plan, &lab)?.len() > 12, "the plan holds next to nothing");
    looking_has_no_effect(&recorded)?;
    let (_, effects) = recorded.effects(|stack| stack.quietly("apply", &["--yes"], DONE))?;
    ensure!(effects.is_empty(), "an apply with nothing to do did {effects:#?}");

    // A container is replaced, with everything that this takes.
    change_spec(&recorded.stack, "listen_port = 8000", "memory = \"700M\"\nlisten_port = 8000")?;
    let plan = carried_out_as_planned(&recorded, &lab)?;
    ensure!(plan.to_string().contains("container_rename"), "nothing was replaced");
    looking_has_no_effect(&recorded)?;

    a_planted_effect_is_found(&recorded, &lab)?;
    recorded.stack.quietly("destroy", &["--yes"], DONE)?;
    lab.down()
}

/// `plan`, `status` and `verify`, in all their forms.
fn looking_has_no_effect(recorded: &Recorded) -> Result<()> {
    for (command, more) in [
        ("plan", &[][..]),
        ("plan", &["--json"]),
        ("plan", &["--detailed-exitcode"]),
        ("status", &[]),
        ("status", &["--json"]),
        ("verify", &[]),
        ("verify", &["--probes"]),
    ] {
        let (_, effects) = recorded.effects(|stack| stack.quietly(command, more, DONE))?;
        ensure!(effects.is_empty(), "{command} {more:?} did {effects:#?}");
    }
    Ok(())
}

/// Plans, applies exactly that plan, and holds what was seen against what the plan says.
fn carried_out_as_planned(recorded: &Recorded, lab: &Lab) -> Result<Value> {
    let file = lab.dir.join("data/recorders/plan.json");
    let name = file.display().to_string();
    let (_, effects) = recorded.effects(|stack| stack.quietly("plan", &["-o", &name], DONE))?;
    ensure!(effects.is_empty(), "plan did {effects:#?}");
    let plan: Value = serde_json::from_slice(&fs::read(&file)?).context("the plan is no JSON")?;

    let saved = Stack { spec: file.clone(), set: Vec::new(), ..recorded.stack.clone() };
    let (_, seen) = recorded.effects(|_| saved.quietly("apply", &[], DONE))?;
    fs::remove_file(&file)?;
    let (more, less) = difference(&seen, &expected_of(&plan, lab)?);
    ensure!(more.is_empty(), "apply did what the plan does not hold: {more:#?}");
    ensure!(less.is_empty(), "the plan holds what apply did not do: {less:#?}");
    Ok(plan)
}

fn expected_of(plan: &Value, lab: &Lab) -> Result<Vec<Effect>> {
    expected::effects(plan, &lab.dir.join("store/mediamanager"), &lab.postgres.hba)
}

/// A file and a statement that no plan holds, done by the test itself while a command of stackrun runs.
fn a_planted_effect_is_found(recorded: &Recorded, lab: &Lab) -> Result<()> {
    let planted = lab.dir.join("caddy/sites/planted.caddy");
    let (_, effects) = recorded.effects(|stack| {
        stack.quietly("status", &[], DONE)?;
        fs::write(&planted, "# not in any plan\n")?;
        lab.postgres.sql("postgres", "COMMENT ON ROLE mediamanager IS 'planted'")
    })?;
    let found = [Effect::File(planted.display().to_string()), Effect::sql("COMMENT ON ROLE mediamanager IS 'planted'")];
    ensure!(difference(&effects, &found) == (vec![], vec![]), "planted and not found, or more: {effects:#?}");
    fs::remove_file(&planted)?;
    Ok(())
}

fn change_spec(stack: &Stack, from: &str, to: &str) -> Result<()> {
    let text = fs::read_to_string(&stack.spec)?;
    ensure!(text.contains(from), "the spec has no {from}");
    fs::write(&stack.spec, text.replacen(from, to, 1))?;
    Ok(())
}
