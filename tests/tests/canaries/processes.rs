//! Looks at the arguments and the environment of every process of the machine, over and over, while something runs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

/// Between two looks. Short-lived helpers live for some milliseconds.
const PAUSE: Duration = Duration::from_millis(1);

/// A look that goes on.
pub struct Watch {
    end: Arc<AtomicBool>,
    looking: JoinHandle<BTreeSet<Vec<u8>>>,
}

impl Watch {
    /// Begins to look.
    pub fn begin() -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&end);
        let looking = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !until.load(Ordering::Relaxed) {
                look(&mut seen);
                thread::sleep(PAUSE);
            }
            seen
        });
        Self { end, looking }
    }

    /// Ends it: every argument list and every environment that was seen, each once.
    pub fn end(self) -> Result<Vec<u8>> {
        self.end.store(true, Ordering::Relaxed);
        let seen = self.looking.join().map_err(|_| anyhow!("the look at processes panicked"))?;
        Ok(seen.into_iter().collect::<Vec<_>>().join(&b'\n'))
    }
}

fn look(seen: &mut BTreeSet<Vec<u8>>) {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let numbers = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    for process in numbers {
        for what in ["cmdline", "environ"] {
            // A process that has ended meanwhile has neither.
            let Ok(bytes) = fs::read(process.path().join(what)) else { continue };
            if !seen.contains(&bytes) {
                seen.insert(bytes);
            }
        }
    }
}
