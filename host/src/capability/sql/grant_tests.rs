//! What the gate lets pass and what it refuses, as a table.

use std::path::Path;

use super::*;
use crate::{
    model::{
        ConnectionSettings, HostFile,
        value::{Address, Target, Tree},
    },
    test_support::grants::built_in,
};

fn section() -> Tree {
    Tree::Table(vec![
        ("database".into(), Tree::literal("media db")),
        ("extensions".into(), Tree::Items(vec![Tree::literal("pg_trgm")])),
    ])
}

fn connection(name: &str, kind: &str) -> ConnectionSettings {
    ConnectionSettings {
        name: name.into(),
        kind: kind.into(),
        address: None,
        write: Default::default(),
        verbs: Default::default(),
        settings: Tree::Table(Vec::new()),
    }
}

/// The gate of `postgres.media`: role `media`, database `media db`, extension pg_trgm, on `main`.
fn gate() -> Gate {
    let instance = Address::new("postgres", "media");
    let connections = [connection("main", "postgresql"), connection("podman", "docker-api")];
    let grants = built_in(&instance, &section(), &connections, &HostFile::empty(Path::new("/etc/stackrun.toml")));
    Gate::new("postgres", "stack", instance, grants)
}

fn query(relation: &str, column: &str) -> SqlQuery {
    SqlQuery {
        connection: "main".into(),
        database: None,
        relation: relation.into(),
        columns: vec![column.into()],
        where_equal: vec![],
    }
}

fn named(mut query: SqlQuery, column: &str, value: &str) -> SqlQuery {
    query.where_equal.push((column.into(), value.into()));
    query
}

#[test]
fn reading() {
    let gate = gate();
    let inside = |database: &str| SqlQuery { database: Some(database.into()), ..query("pg_extension", "extname") };
    let elsewhere = SqlQuery { connection: "other".into(), ..query("pg_roles", "rolname") };
    for (passes, query) in [
        (true, query("pg_roles", "rolsuper")),
        (true, named(query("pg_roles", "rolsuper"), "rolname", "somebody else")),
        (true, inside("media db")),
        (true, named(query("pg_settings", "setting"), "name", "listen_addresses")),
        (false, elsewhere),
        (false, query("pg_roles", "rolpassword")),
        (false, named(query("pg_roles", "rolname"), "rolpassword", "SCRAM-SHA-256$…")),
        (false, query("pg_authid", "rolpassword")),
        (false, query("pg_authid", "rolname")),
        (false, query("pg_shadow", "passwd")),
        (false, query("pg_stat_activity", "query")),
        (false, query("pg_roles\" ; --", "rolname")),
        (false, query("pg_roles", "rolname\" FROM pg_authid --")),
        (false, query("pg_roles", "*")),
        (false, inside("postgres")),
        (false, inside("template1")),
        (false, inside("other")),
        (false, query("pg_settings", "setting")),
        (false, named(query("pg_settings", "setting"), "name", "primary_conninfo")),
    ] {
        assert_eq!(gate.sql_read(query.clone()).is_ok(), passes, "{query:?}");
    }
}

/// Names of roles that nobody may have, whatever the grant says.
fn never() -> Vec<String> {
    let fixed = [
        "",
        "postgres",
        "Postgres",
        "pg_read_all_data",
        "all",
        "ALL",
        "replication",
        "public",
        "sameuser",
        "+media",
        "@file",
        "/regex",
        "me\0dia",
        "me\ndia",
    ];
    fixed.iter().map(|name| (*name).to_owned()).chain([format!("media{}", "x".repeat(59))]).collect()
}

#[test]
fn changes() {
    use Statement::*;
    let gate = gate();
    let change = |statement| gate.sql_change(SqlStep { connection: "main".into(), statement });
    let role = |name: &str| CreateRole { role: name.into() };
    let database = |name: &str, owner: &str, template: Option<&str>| {
        CreateDatabase(Database {
            connection: "main".into(),
            name: name.into(),
            owner: owner.into(),
            encoding: None,
            locale: None,
            template: template.map(str::to_owned),
        })
    };
    let extension = |database: &str, name: &str| CreateExtension { database: database.into(), extension: name.into() };
    let secret = Target::Made(Address::new("secret", "x"), "p".into());
    for (passes, statement) in [
        (true, role("media")),
        (true, AllowLogin { role: "media".into() }),
        (true, SetPassword { role: "media".into(), verifier: secret.clone() }),
        (true, database("media db", "media", None)),
        (true, database("media db", "media", Some("template0"))),
        (true, SetOwner { database: "media db".into(), owner: "media".into() }),
        (true, extension("media db", "pg_trgm")),
        (false, role("other")),
        (false, role("Media")),
        (false, role("\"media\"")),
        (false, role("media\"; DROP ROLE other; --")),
        (false, AllowLogin { role: "other".into() }),
        (false, SetPassword { role: "other".into(), verifier: secret }),
        (false, DropRole { role: "other".into() }),
        (false, DropDatabase { database: "other".into() }),
        (false, DropDatabase { database: "postgres".into() }),
        (false, database("other", "media", None)),
        (false, database("template1", "media", None)),
        (false, database("media db", "other", None)),
        (false, database("media db", "postgres", None)),
        (false, database("media db", "media", Some("other"))),
        (false, database("media db", "media", Some("postgres"))),
        (false, SetOwner { database: "template1".into(), owner: "media".into() }),
        (false, SetOwner { database: "media db".into(), owner: "postgres".into() }),
        (false, extension("media db", "plpython3u")),
        (false, extension("other", "pg_trgm")),
    ] {
        assert_eq!(change(statement.clone()).is_ok(), passes, "{statement:?}");
    }
    for name in never() {
        let mut gate = gate.clone();
        gate.grants_mut().sql.roles = vec![name.clone()];
        let step = SqlStep { connection: "main".into(), statement: role(&name) };
        assert!(gate.sql_change(step).is_err(), "{name:?} passes once it is granted");
    }
}

#[test]
fn admission() {
    let gate = gate();
    let entry = |database: &str, role: &str, network: Option<&str>, method: &str, map: Option<&str>| Admission {
        connection: "main".into(),
        hba: vec![HbaEntry {
            database: database.into(),
            role: role.into(),
            network: network.map(str::to_owned),
            method: method.into(),
            map: map.map(str::to_owned),
        }],
        ident: vec![],
    };
    let ident = |map: &str, system_user: &str, role: &str| Admission {
        connection: "main".into(),
        hba: vec![],
        ident: vec![IdentEntry { map: map.into(), system_user: system_user.into(), role: role.into() }],
    };
    let net = Some("10.88.0.0/16");
    for (passes, admission) in [
        (true, entry("media db", "media", net, "scram-sha-256", None)),
        (true, entry("media db", "media", Some("fd00::/64"), "trust", None)),
        (true, entry("media db", "media", None, "peer", Some("media-users"))),
        (true, ident("media-users", "postgres", "media")),
        (false, entry("other", "media", net, "scram-sha-256", None)),
        (false, entry("all", "media", net, "scram-sha-256", None)),
        (false, entry("media db", "other", net, "scram-sha-256", None)),
        (false, entry("media db", "all", net, "scram-sha-256", None)),
        (false, entry("media db", "+media", net, "scram-sha-256", None)),
        (false, entry("media db", "media", Some("all"), "trust", None)),
        (false, entry("media db", "media", Some("10.88.0.0/16 trust\nhost all all"), "trust", None)),
        (false, entry("media db", "media", Some("10.88.0.1"), "scram-sha-256", None)),
        (false, entry("media db", "media", net, "md5", None)),
        (false, entry("media db", "media", net, "peer", None)),
        (false, entry("media db", "media", net, "scram-sha-256", Some("m"))),
        (false, entry("media db", "media", None, "peer", Some("a\nlocal all all trust"))),
        (false, ident("media-users", "/^(.*)$", "media")),
        (false, ident("media-users", "me", "postgres")),
        (false, ident("m\nx", "me", "media")),
    ] {
        assert_eq!(gate.sql_admission(admission.clone()).is_ok(), passes, "{admission:?}");
    }
    let mut without = gate.clone();
    without.grants_mut().sql.admission = false;
    let denial = without.sql_admission(entry("media db", "media", net, "trust", None)).unwrap_err();
    assert_eq!(denial.line, "sql.admission = true");
    assert!(without.sql_reload("main".into()).is_err());
    assert!(without.sql_hba(HbaQuestion { connection: "main".into() }).is_err());
}

#[test]
fn logging_in() {
    let gate = gate();
    let login = |database: &str, role: &str| SqlLogin {
        connection: "main".into(),
        database: database.into(),
        role: role.into(),
        password: None,
    };
    assert!(gate.sql_login(login("media db", "media")).is_ok());
    assert!(gate.sql_login(login("media db", "postgres")).is_err());
    assert!(gate.sql_login(login("postgres", "media")).is_err());
    let secret = Target::Made(Address::new("secret", "x"), "p".into());
    let question =
        |role: &str| PasswordQuestion { connection: "main".into(), role: role.into(), password: secret.clone() };
    assert!(gate.sql_password(question("media")).is_ok());
    assert!(gate.sql_password(question("other")).is_err());
}

#[test]
fn names_up_to_63_bytes() {
    assert!(plain_name(&"é".repeat(31)).is_ok());
    assert!(plain_name(&"x".repeat(63)).is_ok());
    assert!(plain_name(&"é".repeat(32)).is_err());
    for name in ["media-manager", "Media", "it's \"quoted\"", "a b", "ü"] {
        assert!(plain_name(name).is_ok(), "{name}");
    }
}

#[test]
fn a_name_that_is_only_known_later_grants_nothing() {
    let instance = Address::new("postgres", "media");
    let target = Target::Output(Address::new("x", "y"), "z".into());
    let section = Tree::Table(vec![("role".into(), Tree::Reference(target))]);
    let grants = built_in(&instance, &section, &[], &HostFile::empty(Path::new("/etc/stackrun.toml")));
    assert!(grants.sql.roles.is_empty());
    assert_eq!(grants.sql.databases, ["media"]);
}
