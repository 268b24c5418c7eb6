//! A plan as a person reads it: one tree of the stack; for each action the reason, what differs, the exact steps; then
//! where each secret goes, and one line that counts.

use std::fmt::Write;

use super::style::{Meaning, styled};
use crate::{
    capability::{Preview, Sign, Step},
    draft::{Action, Change, Difference, Revert},
    plan::{InstancePlan, Plan, Removal, StepPreviews},
    words::{printable, text},
};

/// The whole plan. Ends with the count line; the command that applies it is the caller's to add.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let shared = shared_settles(plan);
    for warning in &plan.warnings {
        let _ = writeln!(out, "{} {}\n", styled(Meaning::Warning, "!"), printable(warning));
    }
    of_plugins(&mut out, plan);
    for instance in &plan.instances {
        of_instance(&mut out, instance, &shared);
    }
    if !plan.removals.is_empty() {
        let _ = writeln!(out, "{}", styled(Meaning::Heading, "no longer wanted"));
        for removal in &plan.removals {
            of_removal(&mut out, removal);
        }
        out.push('\n');
    }
    of_kept(&mut out, plan);
    of_probes(&mut out, plan);
    of_secrets(&mut out, plan);
    let _ = writeln!(out, "{}", count_line(plan));
    out
}

/// `Plan: 12 to create, 1 to replace.`
pub fn count_line(plan: &Plan) -> String {
    let counts = plan.counts();
    let by_hand = plan.by_hand();
    let counted: Vec<String> = counts.iter().map(|(word, count)| format!("{count} to {word}")).collect();
    match (counted.is_empty(), by_hand) {
        (true, 0) => "Plan: nothing to do; everything is as the spec says.".to_owned(),
        (true, _) => format!("Plan: nothing for apply to do, {by_hand} to be done by hand."),
        (false, 0) => format!("Plan: {}.", counted.join(", ")),
        (false, _) => format!("Plan: {}. {by_hand} to be done by hand.", counted.join(", ")),
    }
}

/// How the moves of an action take effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Alone,
    /// Once for all actions that nothing has to come between.
    WithOthers,
    ByHand,
}

impl Settled {
    fn lead(self) -> &'static str {
        match self {
            Settled::Alone => "      then ",
            Settled::WithOthers => "      then, with others that need it: ",
            Settled::ByHand => "      then, by hand: ",
        }
    }
}

/// Settles that several actions need.
fn shared_settles(plan: &Plan) -> Vec<&[Step]> {
    let (mut seen, mut shared): (Vec<&[Step]>, Vec<&[Step]>) = Default::default();
    for (_, action) in plan.actions().filter(|(_, action)| !action.settle.is_empty()) {
        let settle = action.settle.as_slice();
        let into = if seen.contains(&settle) { &mut shared } else { &mut seen };
        if !into.contains(&settle) {
            into.push(settle);
        }
    }
    shared
}

fn of_plugins(out: &mut String, plan: &Plan) {
    for change in &plan.plugin_changes {
        let heading = format!("plugin `{}` is not the one of the last run", printable(&change.plugin));
        let _ = writeln!(out, "{} {heading}", styled(Meaning::Warning, "!"));
        for line in change.differences() {
            let _ = writeln!(out, "    {}", styled(Meaning::Quiet, printable(&line)));
        }
        out.push('\n');
    }
}

fn of_instance(out: &mut String, instance: &InstancePlan, shared: &[&[Step]]) {
    let warnings = &instance.planned.diagnostics;
    if instance.planned.actions.is_empty() && warnings.is_empty() {
        let owned = instance.planned.owns.len();
        let things = if owned == 1 { "thing" } else { "things" };
        let note = styled(Meaning::Quiet, format!("as it should be ({owned} {things})"));
        let _ = writeln!(out, "{}  {note}\n", styled(Meaning::Heading, &instance.address));
        return;
    }
    let _ = writeln!(out, "{}", styled(Meaning::Heading, &instance.address));
    for diagnostic in warnings {
        let _ = writeln!(out, "  {} {}", styled(Meaning::Warning, "!"), printable(&diagnostic.message));
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(out, "    {}", styled(Meaning::Quiet, printable(help)));
        }
    }
    for (index, action) in instance.planned.actions.iter().enumerate() {
        let previews = instance.previews.get(index);
        let settled = match (instance.by_hand.contains(&index), shared.contains(&action.settle.as_slice())) {
            (true, _) => Settled::ByHand,
            (false, true) => Settled::WithOthers,
            (false, false) => Settled::Alone,
        };
        of_action(out, instance, action, previews, settled);
    }
    out.push('\n');
}

fn of_action(
    out: &mut String,
    instance: &InstancePlan,
    action: &Action,
    previews: Option<&StepPreviews>,
    settled: Settled,
) {
    let name = printable(&instance.named(&action.thing));
    let (sign, meaning) = sign(action.change);
    let reason = printable(&action.reason);
    let hand = if settled == Settled::ByHand { ", by hand: another program writes this file;" } else { "" };
    let _ = writeln!(out, "  {}{hand}  {}", styled(meaning, format!("{sign} {name}")), styled(Meaning::Quiet, reason));
    for difference in &action.differences {
        of_difference(out, difference);
    }
    let Some(previews) = previews else { return };
    for (index, (preview, one)) in previews.moves.iter().zip(&action.moves).enumerate() {
        of_step(out, "      ", preview);
        of_reverts(out, previews.reverts.get(index));
        if let Revert::None(why) = &one.revert {
            let _ = writeln!(
                out,
                "        {}",
                styled(Meaning::Warning, format!("can't be taken back: {}", printable(why)))
            );
        }
    }
    for preview in &previews.settle {
        of_step(out, settled.lead(), preview);
    }
    for proof in &action.proof {
        let _ = writeln!(out, "      {}", styled(Meaning::Quiet, format!("proof: {}", printable(&proof.says))));
    }
}

fn sign(change: Change) -> (&'static str, Meaning) {
    match change {
        Change::Create => ("+", Meaning::Create),
        Change::Adopt => ("=", Meaning::Create),
        Change::Update => ("~", Meaning::Update),
        Change::Replace => ("±", Meaning::Update),
        Change::Remove => ("-", Meaning::Remove),
    }
}

fn of_difference(out: &mut String, difference: &Difference) {
    let what = printable(&difference.what);
    let after = difference.after.as_ref().map(text);
    let _ = match (&difference.before, after) {
        (Some(before), Some(after)) => writeln!(out, "      {what}: {} -> {after}", printable(before)),
        (Some(before), None) => writeln!(out, "      {what}: {} -> nothing", printable(before)),
        (None, Some(after)) => writeln!(out, "      {what}: {after}"),
        (None, None) => writeln!(out, "      {what} differs"),
    };
}

fn of_step(out: &mut String, lead: &str, preview: &Preview) {
    let _ = writeln!(out, "{lead}{}", printable(&preview.headline));
    let indent = " ".repeat(lead.len() + 2);
    for line in &preview.lines {
        let text = printable(&line.text);
        let _ = match line.sign {
            Sign::Same => writeln!(out, "{indent}  {text}"),
            Sign::Added => writeln!(out, "{indent}{}", styled(Meaning::Create, format!("+ {text}"))),
            Sign::Removed => writeln!(out, "{indent}{}", styled(Meaning::Remove, format!("- {text}"))),
        };
    }
}

/// The steps by which one is taken back, folded to a line.
fn of_reverts(out: &mut String, reverts: Option<&Vec<Preview>>) {
    let Some(reverts) = reverts.filter(|reverts| !reverts.is_empty()) else { return };
    let headlines: Vec<String> = reverts.iter().map(|revert| printable(&revert.headline)).collect();
    let line = format!("if the action fails: {}", headlines.join("; "));
    let _ = writeln!(out, "        {}", styled(Meaning::Quiet, line));
}

fn of_removal(out: &mut String, removal: &Removal) {
    let name = printable(&removal.owned.thing.to_string());
    let reason = styled(Meaning::Quiet, printable(&removal.reason));
    let _ = writeln!(out, "  {}  {reason}", styled(Meaning::Remove, format!("- {name}")));
    for (index, preview) in removal.previews.moves.iter().enumerate() {
        of_step(out, "      ", preview);
        of_reverts(out, removal.previews.reverts.get(index));
    }
    for preview in &removal.previews.settle {
        of_step(out, "      then ", preview);
    }
}

fn of_kept(out: &mut String, plan: &Plan) {
    if plan.kept.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", styled(Meaning::Heading, "data that stays although the spec no longer wants it"));
    for kept in &plan.kept {
        let _ = writeln!(out, "  {} ({})", printable(&kept.what), kept.address);
    }
    out.push('\n');
}

fn of_probes(out: &mut String, plan: &Plan) {
    if plan.probes.is_empty() {
        return;
    }
    let heading = "probes: should change nothing, but send something; sent by apply and by verify --probes";
    let _ = writeln!(out, "{}", styled(Meaning::Heading, heading));
    for probe in &plan.probes {
        let _ = writeln!(out, "  {}: {}", probe.address, printable(&probe.says));
        of_step(out, "      ", &probe.request);
    }
    out.push('\n');
}

fn of_secrets(out: &mut String, plan: &Plan) {
    if plan.secrets.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", styled(Meaning::Heading, "where each secret goes"));
    for secret in &plan.secrets {
        let fresh = if secret.fingerprint.is_none() { " (made by this plan)" } else { "" };
        let places: Vec<String> = secret.places.iter().map(|place| printable(place)).collect();
        let _ = writeln!(out, "  {}{fresh}: {}", printable(&secret.name), places.join("; "));
    }
    out.push('\n');
}
