//! Questions to the catalogue.

use stackrun::capability::sql::{SqlAnswer, SqlQuery};

use super::stage::Stage;

#[tokio::test]

async fn rows_come_as_text() {
    let stage = Stage::new();
    let query = |database: Option<&str>, relation: &str, columns: &[&str], equal: &[(&str, &str)]| SqlQuery {
        connection: "main".into(),
        database: database.map(str::to_owned),
        relation: relation.into(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        where_equal: equal.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect(),
    };
    let read = async |query| stage.world.sql_read(&stage.gate.sql_read(query).unwrap()).await.unwrap();

    let postgres = query(None, "pg_roles", &["rolname", "rolsuper", "rolvaliduntil"], &[("rolname", "postgres")]);
    let row = vec![Some("postgres".to_owned()), Some("true".to_owned()), None];
    assert_eq!(read(postgres).await, SqlAnswer::Rows(vec![row]));
    // A value is a value, whatever it looks like.
    let nobody = query(None, "pg_roles", &["rolname"], &[("rolname", "x' OR 'a' = 'a")]);
    assert_eq!(read(nobody).await, SqlAnswer::Rows(vec![]));
    let inside = query(Some("media"), "pg_extension", &["extname"], &[]);
    assert_eq!(read(inside.clone()).await, SqlAnswer::NoSuchDatabase);

    stage.ask("postgres", "CREATE DATABASE media").await;
    assert_eq!(read(inside.clone()).await, SqlAnswer::NoSuchDatabase, "asked once a run");
    stage.world.memo.clear();
    assert_eq!(read(inside).await, SqlAnswer::Rows(vec![vec![Some("plpgsql".to_owned())]]));
}
