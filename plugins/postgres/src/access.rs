//! Which rules are needed so that the application gets in, and what stands in the way.

use ipnet::IpNet;

use crate::{
    rules::{Outcome, Rule, outcome},
    wish::{Auth, Wish},
};

/// What follows from the rules that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Networks that no rule of other people's lets in: these need a rule of ours.
    pub needed: Vec<IpNet>,
    /// Warnings, each with its line number in pg_hba.conf.
    pub warnings: Vec<String>,
}

/// Looks at the rules of others alone, so that the answer is the same before and after ours are written.
pub fn access(wish: &Wish, rules: &[Rule]) -> Access {
    let mut access = Access::default();
    for network in &wish.clients {
        let others = rules.iter().filter(|rule| !rule.ours);
        match outcome(others, &wish.database, &wish.role, network) {
            Outcome::By(rule) if lets_in(rule, wish) => access.warnings.extend(open_door(rule, wish, network)),
            _ => {
                access.needed.push(*network);
                access.warnings.extend(shadow(wish, rules, network));
            }
        }
    }
    access.warnings.dedup();
    access
}

/// Whether an application with the role's password, or without one, gets in by this rule.
fn lets_in(rule: &Rule, wish: &Wish) -> bool {
    match rule.method.as_str() {
        "trust" => true,
        // A SCRAM verifier serves all three.
        "scram-sha-256" | "md5" | "password" => wish.password.is_some(),
        _ => false,
    }
}

/// The login works, and so does everybody else's.
fn open_door(rule: &Rule, wish: &Wish, network: &IpNet) -> Option<String> {
    (rule.method == "trust" && wish.auth == Auth::Password).then(|| {
        format!(
            "line {} (`{}`) lets {} in from {network} without asking for the password; a rule before it would ask",
            rule.line,
            rule.shown(),
            wish.role
        )
    })
}

/// A rule that stands before ours and decides instead. Ours is put first, so that is only so once somebody has written
/// another before it.
fn shadow(wish: &Wish, rules: &[Rule], network: &IpNet) -> Option<String> {
    rules.iter().find(|rule| rule.ours)?;
    let (rule, word) = match outcome(rules, &wish.database, &wish.role, network) {
        Outcome::By(rule) if !rule.ours => (rule, "is matched"),
        Outcome::PerhapsBy(rule) if !rule.ours => (rule, "may be matched"),
        _ => return None,
    };
    let consequence = match rule.method.as_str() {
        "reject" => "logins are refused",
        "trust" => "no password is asked for",
        _ => "its method decides",
    };
    Some(format!(
        "line {} (`{}`) {word} before this instance's own rule for {network}: {consequence}; move it behind the block \
         between the marker lines",
        rule.line,
        rule.shown()
    ))
}

/// Why nobody but this machine reaches a server that listens only there; none when the clients can.
pub fn unreachable(listen_addresses: &str, clients: &[IpNet]) -> bool {
    let outside = clients.iter().any(|network| !network.addr().is_loopback());
    let is_local = |address: &str| {
        address.is_empty()
            || address.eq_ignore_ascii_case("localhost")
            || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    outside && listen_addresses.split(',').all(|address| is_local(address.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(auth: Auth) -> Wish {
        Wish {
            printed: false,
            role: "media".into(),
            database: "media".into(),
            password: Some(0),
            auth,
            ident: vec![],
            clients: vec!["10.88.0.0/16".parse().unwrap()],
            writes_rules: true,
            extensions: vec![],
            encoding: None,
            locale: None,
            template: None,
            adopt: false,
        }
    }

    fn rule(line: u32, databases: &str, users: &str, address: &str, method: &str, ours: bool) -> Rule {
        Rule {
            line,
            kind: "host".into(),
            databases: vec![databases.into()],
            users: vec![users.into()],
            address: Some(address.into()),
            method: method.into(),
            ours,
        }
    }

    #[test]
    fn no_rule_of_ours_where_another_lets_the_login_in() {
        let there = [rule(3, "sameuser", "all", "10.88.0.0/16", "scram-sha-256", false)];
        assert_eq!(access(&wish(Auth::Password), &there), Access::default());
        // Nor when ours is there already: it would go.
        let both = [rule(2, "media", "media", "10.88.0.0/16", "scram-sha-256", true), there[0].clone()];
        assert_eq!(access(&wish(Auth::Password), &both), Access::default());
    }

    #[test]
    fn a_rule_that_refuses_or_fits_only_partly_is_not_enough() {
        for rules in [
            vec![],
            vec![rule(1, "all", "all", "10.88.0.0/16", "reject", false)],
            vec![rule(1, "all", "all", "10.88.1.0/24", "scram-sha-256", false)],
            vec![rule(1, "all", "all", "127.0.0.1/32", "scram-sha-256", false)],
            vec![rule(1, "all", "all", "all", "ldap", false)],
        ] {
            let found = access(&wish(Auth::Password), &rules);
            assert_eq!(found.needed.len(), 1, "{rules:?}");
            assert!(found.warnings.is_empty(), "ours would be the first: {found:?}");
        }
    }

    #[test]
    fn an_open_door_is_said() {
        let rules = [rule(7, "all", "all", "10.88.0.0/16", "trust", false)];
        let found = access(&wish(Auth::Password), &rules);
        assert!(found.needed.is_empty());
        assert!(found.warnings[0].contains("line 7 (`host all all 10.88.0.0/16 trust`)"), "{found:?}");
        assert!(access(&wish(Auth::Trust), &rules).warnings.is_empty(), "that is what was asked for");
    }

    #[test]
    fn a_rule_before_ours_is_said() {
        let ours = rule(9, "media", "media", "10.88.0.0/16", "scram-sha-256", true);
        let refusing = rule(4, "all", "all", "10.0.0.0/8", "reject", false);
        let found = access(&wish(Auth::Password), &[refusing, ours.clone()]);
        assert!(found.warnings[0].contains("line 4 (`host all all 10.0.0.0/8 reject`)"), "{found:?}");
        assert!(found.warnings[0].contains("logins are refused"), "{found:?}");
        let perhaps = rule(4, "all", "+family", "10.0.0.0/8", "reject", false);
        let found = access(&wish(Auth::Password), &[perhaps, ours]);
        assert!(found.warnings[0].contains("may be matched before"), "{found:?}");
    }

    #[test]
    fn who_can_be_reached() {
        let clients: Vec<IpNet> = vec!["10.88.0.0/16".parse().unwrap()];
        for (listen, gone) in [
            ("localhost", true),
            ("", true),
            ("127.0.0.1, ::1", true),
            ("*", false),
            ("localhost,10.88.0.1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(unreachable(listen, &clients), gone, "{listen}");
        }
        assert!(!unreachable("localhost", &["127.0.0.1/32".parse().unwrap()]));
        assert!(!unreachable("localhost", &[]));
    }
}
