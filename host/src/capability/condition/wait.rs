//! Waiting for a condition.

use std::time::{Duration, Instant};

use super::{Check, Condition};
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

/// Asks until the check's condition holds, or its time is over, or waiting is pointless.
pub async fn prove(check: &Check, acting: &Acting<'_>) -> Result<Proof, Failure> {
    let until = Instant::now() + Duration::from_millis(check.timeout_ms.into());
    let mut pause = FIRST_PAUSE;
    loop {
        let seen = match ask_in_time(&check.condition, acting, until).await {
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

/// A single question may not outlast the check by more than a moment.
async fn ask_in_time(condition: &Condition, acting: &Acting<'_>, until: Instant) -> Result<Held, Failure> {
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(5));
    tokio::time::timeout(left, condition.ask(acting)).await.unwrap_or(Err(Failure::TimedOut))
}
