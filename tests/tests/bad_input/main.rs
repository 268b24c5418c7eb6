//! What a person may have got wrong, or a machine may have against them: each time a clear message, the exit code of
//! its class, and nothing changed. Specs, host files and plugins that are wrong by themselves are tested without servers,
//! in `host/tests/bad_spec.rs`.

mod machine;
mod names;
mod servers;
mod state;
mod taken;
mod unwritable;

use anyhow::{Context, Result};
use machine::Machine;
use stackrun_tests::lab::{Options, Scratch};

const DONE: i32 = 0;
const ERROR: i32 = 1;
const INVALID: i32 = 3;
const LOCKED: i32 = 5;

#[test]
fn bad_input_is_told_and_changes_nothing() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let machine = Machine::new(&lab)?;
    let before = machine.look()?;
    let unchanged = |what: &str| machine.look()?.same_as(&before).with_context(|| format!("after: {what}"));
    servers::that_do_not_answer(&machine)?;
    unchanged("servers that do not answer")?;
    servers::that_refuse_the_password(&machine)?;
    unchanged("a wrong password")?;
    taken::by_others(&machine)?;
    taken::by_each_other(&machine)?;
    unchanged("what is taken by others")?;
    unwritable::places(&machine)?;
    unchanged("places that can't be written")?;
    state::files(&machine)?;
    state::locked_by_another_run(&machine)?;
    unchanged("bad state")?;
    names::that_are_hard_to_carry(&machine)?;
    taken::by_another_stack(&machine)?;
    unchanged("stacks of their own, taken away again")?;
    lab.down()
}
