//! Timing programs side by side: some runs of each in turn, so that what else the machine does falls on all alike, and
//! each finds the machine warm.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs of each case; the middle one of them counts.
pub const RUNS: usize = ROWS * ROW;
/// How often each case has its turn.
const ROWS: usize = 5;
/// Runs in a turn.
pub const ROW: usize = 11;

/// Something to time.
pub struct Case {
    /// What it is, for a table.
    pub name: String,
    /// Makes the command of one run.
    pub command: Box<dyn Fn() -> Command>,
}

/// How long the runs of one case took.
pub struct Times {
    /// Those that count, sorted.
    runs: Vec<Duration>,
    /// The one before each turn, sorted.
    first: Vec<Duration>,
}

impl Times {
    /// The middle one.
    pub fn median(&self) -> Duration {
        at(&self.runs, self.runs.len() / 2)
    }

    /// The shortest.
    pub fn shortest(&self) -> Duration {
        at(&self.runs, 0)
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        at(&self.runs, self.runs.len().saturating_sub(1))
    }

    /// The middle one of those that were run right after another case.
    pub fn after_another(&self) -> Duration {
        at(&self.first, self.first.len() / 2)
    }
}

fn at(times: &[Duration], index: usize) -> Duration {
    times.get(index).copied().unwrap_or_default()
}

/// Runs all cases [`RUNS`] times, in turns of [`ROW`] runs. A run before each turn doesn't count: it finds caches as the
/// case before left them. Every run must end with 0.
pub fn interleaved(cases: &[Case]) -> Result<Vec<Times>> {
    let mut times: Vec<Times> = cases.iter().map(|_| Times { runs: Vec::new(), first: Vec::new() }).collect();
    for _ in 0..ROWS {
        for (case, times) in cases.iter().zip(&mut times) {
            times.first.push(once(case)?);
            for _ in 0..ROW {
                times.runs.push(once(case)?);
            }
        }
    }
    for times in &mut times {
        times.runs.sort();
        times.first.sort();
    }
    Ok(times)
}

fn once(case: &Case) -> Result<Duration> {
    let mut command = (case.command)();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let output = command.output().with_context(|| format!("cannot start {}", case.name))?;
    let took = began.elapsed();
    if !output.status.success() {
        bail!(
            "{}: {}\n{}{}",
            case.name,
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_a_failure_is_told_with_its_words() -> Result<()> {
        let times = Times { runs: [1, 2, 9].map(Duration::from_millis).to_vec(), first: Vec::new() };
        assert_eq!(times.median(), Duration::from_millis(2));
        assert_eq!((times.shortest(), times.longest()), (Duration::from_millis(1), Duration::from_millis(9)));

        let shell = |script: &'static str| Case {
            name: "sh".to_owned(),
            command: Box::new(move || {
                let mut shell = Command::new("sh");
                shell.args(["-c", script]);
                shell
            }),
        };
        let times = interleaved(&[shell("true"), shell("sleep 0.02")])?;
        assert!(times.iter().all(|times| times.runs.len() == RUNS && times.first.len() == ROWS));
        assert!(times[1].shortest() >= Duration::from_millis(20) && times[0].shortest() < times[1].shortest());
        let error = interleaved(&[shell("echo no such table; exit 1")]).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("no such table")));
        Ok(())
    }
}
