//! pg_hba.conf and pg_ident.conf as the server has and parses them: `pg_hba_file_rules` and `pg_ident_file_mappings`
//! read the files anew at each question, so they show what the next reload would bring, not what is live.

use std::{ops::Range, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{HbaBroken, HbaRule, HbaRules, client::Session};
use crate::{
    document::block::{Damage, Markers},
    model::Failure,
};

/// `pg_ident_file_mappings` is there from this version of PostgreSQL on.
const IDENT_VIEW_SINCE: u32 = 15;

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ConfigFile {
    Hba,
    Ident,
}

/// What PostgreSQL makes of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum View {
    HbaRules,
    IdentMappings,
}

/// A file of the server's, read through the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFile {
    /// Absolute, on the server's machine.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl ServerFile {
    /// Numbers of the lines between the markers; empty without any.
    fn own_lines(&self, own: Option<&Markers>) -> Result<Range<u32>, Failure> {
        let lines =
            own.map(|markers| markers.lines(&self.bytes)).transpose().map_err(|damage| self.damaged(&damage))?;
        let number = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
        Ok(lines.flatten().map_or(0..0, |lines| number(lines.start)..number(lines.end)))
    }

    /// The words for a block whose markers are damaged.
    pub fn damaged(&self, damage: &Damage) -> Failure {
        Failure::Other(format!("{}: {damage}", self.path.display()))
    }
}

/// Reads one of the files through the server, which may be elsewhere, in a container or on another machine. Takes a
/// superuser, or a member of `pg_read_server_files`.
pub async fn read_file(session: &Session, which: ConfigFile) -> Result<ServerFile, Failure> {
    let setting = match which {
        ConfigFile::Hba => "hba_file",
        ConfigFile::Ident => "ident_file",
    };
    const ASK: &str = "SELECT path, pg_catalog.pg_read_binary_file(path, 0, 4194304, true) \
                       FROM (SELECT pg_catalog.current_setting($1::pg_catalog.text) AS path) AS setting";
    let rows = session.ask(ASK, &[setting]).await?;
    let row = rows.first().ok_or_else(|| Failure::Other(format!("PostgreSQL has no setting `{setting}`")))?;
    let unreadable = |error| Failure::Other(format!("PostgreSQL's answer can't be read: {error}"));
    let path: String = row.try_get(0).map_err(unreadable)?;
    let bytes: Option<Vec<u8>> = row.try_get(1).map_err(unreadable)?;
    Ok(ServerFile { path: PathBuf::from(path), bytes: bytes.unwrap_or_default() })
}

/// The rows of one of the views, as JSON, because versions of PostgreSQL differ in their columns. None where this version
/// does not have it.
pub async fn read_view(session: &Session, which: View) -> Result<Vec<String>, Failure> {
    if which == View::IdentMappings && session.major() < IDENT_VIEW_SINCE {
        return Ok(Vec::new());
    }
    let view = which.name();
    let rows = session
        .ask(&format!("SELECT pg_catalog.to_jsonb(v)::pg_catalog.text FROM pg_catalog.{view} AS v"), &[])
        .await?;
    let json = rows.iter().map(|row| row.try_get(0).map_err(|error| which.unreadable(&error)));
    json.collect()
}

/// The rules of pg_hba.conf and the broken lines of both files. What stands between `own` markers is that instance's: its
/// rules are said to be, and its broken lines are none, because they are going to be written anew.
pub async fn rules(session: &Session, own: Option<&Markers>) -> Result<HbaRules, Failure> {
    let (file, rules, mappings) = tokio::try_join!(
        read_file(session, ConfigFile::Hba),
        read_view(session, View::HbaRules),
        read_view(session, View::IdentMappings)
    )?;
    let ident = async { read_file(session, ConfigFile::Ident).await.map(Arc::new) };
    rules_of(&file, &rules, broken_ident(&mappings, ident, own).await?, own)
}

/// The same, as it is known of the servers that were asked in this run.
pub(crate) async fn known_rules(
    servers: crate::world::Servers<'_>,
    connection: &str,
    own: Option<&Markers>,
) -> Result<HbaRules, Failure> {
    let (file, rules, mappings) = tokio::try_join!(
        servers.config_file(connection, ConfigFile::Hba),
        servers.view(connection, View::HbaRules),
        servers.view(connection, View::IdentMappings)
    )?;
    let ident = servers.config_file(connection, ConfigFile::Ident);
    rules_of(&file, &rules, broken_ident(&mappings, ident, own).await?, own)
}

fn rules_of(
    file: &ServerFile,
    rows: &[String],
    mut broken: Vec<HbaBroken>,
    own: Option<&Markers>,
) -> Result<HbaRules, Failure> {
    let own_lines = file.own_lines(own)?;
    let shown = file.path.display().to_string();
    let text = String::from_utf8_lossy(&file.bytes);
    let lines = without_passwords(&text.lines().collect::<Vec<_>>());
    // PostgreSQL quotes the line that it does not understand. What stands in an included file is not known here.
    let quotable = |file: &str, number: u32| {
        let line = usize::try_from(number).ok().and_then(|number| lines.get(number.checked_sub(1)?));
        file == shown && line.is_some_and(|line| line.holds == Holds::NoPassword)
    };
    let mut rules = Vec::new();
    for row in View::HbaRules.rows::<RuleRow>(rows)? {
        let row_file = row.file_name.clone().unwrap_or_else(|| shown.clone());
        let ours = row_file == shown && own_lines.contains(&row.line_number);
        if let Some(mut error) = row.error {
            if !quotable(&row_file, row.line_number) {
                "there may be a password in the line, so PostgreSQL's words are not shown: ask pg_hba_file_rules"
                    .clone_into(&mut error);
            }
            broken.extend((!ours).then_some(HbaBroken { file: row_file, line: row.line_number, error }));
            continue;
        }
        rules.push(HbaRule {
            ours,
            line: row.line_number,
            address: network(row.address, row.netmask.as_deref()),
            kind: row.kind.unwrap_or_default(),
            databases: row.database.unwrap_or_default(),
            users: row.user_name.unwrap_or_default(),
            method: row.auth_method.unwrap_or_default(),
            options: row
                .options
                .unwrap_or_default()
                .iter()
                .flat_map(|option| without_passwords(&[option]))
                .map(|line| line.shown)
                .collect(),
        });
    }
    Ok(HbaRules { file: shown, rules, broken })
}

/// Options of rules that hold a password or a shared secret (PostgreSQL's documentation, 21.10 and 21.11).
const SECRET_OPTIONS: [&str; 2] = ["ldapbindpasswd", "radiussecrets"];

/// A line of pg_hba.conf, or an option of it, as it may be shown and handed on.
pub(crate) struct ShownLine {
    /// Without the password.
    pub(crate) shown: String,
    /// Whether the rule that it is a part of holds one.
    holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Password,
    NoPassword,
}

/// The lines of pg_hba.conf without passwords: from the name of the first secret option on, the rest of the rule is left
/// out, since quoting decides where a value ends. A rule goes on behind a backslash at the end of a line, even in the
/// middle of a word, and quotes may stand anywhere (PostgreSQL's documentation, 21.1).
pub(crate) fn without_passwords(lines: &[&str]) -> Vec<ShownLine> {
    lines.split_inclusive(|line| !line.ends_with('\\')).flat_map(rule_without_passwords).collect()
}

fn rule_without_passwords(lines: &[&str]) -> Vec<ShownLine> {
    // As the server reads it, and for each byte of that the line and the place that it comes from.
    let (mut read, mut places) = (String::new(), Vec::new());
    for (number, line) in lines.iter().enumerate() {
        let continued = line.strip_suffix('\\').unwrap_or(line);
        for (at, character) in continued.char_indices().filter(|(_, character)| *character != '"') {
            read.push(character);
            places.resize(read.len(), (number, at));
        }
    }
    let begins = |option: &str| {
        read.match_indices(option).map(|(at, _)| at).find(|at| read[at + option.len()..].trim_start().starts_with('='))
    };
    let first = SECRET_OPTIONS.iter().filter_map(|option| Some((begins(option)?, option))).min();
    let cut = first.map(|(at, option)| (places[at], option));
    let shown = |(number, line): (usize, &&str)| match cut {
        Some(((cut, at), option)) if number == cut => {
            format!("{}{option}=(not shown, with the rest of the rule)", &line[..at])
        }
        Some(((cut, _), _)) if number > cut => "(not shown)".to_owned(),
        _ => (*line).to_owned(),
    };
    let holds = if cut.is_some() { Holds::Password } else { Holds::NoPassword };
    lines.iter().enumerate().map(|line| ShownLine { shown: shown(line), holds }).collect()
}

/// `file` is only read where a line is broken.
async fn broken_ident(
    rows: &[String],
    file: impl Future<Output = Result<Arc<ServerFile>, Failure>>,
    own: Option<&Markers>,
) -> Result<Vec<HbaBroken>, Failure> {
    let rows: Vec<IdentRow> = View::IdentMappings.rows(rows)?;
    if rows.iter().all(|row| row.error.is_none()) {
        return Ok(Vec::new());
    }
    let file = file.await?;
    let own_lines = file.own_lines(own)?;
    let shown = file.path.display().to_string();
    let broken = |row: IdentRow| {
        let file = row.file_name.unwrap_or_else(|| shown.clone());
        let ours = file == shown && own_lines.contains(&row.line_number);
        row.error.filter(|_| !ours).map(|error| HbaBroken { file, line: row.line_number, error })
    };
    Ok(rows.into_iter().filter_map(broken).collect())
}

impl View {
    fn name(self) -> &'static str {
        match self {
            View::HbaRules => "pg_hba_file_rules",
            View::IdentMappings => "pg_ident_file_mappings",
        }
    }

    fn rows<T: for<'de> Deserialize<'de>>(self, json: &[String]) -> Result<Vec<T>, Failure> {
        json.iter().map(|row| serde_json::from_str(row).map_err(|error| self.unreadable(&error))).collect()
    }

    fn unreadable(self, error: &dyn std::fmt::Display) -> Failure {
        Failure::Other(format!("{} can't be read: {error}", self.name()))
    }
}

/// `10.88.0.0` and `255.255.0.0` to `10.88.0.0/16`; keywords and host names stay.
fn network(address: Option<String>, netmask: Option<&str>) -> Option<String> {
    let address = address?;
    let network = || {
        let mask = netmask?.parse().ok()?;
        ipnet::IpNet::with_netmask(address.parse().ok()?, mask).ok()
    };
    Some(network().map_or(address.clone(), |network| network.to_string()))
}

#[derive(Deserialize)]
struct RuleRow {
    file_name: Option<String>,
    line_number: u32,
    #[serde(rename = "type")]
    kind: Option<String>,
    database: Option<Vec<String>>,
    user_name: Option<Vec<String>>,
    address: Option<String>,
    netmask: Option<String>,
    auth_method: Option<String>,
    options: Option<Vec<String>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct IdentRow {
    file_name: Option<String>,
    line_number: u32,
    error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<ShownLine> {
        without_passwords(&text.lines().collect::<Vec<_>>())
    }

    /// Each of these PostgreSQL reads as a rule with `ldapbindpasswd=hunter2` or `radiussecrets=hunter2`.
    #[test]
    fn no_way_of_writing_a_password_shows_it() {
        for rule in [
            "host a a all ldap ldapbindpasswd=hunter2",
            "host a a all ldap ldapbindpasswd=\"hunter2 hunter2\"",
            "host a a all ldap \"ldapbindpasswd=hunter2\"",
            "host a a all ldap ldapbind\"passwd\"=hunter2",
            "host a a all radius radiusservers=x radiussecrets=\"hunter2,hunter2\" radiusports=hunter2",
            "host a a all ldap \\\nldapbindpasswd=hunter2",
            "host a a all ldap ldapbindpasswd=\\\nhunter2",
            "host a a all ldap ldapbindpasswd=\\\r\n\\\r\nhunter2",
            "host a a all ldap ldapbindpass\\\nwd=hunter2",
            "host a a all ldap ldapbindpasswd=\"hun\\\nter2\" ldapserver=hunter2",
            "# host a a all ldap ldapbindpasswd=\\\nhunter2",
        ] {
            let shown: Vec<String> = lines(rule).into_iter().map(|line| line.shown).collect();
            assert_eq!(shown.len(), rule.lines().count(), "each line stays one: {rule}");
            let shown = shown.join("\n");
            assert!(!shown.contains("hun") && !shown.contains("ter2"), "{rule}\n{shown}");
            assert!(shown.contains("not shown"), "{rule}");
            let after = lines(&format!("{rule}\nlocal all all peer"));
            assert_eq!(after.last().unwrap().shown, "local all all peer", "the next rule is another one: {rule}");
        }
        let plain = "# ldapbindpasswd is in the vault\nhost \"a\" a all scram-sha-256 \\\n  map=x";
        let shown: Vec<String> = lines(plain).into_iter().map(|line| line.shown).collect();
        assert_eq!(shown.join("\n"), plain);
    }

    #[test]
    fn a_netmask_becomes_a_prefix() {
        let network = |address: &str, mask: Option<&str>| network(Some(address.to_owned()), mask).unwrap();
        assert_eq!(network("10.88.0.0", Some("255.255.0.0")), "10.88.0.0/16");
        assert_eq!(network("fd00::", Some("ffff:ffff:ffff:ffff::")), "fd00::/64");
        assert_eq!(network("samehost", None), "samehost");
        assert_eq!(network("db.example", None), "db.example");
    }
}
