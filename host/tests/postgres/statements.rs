//! Each statement: carried out, seen, taken back.

use proptest::prelude::*;
use stackrun::{
    capability::{
        StepKind,
        sql::{PasswordQuestion, SqlBefore, Statement::*},
    },
    model::{
        Sameness, WriteMode,
        value::{Form, Target},
    },
};

use super::stage::{Stage, database};

fn role() -> String {
    "media".to_owned()
}

const LOGIN: &str = "SELECT rolcanlogin::text FROM pg_roles WHERE rolname = 'media'";
const OWNER: &str = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'media'";

fn some(text: &str) -> Vec<Option<String>> {
    vec![Some(text.to_owned())]
}

#[tokio::test]
async fn a_role_is_made_and_taken_back() {
    let stage = Stage::new();
    let create = CreateRole { role: role() };
    assert!(!stage.is_done(create.clone()).await);
    let before = stage.run(create.clone()).await;
    assert_eq!(before, SqlBefore::Missing);
    assert!(stage.is_done(create.clone()).await);
    let attributes = "SELECT concat_ws(',', rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, \
                      rolbypassrls) FROM pg_roles WHERE rolname = 'media'";
    assert_eq!(stage.ask("postgres", attributes).await, some("f,f,f,t,f,f"));
    assert_eq!(stage.run(create.clone()).await, SqlBefore::Present, "exactly this role is there");
    for somebody_elses in ["CREATEDB", "PASSWORD 'theirs'"] {
        stage.ask("postgres", &format!("ALTER ROLE media {somebody_elses}")).await;
        let refused = stage.refused(create.clone()).await;
        assert!(refused.contains("already exists"), "{refused}");
        stage.ask("postgres", "ALTER ROLE media NOCREATEDB PASSWORD NULL").await;
    }

    stage.ask("postgres", "ALTER ROLE media NOLOGIN").await;
    let before = stage.run(AllowLogin { role: role() }).await;
    assert_eq!(stage.ask("postgres", LOGIN).await, some("true"));
    stage.undo(AllowLogin { role: role() }, &before).await;
    assert_eq!(stage.ask("postgres", LOGIN).await, some("false"));

    let before = stage.run(DropRole { role: role() }).await;
    assert!(stage.is_done(DropRole { role: role() }).await);
    stage.undo(DropRole { role: role() }, &before).await;
    assert_eq!(stage.ask("postgres", LOGIN).await, some("false"), "as it was, without a login");

    stage.undo(create, &SqlBefore::Missing).await;
    assert!(stage.ask("postgres", LOGIN).await.is_empty());
}

#[tokio::test]
async fn a_database_is_made_given_away_and_taken_back() {
    let stage = Stage::new();
    stage.run(CreateRole { role: role() }).await;
    let mut wanted = database("media", "media");
    wanted.encoding = Some("UTF8".into());
    wanted.locale = Some("C.UTF-8".into());
    wanted.template = Some("template0".into());
    let create = CreateDatabase(wanted);
    assert_eq!(stage.run(create.clone()).await, SqlBefore::Missing);
    assert!(stage.is_done(create.clone()).await);
    assert_eq!(stage.ask("postgres", OWNER).await, some("media"));
    assert_eq!(stage.ask("media", "SHOW server_encoding").await, some("UTF8"));

    stage.ask("postgres", "ALTER DATABASE media OWNER TO postgres").await;
    let give = SetOwner { database: "media".into(), owner: role() };
    assert!(!stage.is_done(give.clone()).await);
    let before = stage.run(give.clone()).await;
    assert_eq!(before, SqlBefore::Owner("postgres".into()));
    assert_eq!(stage.ask("postgres", OWNER).await, some("media"));
    stage.undo(give, &before).await;
    assert_eq!(stage.ask("postgres", OWNER).await, some("postgres"));

    let extend = CreateExtension { database: "media".into(), extension: "citext".into() };
    let before = stage.run(extend.clone()).await;
    assert!(stage.is_done(extend.clone()).await);
    stage.undo(extend.clone(), &before).await;
    assert!(!stage.is_done(extend).await);

    stage.undo(create, &SqlBefore::Missing).await;
    assert!(stage.ask("postgres", OWNER).await.is_empty());
}

#[tokio::test]
async fn a_fresh_database_that_holds_data_is_not_dropped_by_a_revert() {
    let stage = Stage::new();
    stage.run(CreateRole { role: role() }).await;
    let create = CreateDatabase(database("media", "media"));
    stage.run(create.clone()).await;
    stage.ask("media", "CREATE TABLE public.films (title text)").await;
    stage.undo(create, &SqlBefore::Missing).await;
    stage.undo(CreateRole { role: role() }, &SqlBefore::Missing).await;
    assert_eq!(stage.ask("postgres", OWNER).await, some("media"), "database and owner are still there");

    let drop = DropDatabase { database: "media".into() };
    let before = stage.run(drop.clone()).await;
    assert!(stage.is_done(drop.clone()).await);
    let gone = super::stage::step(drop).revert(&before, &stage.acting()).await.unwrap_err();
    assert!(gone.to_string().contains("can't be brought back"), "{gone}");
}

#[tokio::test]
async fn superusers_and_templates_are_left_alone() {
    let stage = Stage::new();
    stage.run(CreateRole { role: role() }).await;
    stage.run(CreateDatabase(database("media", "media"))).await;
    stage.ask("postgres", "ALTER DATABASE media IS_TEMPLATE true").await;
    for statement in [
        DropDatabase { database: "media".into() },
        SetOwner { database: "media".into(), owner: role() },
        CreateExtension { database: "media".into(), extension: "citext".into() },
    ] {
        let refused = stage.refused(statement).await;
        assert!(refused.contains("is a template of the server"), "{refused}");
    }
    stage.ask("postgres", "ALTER ROLE media SUPERUSER").await;
    let verifier = Target::Derived(Form::ScramSha256, Box::new(stage.secret("x")));
    for statement in [
        AllowLogin { role: role() },
        DropRole { role: role() },
        SetPassword { role: role(), verifier },
        CreateDatabase(database("media", "media")),
    ] {
        let refused = stage.refused(statement).await;
        assert!(refused.contains("is a superuser of the server"), "{refused}");
    }
}

#[tokio::test]
async fn a_password_is_set_as_a_verifier_compared_and_put_back() {
    const VERIFIER: &str = "SELECT rolpassword FROM pg_authid WHERE rolname = 'media'";
    let stage = Stage::new();
    let secret = stage.secret("canary-7f3a9c");
    let question = || PasswordQuestion { connection: "main".into(), role: role(), password: secret.clone() };
    let sameness = async || {
        stage.world.memo.clear();
        stage.world.sql_password(&stage.gate.sql_password(question()).unwrap()).await.unwrap()
    };
    assert_eq!(sameness().await, Sameness::Absent, "no role");
    stage.run(CreateRole { role: role() }).await;
    assert_eq!(sameness().await, Sameness::Absent, "no password");

    let set = SetPassword { role: role(), verifier: Target::Derived(Form::ScramSha256, Box::new(secret.clone())) };
    let before = stage.run(set.clone()).await;
    assert_eq!(sameness().await, Sameness::Same);
    let first = stage.ask("postgres", VERIFIER).await;
    assert!(first[0].as_deref().unwrap().starts_with("SCRAM-SHA-256$4096:"));
    stage.run(set.clone()).await;
    assert_eq!(stage.ask("postgres", VERIFIER).await, first, "made once, sent twice");

    // By hand, another password; and the same one, with another salt.
    stage.ask("postgres", "ALTER ROLE media PASSWORD 'other'").await;
    assert_eq!(sameness().await, Sameness::Different);
    stage.ask("postgres", "ALTER ROLE media PASSWORD 'canary-7f3a9c'").await;
    assert_eq!(sameness().await, Sameness::Same);

    stage.undo(set, &before).await;
    assert_eq!(stage.ask("postgres", VERIFIER).await, [None]);
    let log = std::fs::read_to_string(stage.cluster.log()).unwrap();
    assert_eq!(log.matches("canary-7f3a9c").count(), 1, "only what this test itself sent in clear is in the log");
}

#[tokio::test]
async fn what_is_no_verifier_is_never_sent() {
    let stage = Stage::new();
    stage.run(CreateRole { role: role() }).await;
    let refused = stage.refused(SetPassword { role: role(), verifier: stage.secret("plain") }).await;
    assert!(refused.contains("no SCRAM-SHA-256 verifier"), "{refused}");
}

/// Names with quotes, dashes, capitals, blanks, other scripts, and up to 63 bytes.
fn names() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("\\".to_owned()),
        Just("; DROP ROLE x --".to_owned()),
        Just("#".to_owned()),
        Just("$$".to_owned()),
        Just(" ".to_owned()),
        Just(",".to_owned()),
        "[A-Za-z0-9_%.-]{1,20}",
        "\\PC{1,8}",
    ];
    prop::collection::vec(piece, 1..8).prop_map(|pieces| {
        let mut name = pieces.concat();
        while name.len() > 63 {
            name.pop();
        }
        name
    })
}

#[test]
fn any_name_that_the_gate_lets_pass_arrives_as_it_is() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stage = std::cell::RefCell::new(runtime.block_on(async { Stage::with(WriteMode::Files, "", "") }));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 40, ..ProptestConfig::default() });
    let result = runner.run(&names(), |name| {
        let mut stage = stage.borrow_mut();
        stage.gate = super::stage::gate(&name, &name);
        let permitted = stage.gate.sql_change(super::stage::step(CreateRole { role: name.clone() }));
        prop_assume!(permitted.is_ok());
        runtime.block_on(async {
            let roles = async |stage: &Stage| stage.ask("postgres", "SELECT rolname::text FROM pg_roles").await;
            let count = roles(&stage).await.len();
            stage.run(CreateRole { role: name.clone() }).await;
            let now = roles(&stage).await;
            assert_eq!(now.len(), count + 1);
            assert!(now.contains(&Some(name.clone())), "{name:?} became another one: {now:?}");
            stage.run(CreateDatabase(database(&name, &name))).await;
            super::admission::lets_in_exactly(&stage, &name).await;
            stage.run(DropDatabase { database: name.clone() }).await;
            stage.run(DropRole { role: name.clone() }).await;
            assert_eq!(roles(&stage).await.len(), count);
        });
        Ok(())
    });
    result.unwrap();
}
