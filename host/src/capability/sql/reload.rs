//! Having a PostgreSQL server read its configuration again, and waiting until it has.
//!
//! `pg_reload_conf()` only sends a signal, and returns true even when a broken line keeps the old rules in force. So the
//! proof is a new session: it is forked after the postmaster has loaded, and tells the postmaster's time of loading.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

use super::{client::Postgresql, hba};
use crate::{
    capability::{Acting, Facts, Gate, Preview, Repeat, Settles, StepFailure, StepKind},
    model::{Denial, Failure, Permit, WriteMode},
};

/// `sql.reload` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlReload {
    /// Name of the connection.
    pub connection: String,
}

/// A server that is not done by then is hung.
const LIMIT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

impl SqlReload {
    /// One line.
    pub fn headline(&self) -> String {
        format!("SELECT pg_reload_conf() on {}, and wait until it has taken effect", self.connection)
    }
}

impl StepKind for SqlReload {
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.sql_reload(self.connection.to_owned()).map(|_| ())
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let print = acting.world.connections.postgresql(&self.connection).is_ok_and(|server| is_print(&server));
        let headline = match print {
            true => format!("reload PostgreSQL ({}) yourself, once the lines are in place", self.connection),
            false => self.headline(),
        };
        Preview { headline, lines: Vec::new() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(self.permit(acting.gate)?)
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.sql_reload(self.connection.to_owned())?;
        let server = acting.world.connections.postgresql(permit.subject())?;
        if is_print(&server) {
            return Ok(());
        }
        reload(&server, &permit).await.map_err(StepFailure::from)
    }

    async fn revert(&self, (): &(), _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, _acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(false)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::settling(Settles::Yes)
    }
}

async fn reload(server: &Postgresql, permit: &Permit<String>) -> Result<(), Failure> {
    let session = server.session(None).await?;
    if let Some(broken) = hba::rules(&session, None).await?.broken.first() {
        return Err(Failure::Other(format!(
            "{} line {} is broken ({}): no reload takes effect, and the next start of PostgreSQL fails; correct the line",
            broken.file, broken.line, broken.error
        )));
    }
    let before = loaded_at(server).await?;
    session.reload(permit).await?;
    let until = Instant::now() + LIMIT;
    while loaded_at(server).await? == before {
        if Instant::now() > until {
            return Err(Failure::Other(format!(
                "PostgreSQL has not read its configuration again within {} s of the reload",
                LIMIT.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// When the postmaster loaded its configuration, as a new session has it.
async fn loaded_at(server: &Postgresql) -> Result<String, Failure> {
    let session = server.new_session().await?;
    let rows = session.ask("SELECT pg_catalog.pg_conf_load_time()::pg_catalog.text", &[]).await?;
    let row = rows.first().and_then(|row| row.try_get(0).ok());
    row.ok_or_else(|| Failure::Other("PostgreSQL does not say when it loaded its configuration".to_owned()))
}

fn is_print(server: &Postgresql) -> bool {
    server.settings().write == WriteMode::Print
}
