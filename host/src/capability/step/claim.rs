//! What an instance says it owns is held against what it may make and take away.

use super::Step;
use crate::{
    capability::{
        Gate,
        containers::ContainerSubject,
        sql::{SqlStep, Statement},
    },
    model::{Denial, Thing, denial::NEVER},
};

/// Whether an instance may own a thing. `undo` are the steps that take it away, each granted already.
///
/// Where a capability knows the thing by its name (a path, a secret, a container, a role, a database), that name has to be
/// granted. Other kinds are the plugin's own words for what it makes of these: there it has to be granted something behind
/// that connection, or to take the thing away by steps.
///
/// # Errors
/// It could neither make nor undo it.
pub fn may_own(thing: &Thing, undo: &[&Step], gate: &Gate) -> Result<(), Denial> {
    let Thing { connection, kind, name, .. } = thing;
    let grants = gate.grants();
    let refused = |why: &str| {
        let asked = format!("the {} {} as its own, {why}", kind.escape_debug(), name.escape_debug());
        Err(gate.deny("ownership", asked, NEVER))
    };
    match connection.as_str() {
        "files" => match gate.path_change(name.clone())?.subject().path == *name {
            true => Ok(()),
            false => refused("which is another way to write a path: two names of one thing would be two things"),
        },
        "store" if name.starts_with(&format!("{}/{}/", gate.stack(), gate.instance())) => Ok(()),
        "store" => refused("which another instance makes"),
        _ if grants.containers.connections.contains(connection) => {
            gate.container(ContainerSubject { connection: connection.clone(), name: name.clone() }).map(drop)
        }
        _ if grants.sql.connections.contains(connection) => {
            let statement = match kind.as_str() {
                "role" => Statement::DropRole { role: name.clone() },
                "database" => Statement::DropDatabase { database: name.clone() },
                _ => return Ok(()),
            };
            gate.sql_change(SqlStep { connection: connection.clone(), statement }).map(drop)
        }
        _ => {
            let asks = grants.http.connections.iter().any(|rule| rule.connection == *connection);
            let granted =
                asks || grants.http.sites.contains(connection) || grants.services.verbs.contains_key(connection);
            match granted || !undo.is_empty() {
                true => Ok(()),
                false => refused("and may neither make nor take away anything behind that connection"),
            }
        }
    }
}
