//! Running a verb of a connection.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

use super::{VerbSubject, caddy::Refused, verb};
use crate::{
    capability::{Acting, Facts, Gate, Preview, PreviewLine, Repeat, Settles, Sign, StepFailure, StepKind},
    model::{Denial, Verb},
    words::printable,
};

/// `services.run`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRun {
    /// Name of the connection.
    pub connection: String,
    /// `reload`, `restart`, `validate`.
    pub verb: String,
}

impl ServiceRun {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        format!("{} {}", &self.verb, self.connection)
    }

    fn subject(&self) -> VerbSubject {
        VerbSubject { connection: self.connection.to_owned(), verb: self.verb.to_owned() }
    }
}

impl StepKind for ServiceRun {
    /// A service keeps no before-image: after the reverts of the other steps it is run again.
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.service(self.subject()).map(drop)
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let lines = match acting.world.connections.settings(&self.connection) {
            Ok(connection) => {
                let env = connection.verbs.get(&self.verb).map(environment).unwrap_or_default();
                [vec![verb::says(connection, &self.verb)], env].concat()
            }
            Err(failure) => vec![failure.to_string()],
        };
        let line = |text: String| PreviewLine { sign: Sign::Same, text: printable(&text) };
        Preview { headline: self.headline(), lines: lines.into_iter().map(line).collect() }
    }

    async fn before(&self, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.service(self.subject())?;
        let world = acting.world;
        match verb::run(&permit, &world.connections).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let owner = error.downcast_ref::<Refused>().map(|refused| whose(refused, acting)).unwrap_or_default();
                Err(anyhow!("{}{owner}", world.vault.redact(&format!("{error:#}"))).into())
            }
        }
    }

    async fn revert(&self, _before: &(), _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, _acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(false)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::settling(match self.verb.as_str() {
            "reload" | "restart" => Settles::Yes,
            _ => Settles::No,
        })
    }
}

fn environment(verb: &Verb) -> Vec<String> {
    verb.env.keys().map(|name| format!("with {name} from the host file")).collect()
}

/// Whether the file that Caddy names is this instance's, for the person who has to mend it.
fn whose(refused: &Refused, acting: &Acting<'_>) -> String {
    let Refused::Because { file: Some(file), .. } = refused else { return String::new() };
    if acting.gate.path_change(file.clone()).is_ok() {
        format!("\n  {file} is the file of {}", acting.gate.instance())
    } else {
        format!("\n  {file} is not a file of {}: mend or remove it, then apply again", acting.gate.instance())
    }
}
