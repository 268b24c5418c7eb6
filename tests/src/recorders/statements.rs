//! What PostgreSQL was told, by its own log of every statement.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Effect;
use crate::lab::Lab;

/// The log of a lab's PostgreSQL.
pub struct Statements {
    log: PathBuf,
}

impl Statements {
    /// Of a lab that was started with `log_statements`.
    pub fn of(lab: &Lab) -> Self {
        Self { log: lab.postgres.log.clone() }
    }

    /// Where the log ends now.
    pub fn mark(&self) -> Result<usize> {
        Ok(self.read()?.len())
    }

    /// What stackrun's role had done since, without its questions. The application logs in as another role.
    pub fn since(&self, mark: usize) -> Result<Vec<Effect>> {
        let log = self.read()?;
        let lines = log.get(mark..).context("the log of PostgreSQL became shorter")?.lines();
        Ok(lines.filter_map(of_line).filter(|statement| !is_question(statement)).map(Effect::sql).collect())
    }

    fn read(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("can't read {}", self.log.display()))
    }
}

/// `… postgres@media LOG:  execute s1: CREATE ROLE …`
fn of_line(line: &str) -> Option<&str> {
    let (_, said) = line.split_once("] postgres@")?;
    let (_, said) = said.split_once(" LOG:  ")?;
    match said.strip_prefix("statement: ") {
        Some(statement) => Some(statement),
        None => said.strip_prefix("execute ")?.split_once(": ").map(|(_, statement)| statement),
    }
}

/// A question: it selects from the catalogue, and has nothing done. Reloading is a SELECT, and no question.
fn is_question(statement: &str) -> bool {
    statement.starts_with("SELECT ") && !statement.contains("pg_reload_conf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts() {
        let line = |said: &str| format!("2026-11-27 19:59:38.843 UTC [5853] postgres@media LOG:  {said}");
        assert_eq!(of_line(&line("execute s1: DROP ROLE \"a\"")), Some("DROP ROLE \"a\""));
        assert_eq!(of_line(&line("statement: DROP ROLE a")), Some("DROP ROLE a"));
        assert_eq!(of_line(&line("duration: 1 ms")), None);
        assert_eq!(of_line("2026 UTC [1] media@media LOG:  statement: DROP TABLE a"), None, "the application's own");
        assert!(is_question("SELECT 1 FROM pg_catalog.pg_roles"));
        for effect in
            ["SELECT pg_catalog.pg_reload_conf()", "DROP ROLE a", "SET ROLE a", "WITH x AS (DELETE FROM y) SELECT 1"]
        {
            assert!(!is_question(effect), "{effect}");
        }
    }
}
