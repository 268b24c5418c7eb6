//! Every step and every revert, whatever was done before: by a run that was killed, or by hand.

use stackrun::{
    capability::{
        StepKind,
        sql::{RevokeAdmission, SqlBefore, SqlReload, SqlStep, Statement, Statement::*},
    },
    model::{
        desired::{Admission, HbaEntry},
        value::{Form, Target},
    },
};

use super::stage::{Stage, database, step};

const ROLE: &str = "CREATE ROLE media LOGIN";
const DATABASE: &str = "CREATE DATABASE media OWNER media";
const NOTHING: &[&str] = &["DROP DATABASE IF EXISTS media", "DROP ROLE IF EXISTS media"];

/// What somebody has done before, by hand.
async fn by_hand(stage: &Stage, statements: &[&str]) {
    stage.world.connections.postgresql("main").unwrap().leave("media").await;
    for statement in statements {
        let place = if statement.contains("EXTENSION") { "media" } else { "postgres" };
        stage.ask(place, statement).await;
    }
    stage.world.connections.postgresql("main").unwrap().leave("media").await;
}

fn statements(stage: &Stage) -> Vec<Statement> {
    let role = || "media".to_owned();
    let verifier = Target::Derived(Form::ScramSha256, Box::new(stage.secret("correct horse")));
    vec![
        CreateRole { role: role() },
        AllowLogin { role: role() },
        SetPassword { role: role(), verifier },
        CreateDatabase(database("media", "media")),
        SetOwner { database: "media".into(), owner: role() },
        CreateExtension { database: "media".into(), extension: "citext".into() },
        DropDatabase { database: "media".into() },
        DropRole { role: role() },
    ]
}

/// For each statement: what makes it needless, and what it says when it is carried out all the same.
fn done(statement: &Statement) -> &'static [&'static str] {
    match statement {
        CreateRole { .. } | AllowLogin { .. } | SetPassword { .. } => &[ROLE],
        CreateDatabase(_) | SetOwner { .. } => &[ROLE, DATABASE],
        CreateExtension { .. } => &[ROLE, DATABASE, "CREATE EXTENSION citext"],
        DropDatabase { .. } | DropRole { .. } => &[],
    }
}

#[tokio::test]
async fn what_is_done_already_is_not_done_again() {
    let stage = Stage::new();
    for statement in statements(&stage) {
        by_hand(&stage, NOTHING).await;
        by_hand(&stage, done(&statement)).await;
        let step = step(statement);
        let acting = stage.acting();
        for time in ["first", "second"] {
            let before = step.before(&acting).await.unwrap_or_else(|why| panic!("{}: {why}", step.headline()));
            step.carry_out(&acting).await.unwrap_or_else(|why| panic!("{}, {time} time: {why}", step.headline()));
            assert_ne!(before, SqlBefore::Missing, "{}", if is_removal(&step) { continue } else { step.headline() });
        }
    }
}

fn is_removal(step: &SqlStep) -> bool {
    matches!(step.statement, DropDatabase { .. } | DropRole { .. })
}

/// Whatever a statement found before it was carried out: its object is gone when it is to be taken back.
#[tokio::test]
async fn there_is_nothing_to_take_back_of_what_is_gone() {
    let stage = Stage::new();
    for statement in statements(&stage) {
        let befores = [
            SqlBefore::Missing,
            SqlBefore::Present,
            SqlBefore::Role { login: false, verifier: None },
            SqlBefore::Owner("postgres".into()),
        ];
        for before in befores {
            by_hand(&stage, NOTHING).await;
            let step = step(statement.clone());
            let went = step.revert(&before, &stage.acting()).await;
            let brings_back = matches!(step.statement, DropRole { .. }) && matches!(before, SqlBefore::Role { .. });
            // Nothing brings back what was in it, and nobody may believe otherwise.
            if matches!(step.statement, DropDatabase { .. }) && matches!(before, SqlBefore::Owner(_)) {
                assert!(went.unwrap_err().to_string().contains("can't be brought back"));
                continue;
            }
            went.unwrap_or_else(|why| panic!("{}: {why}", step.headline()));
            let roles = stage.ask("postgres", "SELECT rolname::text FROM pg_roles WHERE rolname = 'media'").await;
            assert_eq!(!roles.is_empty(), brings_back, "{}", step.headline());
        }
    }
}

/// The object that a revert is about is there, and something that it needs is not.
#[tokio::test]
async fn a_revert_takes_back_what_is_left() {
    let stage = Stage::new();
    let extension = CreateExtension { database: "media".into(), extension: "citext".into() };
    by_hand(&stage, &[ROLE, DATABASE]).await;
    let before = stage.run(extension.clone()).await;
    by_hand(&stage, &["DROP EXTENSION citext"]).await;
    stage.undo(extension, &before).await;

    let give = SetOwner { database: "media".into(), owner: "media".into() };
    let gone = step(give).revert(&SqlBefore::Owner("nobody-any-more".into()), &stage.acting()).await.unwrap_err();
    assert!(gone.to_string().contains("nobody-any-more"), "an owner who is gone is said: {gone}");
}

#[tokio::test]
async fn rules_are_let_in_and_taken_back_any_number_of_times() {
    let stage = Stage::new();
    let acting = stage.acting();
    let entry = HbaEntry {
        database: "media".into(),
        role: "media".into(),
        network: None,
        method: "scram-sha-256".into(),
        map: None,
    };
    let admit = Admission { connection: "main".into(), hba: vec![entry], ident: vec![] };
    let revoke = RevokeAdmission { connection: "main".into() };
    let reload = SqlReload { connection: "main".into() };
    let nothing = admit.before(&acting).await.unwrap();
    for _ in 0..2 {
        admit.carry_out(&acting).await.unwrap();
        reload.carry_out(&acting).await.unwrap();
    }
    let there = revoke.before(&acting).await.unwrap();
    for _ in 0..2 {
        revoke.carry_out(&acting).await.unwrap();
        admit.revert(&nothing, &acting).await.unwrap();
        reload.revert(&(), &acting).await.unwrap();
    }
    for _ in 0..2 {
        revoke.revert(&there, &acting).await.unwrap();
        assert!(admit.is_done(&acting).await.unwrap());
    }
}
