//! What a run says while it works.

use std::{sync::Mutex, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    print_line,
    style::{Meaning, styled},
    tell_line,
};
use crate::{
    apply::{Event, Reporter},
    words::printable,
};

/// For a person: a line for each thing done, a spinner while it waits. Writes to standard error.
pub struct Human {
    spinner: ProgressBar,
}

impl Human {
    /// The spinner shows only on a terminal.
    pub fn new() -> Self {
        let spinner = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(Duration::from_millis(120));
        Self { spinner }
    }

    fn line(&self, line: String) {
        self.spinner.suspend(|| tell_line(line));
    }

    fn wait(&self, text: &str) {
        self.spinner.set_message(printable(text));
        self.spinner.reset_elapsed();
    }
}

impl Default for Human {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Human {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}

impl Reporter for Human {
    fn report(&self, event: Event) {
        match event {
            Event::ActionBegan { instance, thing, .. } => self.wait(&format!("{instance} {thing}")),
            Event::StepBegan { instance, headline } => self.wait(&format!("{instance}: {headline}")),
            Event::CheckBegan { says, .. } => self.wait(&says),
            Event::ActionDone { instance, thing, change, milliseconds } => {
                let word = styled(Meaning::Create, change.past());
                self.line(format!("  {word} {instance} {} {}", printable(&thing), time(milliseconds)));
            }
            Event::ActionFailed { instance, thing, because } => {
                self.line(format!("  {} {instance} {}", styled(Meaning::Remove, "failed"), printable(&thing)));
                because.lines().for_each(|line| self.line(format!("      {}", printable(line))));
            }
            Event::Reverted { instance, thing, complete } => {
                let word = if complete { "taken back" } else { "taken back in part" };
                self.line(format!("  {} {instance} {}", styled(Meaning::Update, word), printable(&thing)));
            }
            Event::Recovering { what } => {
                self.line(format!("  {} {}", styled(Meaning::Update, "recovering"), printable(&what)))
            }
            Event::CheckDone { says, held: true, milliseconds, .. } => {
                self.line(format!(
                    "  {} {} {}",
                    styled(Meaning::Create, "holds"),
                    printable(&says),
                    time(milliseconds)
                ));
            }
            Event::CheckDone { says, because, .. } => {
                self.line(format!("  {} {}", styled(Meaning::Remove, "does not hold"), printable(&says)));
                because
                    .iter()
                    .flat_map(|because| because.lines())
                    .for_each(|line| self.line(format!("      {}", printable(line))));
            }
            Event::Note { message } => self.line(format!("  {}", printable(&message))),
        }
    }
}

fn time(milliseconds: u128) -> String {
    let shown = if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{:.1} s", milliseconds as f64 / 1000.0)
    };
    styled(Meaning::Quiet, shown)
}

/// For programs: one JSON object a line, on standard output.
#[derive(Debug, Default)]
pub struct JsonLines {
    // One line at a time, whichever check reports it.
    out: Mutex<()>,
}

impl Reporter for JsonLines {
    fn report(&self, event: Event) {
        let _guard = self.out.lock();
        if let Ok(line) = serde_json::to_string(&event) {
            print_line(line);
        }
    }
}

/// The one or the other.
pub fn reporter(json: bool) -> Box<dyn Reporter> {
    if json { Box::new(JsonLines::default()) } else { Box::new(Human::new()) }
}
