//! The capability `services`: verbs of connections, by name. There is no wildcard, and no argument to grant.

use crate::{
    capability::Gate,
    model::{Denial, Permit, denial::NEVER},
    words::toml_key,
};

/// A verb of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct VerbSubject {
    pub connection: String,
    pub verb: String,
}

impl Gate {
    /// Running a verb.
    pub fn service(&self, subject: VerbSubject) -> Result<Permit<VerbSubject>, Denial> {
        let granted = self.grants().services.verbs.get(&subject.connection);
        if granted.is_some_and(|verbs| verbs.contains(&subject.verb)) {
            return Ok(Permit::new(subject));
        }
        let VerbSubject { connection, verb } = &subject;
        Err(self.deny(
            "services.run",
            format!("`{verb}` of connection {connection}"),
            Gate::line(&format!("services.verbs.{}", toml_key(connection)), verb),
        ))
    }

    /// Asking which verbs a connection has: whoever may run one of them may.
    pub fn service_names(&self, connection: &str) -> Result<Permit<String>, Denial> {
        if self.grants().services.verbs.contains_key(connection) {
            return Ok(Permit::new(connection.to_owned()));
        }
        let line = match connection.contains(['{', '}', '*']) {
            true => NEVER.to_owned(),
            false => format!("services.verbs.{} = []", toml_key(connection)),
        };
        Err(self.deny("services.verbs", format!("the verbs of connection {connection}"), line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grants, ServicesGrant};

    fn gate(verbs: &[&str]) -> Gate {
        let verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
        let services = ServicesGrant { verbs: [("edge".to_owned(), verbs)].into() };
        Gate::new("gateway", "stack", "gateway.app".parse().unwrap(), Grants { services, ..Grants::default() })
    }

    #[test]
    fn a_verb_is_run_only_by_its_name() {
        let may = |granted: &[&str], connection: &str, verb: &str| {
            gate(granted).service(VerbSubject { connection: connection.to_owned(), verb: verb.to_owned() }).is_ok()
        };
        assert!(may(&["reload"], "edge", "reload"));
        assert!(!may(&["reload"], "edge", "restart"));
        assert!(!may(&["reload"], "idp", "reload"));
        assert!(!may(&["*"], "edge", "reload"), "no wildcard");
        assert!(!may(&["reload"], "edge", "reload; rm -rf /"));
    }

    #[test]
    fn the_denial_names_the_line() {
        let subject = VerbSubject { connection: "idp".to_owned(), verb: "restart".to_owned() };
        assert_eq!(gate(&[]).service(subject).unwrap_err().line, "services.verbs.idp = [\"restart\"]");
    }

    /// A line with braces would be filled in, and grant more than what was refused.
    #[test]
    fn no_line_is_offered_that_grants_more() {
        let named = |connection: &str| VerbSubject { connection: connection.to_owned(), verb: "reload".to_owned() };
        for connection in ["{connections.caddy}", "{connection}", "*"] {
            assert_eq!(gate(&[]).service(named(connection)).unwrap_err().line, NEVER);
            assert_eq!(gate(&[]).service_names(connection).unwrap_err().line, NEVER);
        }
    }

    #[test]
    fn verbs_are_listed_only_to_whom_they_are_granted() {
        assert!(gate(&[]).service_names("edge").is_ok());
        assert!(gate(&[]).service_names("idp").is_err());
    }
}
