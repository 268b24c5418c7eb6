//! docs/performance.md, written from what was measured.

use std::fmt::Write;
use std::time::Duration;

use super::clock::{ROW, RUNS, Times};
use super::many::SIZES;

/// The goals, in milliseconds.
const STACK_GOAL: u64 = 40;
const THOUSAND_GOAL: u64 = 250;
const RATIO_GOAL: f64 = 2.0;

/// What was measured.
pub struct Measured {
    /// The day, YYYY-MM-DD.
    pub date: String,
    /// Processors that the programs could use.
    pub cores: usize,
    /// A no-op plan of examples/mediamanager.toml.
    pub stack: Times,
    /// Terraform's version and its no-op plan, where it is on the machine.
    pub terraform: Option<(String, Times)>,
    /// A no-op plan of each of [`SIZES`].
    pub many: Vec<Times>,
    /// A plan when no plugin has been compiled yet, once.
    pub first: Duration,
}

impl Measured {
    /// The page.
    pub fn page(&self) -> String {
        let mut page = format!(
            "# Performance\n\nMade by `cargo xtask bench` on {date}, on {cores} cores. Do not edit.\n\n\
             Every time is that of a whole process, from its start to its end, of a release build, against the servers \
             of a lab that is up. Those that are compared take turns, the first two and then the sizes, {RUNS} runs \
             each, {ROW} in a turn, so that what else the machine does falls on all alike. The run before each turn does \
             not count: it finds the machine's caches as another program left them. The medians are compared.\n\n\
             | what | command | median | shortest | longest | after another program |\n|---|---|--:|--:|--:|--:|\n",
            date = self.date,
            cores = self.cores,
        );
        row(&mut page, "the whole stack, nothing to do", "stackrun plan examples/mediamanager.toml", &self.stack);
        if let Some((version, times)) = &self.terraform {
            row(&mut page, &format!("{version}, ten `terraform_data`, nothing to do"), "terraform plan", times);
        }
        for (size, times) in SIZES.iter().zip(&self.many) {
            row(&mut page, &format!("{size} secrets and files, nothing to do"), "stackrun plan", times);
        }
        let _ = writeln!(
            page,
            "\nThe very first plan on a machine, which compiles the five plugins to native code: {} (once).\n\n\
             | goal | measured | reached |\n|---|--:|---|",
            millis(self.first)
        );
        for (goal, measured, reached) in self.goals() {
            let _ = writeln!(page, "| {goal} | {measured} | {} |", if reached { "yes" } else { "no" });
        }
        page
    }

    fn goals(&self) -> Vec<(String, String, bool)> {
        let stack = self.stack.median();
        let mut goals = vec![(
            format!("the whole stack within {STACK_GOAL} ms"),
            millis(stack),
            stack <= Duration::from_millis(STACK_GOAL),
        )];
        if let Some((_, times)) = &self.terraform {
            let ratio = times.median().as_secs_f64() / stack.as_secs_f64();
            goals.push((
                format!("at least {RATIO_GOAL} times as fast as Terraform's plan"),
                format!("{ratio:.1} times"),
                ratio >= RATIO_GOAL,
            ));
        }
        if let [small, thousand, large] = self.many.as_slice() {
            let thousand = thousand.median();
            goals.push((
                format!("1,000 instances within {THOUSAND_GOAL} ms"),
                millis(thousand),
                thousand <= Duration::from_millis(THOUSAND_GOAL),
            ));
            let (growth, number) =
                (large.median().as_secs_f64() / small.median().as_secs_f64(), SIZES[2] as f64 / SIZES[0] as f64);
            goals.push((
                format!("{number:.0} times the instances take at most {number:.0} times as long"),
                format!("{growth:.1} times"),
                growth <= number,
            ));
        }
        goals
    }
}

fn row(page: &mut String, what: &str, command: &str, times: &Times) {
    let shown = [times.median(), times.shortest(), times.longest(), times.after_another()].map(millis);
    let _ = writeln!(page, "| {what} | `{command}` | {} |", shown.join(" | "));
}

fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 100.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}
