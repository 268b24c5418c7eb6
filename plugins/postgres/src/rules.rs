//! How PostgreSQL matches pg_hba.conf: from the top, and the first rule that fits decides.

use ipnet::IpNet;

/// A rule, as far as matching goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub line: u32,
    pub kind: String,
    pub databases: Vec<String>,
    pub users: Vec<String>,
    pub address: Option<String>,
    pub method: String,
    /// In this instance's own block.
    pub ours: bool,
}

impl Rule {
    /// The rule as a person reads it in the file.
    pub fn shown(&self) -> String {
        let address = self.address.as_deref().map(|address| format!(" {address}")).unwrap_or_default();
        format!("{} {} {}{address} {}", self.kind, self.databases.join(","), self.users.join(","), self.method)
    }
}

/// How far a rule fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    No,
    /// For some of the network's addresses, or depending on what can't be seen from here: groups, host names, TLS.
    Perhaps,
    Yes,
}

/// Whether a rule decides a login over TCP from a network.
pub fn fit(rule: &Rule, database: &str, role: &str, from: &IpNet) -> Fit {
    let kind = match rule.kind.as_str() {
        "host" | "hostnogssenc" => Fit::Yes,
        // Applications take TLS where it is offered.
        "hostssl" | "hostnossl" => Fit::Perhaps,
        _ => Fit::No,
    };
    let database = rule.databases.iter().map(|one| fits_database(one, database, role)).max().unwrap_or(Fit::No);
    let user = rule.users.iter().map(|one| fits_user(one, role)).max().unwrap_or(Fit::No);
    let address = rule.address.as_deref().map_or(Fit::No, |address| fits_address(address, from));
    kind.min(database).min(user).min(address)
}

fn fits_database(word: &str, database: &str, role: &str) -> Fit {
    match word {
        "all" => Fit::Yes,
        "sameuser" => {
            if database == role {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        "samerole" | "samegroup" => Fit::Perhaps,
        "replication" => Fit::No,
        _ if word == database => Fit::Yes,
        _ if word.starts_with('/') => Fit::Perhaps,
        _ => Fit::No,
    }
}

fn fits_user(word: &str, role: &str) -> Fit {
    match word {
        "all" => Fit::Yes,
        _ if word == role => Fit::Yes,
        _ if word.starts_with(['+', '/']) => Fit::Perhaps,
        _ => Fit::No,
    }
}

fn fits_address(word: &str, from: &IpNet) -> Fit {
    if word == "all" {
        return Fit::Yes;
    }
    match word.parse::<IpNet>() {
        Ok(network) if network.contains(from) => Fit::Yes,
        Ok(network) if from.contains(&network) => Fit::Perhaps,
        Ok(_) => Fit::No,
        // samehost, samenet, host names
        Err(_) => Fit::Perhaps,
    }
}

/// What happens to a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'r> {
    /// This rule decides, and nothing before it may.
    By(&'r Rule),
    /// This rule may decide before another one does.
    PerhapsBy(&'r Rule),
    /// No rule fits: refused.
    None,
}

/// The rule that decides a login from a network.
pub fn outcome<'r>(rules: impl IntoIterator<Item = &'r Rule>, database: &str, role: &str, from: &IpNet) -> Outcome<'r> {
    for rule in rules {
        match fit(rule, database, role, from) {
            Fit::Yes => return Outcome::By(rule),
            Fit::Perhaps => return Outcome::PerhapsBy(rule),
            Fit::No => {}
        }
    }
    Outcome::None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        let words: Vec<_> = text.split(' ').collect();
        let list = |word: &str| word.split(',').map(str::to_owned).collect();
        Rule {
            line: 1,
            kind: words[0].into(),
            databases: list(words[1]),
            users: list(words[2]),
            address: Some(words[3].into()).filter(|_| words[0] != "local"),
            method: words[words.len() - 1].into(),
            ours: false,
        }
    }

    #[test]
    fn one_rule() {
        let from: IpNet = "10.88.0.0/16".parse().unwrap();
        for (text, fits) in [
            ("host media media 10.88.0.0/16 scram-sha-256", Fit::Yes),
            ("host all all all trust", Fit::Yes),
            ("host sameuser all 10.88.0.0/16 scram-sha-256", Fit::Yes),
            ("host a,media b,media 10.0.0.0/8 md5", Fit::Yes),
            ("host media media 10.88.1.0/24 reject", Fit::Perhaps),
            ("host media +family 10.88.0.0/16 reject", Fit::Perhaps),
            ("host samerole media 10.88.0.0/16 reject", Fit::Perhaps),
            ("hostssl media media 10.88.0.0/16 reject", Fit::Perhaps),
            ("host media media samehost trust", Fit::Perhaps),
            ("host /^med media 10.88.0.0/16 reject", Fit::Perhaps),
            ("host other media 10.88.0.0/16 trust", Fit::No),
            ("host replication all 10.88.0.0/16 trust", Fit::No),
            ("host media other 10.88.0.0/16 trust", Fit::No),
            ("host media media 10.89.0.0/24 trust", Fit::No),
            ("host media media ::/0 trust", Fit::No),
            ("local all all peer", Fit::No),
        ] {
            assert_eq!(fit(&rule(text), "media", "media", &from), fits, "{text}");
        }
    }

    #[test]
    fn the_first_one_decides() {
        let from: IpNet = "10.88.0.0/16".parse().unwrap();
        let rules = [
            rule("local all all peer"),
            rule("host other all all reject"),
            rule("host media media 10.88.0.0/16 scram-sha-256"),
            rule("host all all all reject"),
        ];
        assert_eq!(outcome(&rules, "media", "media", &from), Outcome::By(&rules[2]));
        assert_eq!(outcome(&rules, "other", "media", &from), Outcome::By(&rules[1]));
        assert_eq!(outcome(&rules[..1], "media", "media", &from), Outcome::None);
        let perhaps = [rule("host media +x all reject"), rules[2].clone()];
        assert_eq!(outcome(&perhaps, "media", "media", &from), Outcome::PerhapsBy(&perhaps[0]));
    }
}
