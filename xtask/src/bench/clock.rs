//! Timing programs side by side: one run of each in turn, so that what else the machine does falls on all alike.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs of each case; the middle one of them counts.
pub const RUNS: usize = 51;

/// Something to time.
pub struct Case {
    /// What it is, for a table.
    pub name: String,
    /// Makes the command of one run.
    pub command: Box<dyn Fn() -> Command>,
}

/// How long the runs of one case took, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    /// The middle one.
    pub fn median(&self) -> Duration {
        self.at(self.0.len() / 2)
    }

    /// The shortest.
    pub fn shortest(&self) -> Duration {
        self.at(0)
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.at(self.0.len().saturating_sub(1))
    }

    fn at(&self, index: usize) -> Duration {
        self.0.get(index).copied().unwrap_or_default()
    }
}

/// Runs all cases [`RUNS`] times in turn, after one run of each that doesn't count. Every run must end with 0.
pub fn interleaved(cases: &[Case]) -> Result<Vec<Times>> {
    let mut times = vec![Vec::with_capacity(RUNS); cases.len()];
    for round in 0..=RUNS {
        for (case, times) in cases.iter().zip(&mut times) {
            let took = once(case)?;
            if round > 0 {
                times.push(took);
            }
        }
    }
    let sorted = |mut times: Vec<Duration>| {
        times.sort();
        Times(times)
    };
    Ok(times.into_iter().map(sorted).collect())
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
        let times = Times([1, 2, 9].map(Duration::from_millis).to_vec());
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
        assert!(times.iter().all(|times| times.0.len() == RUNS));
        assert!(times[1].shortest() >= Duration::from_millis(20) && times[0].shortest() < times[1].shortest());
        let error = interleaved(&[shell("echo no such table; exit 1")]).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("no such table")));
        Ok(())
    }
}
