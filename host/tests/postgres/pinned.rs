//! What a superuser's session resolves is the catalogue's, whatever an application's role puts into its own database.

use stackrun::capability::sql::{
    SqlAnswer, SqlQuery,
    Statement::{CreateDatabase, CreateExtension, CreateRole},
};

use super::stage::{Stage, database};

/// A role that owns its database puts an operator, a function and a type of the catalogue's names into a schema of its
/// own, and has every session of its database look there first.
const TRAP: &[&str] = &[
    "CREATE SCHEMA trap AUTHORIZATION media",
    "SET ROLE media",
    "CREATE TABLE trap.sprung (who text, super boolean)",
    "GRANT ALL ON SCHEMA trap TO PUBLIC",
    "GRANT ALL ON trap.sprung TO PUBLIC",
    "CREATE FUNCTION trap.spring(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
     INSERT INTO trap.sprung SELECT current_user, true; RETURN true; END $$",
    "CREATE FUNCTION trap.spring(pg_catalog.name, pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
     INSERT INTO trap.sprung SELECT current_user, true; RETURN true; END $$",
    "CREATE OPERATOR trap.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = trap.spring)",
    "CREATE OPERATOR trap.= (LEFTARG = pg_catalog.name, RIGHTARG = pg_catalog.text, FUNCTION = trap.spring)",
    "CREATE FUNCTION trap.pg_get_userbyid(pg_catalog.oid) RETURNS name LANGUAGE plpgsql AS $$ BEGIN \
     INSERT INTO trap.sprung SELECT current_user, true; RETURN 'media'; END $$",
    "CREATE DOMAIN trap.text AS pg_catalog.int4",
    "RESET ROLE",
    "ALTER DATABASE media SET search_path = trap, pg_catalog",
    "ALTER DATABASE media SET standard_conforming_strings = off",
    "ALTER DATABASE media SET role = media",
    "ALTER DATABASE media SET statement_timeout = 1",
    "ALTER ROLE postgres SET search_path = trap, pg_catalog",
];

#[tokio::test]
async fn an_applications_role_puts_nothing_in_our_way() {
    let stage = Stage::new();
    stage.run(CreateRole { role: "media".into() }).await;
    stage.run(CreateDatabase(database("media", "media"))).await;
    for statement in TRAP {
        stage.ask("media", statement).await;
    }
    // As the next run comes: with sessions that carry what database and role say.
    let server = stage.world.connections.postgresql("main").unwrap();
    for database in ["media", "postgres"] {
        server.leave(database).await;
    }

    let query = SqlQuery {
        connection: "main".into(),
        database: Some("media".into()),
        relation: "pg_extension".into(),
        columns: vec!["extname".into()],
        where_equal: vec![("extname".into(), "citext".into())],
    };
    let read = stage.world.sql_read(&stage.gate.sql_read(query).unwrap()).await.unwrap();
    assert_eq!(read, SqlAnswer::Rows(vec![]));
    let extend = CreateExtension { database: "media".into(), extension: "citext".into() };
    assert!(!stage.is_done(extend.clone()).await);
    let before = stage.run(extend.clone()).await;
    assert!(stage.is_done(extend.clone()).await);
    const SCHEMA: &str = "SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n \
                          ON n.oid OPERATOR(pg_catalog.=) e.extnamespace WHERE e.extname = 'citext'";
    assert_eq!(stage.ask("media", SCHEMA).await, [Some("public".to_owned())]);
    stage.undo(extend.clone(), &before).await;
    stage.undo(CreateDatabase(database("media", "media")), &stackrun::capability::sql::SqlBefore::Missing).await;

    assert_eq!(stage.ask("media", "SELECT who FROM trap.sprung").await, Vec::<Option<String>>::new());
    for (setting, value) in
        [("search_path", "pg_catalog,pg_temp"), ("standard_conforming_strings", "on"), ("role", "none")]
    {
        assert_eq!(stage.ask("media", &format!("SHOW {setting}")).await, [Some(value.to_owned())], "{setting}");
    }
}
