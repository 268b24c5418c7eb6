//! Waiting for a condition.

use std::time::{Duration, Instant};

use super::{Check, Look};
use crate::{
    capability::{Acting, Held},
    model::Failure,
};

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It held.
    Held,
    /// It did not; what was seen last, secrets replaced.
    Failed(String),
}

/// The first pause between two questions; each is half as long again as the one before, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks until the check's condition holds, or its time is over, or waiting is pointless: a look or a probe.
pub async fn prove(check: &Check, acting: &Acting<'_>) -> Result<Proof, Failure> {
    wait(check.timeout_ms, acting, || check.condition.ask(acting)).await
}

impl Look<'_> {
    /// The same, of what changes nothing.
    pub async fn prove(self, timeout_ms: u32, acting: &Acting<'_>) -> Result<Proof, Failure> {
        wait(timeout_ms, acting, || self.ask(acting)).await
    }
}

async fn wait<F: Future<Output = Result<Held, Failure>>>(
    timeout_ms: u32,
    acting: &Acting<'_>,
    ask: impl Fn() -> F,
) -> Result<Proof, Failure> {
    let until = Instant::now() + Duration::from_millis(timeout_ms.into());
    let mut pause = FIRST_PAUSE;
    loop {
        // A single question may not outlast the check by more than a moment.
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(5));
        let seen = match tokio::time::timeout(left, ask()).await.unwrap_or(Err(Failure::TimedOut)) {
            Ok(Held::Yes) => return Ok(Proof::Held),
            Ok(Held::Never(seen)) => return Ok(Proof::Failed(seen)),
            Ok(Held::No(seen)) => seen,
            Err(Failure::Denied(denial)) => return Err(Failure::Denied(denial)),
            Err(failure) => acting.world.vault.redact(&failure.to_string()),
        };
        if Instant::now() + pause >= until {
            return Ok(Proof::Failed(seen));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
