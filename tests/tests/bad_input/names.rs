//! Names of roles and databases that are hard to carry: quotes, capitals, other scripts, and all of 63 bytes.

use anyhow::{Context, Result, ensure};
use stackrun_tests::stack::Stack;

use crate::{DONE, machine::Machine};

pub fn that_are_hard_to_carry(machine: &Machine<'_>) -> Result<()> {
    let longest = "n".repeat(63);
    for (number, name) in ["it's \"Media\", {{ $1 }} %s \\", "Médiathèque-Ü", longest.as_str()].into_iter().enumerate()
    {
        let spec = format!(
            "[stack]\nname = \"names\"\n[secret.app]\npassword = {{ generate = \"hex\" }}\n[postgres.app]\nrole = {name:?}\n\
             database = {name:?}\npassword = \"${{secret.password}}\"\n"
        );
        let spec = machine.write(&format!("bad/names-{number}.toml"), &spec)?;
        let stack = Stack { spec, set: Vec::new(), ..machine.stack()? };
        arrives(machine, &stack, name).with_context(|| name.to_owned())?;
        stack.quietly("destroy", &["--yes", "--delete-data", "postgres.app", "--delete-data", "secret.app"], DONE)?;
    }
    Ok(())
}

fn arrives(machine: &Machine<'_>, stack: &Stack, name: &str) -> Result<()> {
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.quietly("plan", &["--detailed-exitcode"], DONE).context("it does not converge")?;
    let sql = |sql: &str| machine.lab.postgres.sql("postgres", sql);
    let owned = sql(
        "select d.datname || ' ' || r.rolname from pg_database d join pg_roles r on r.oid = d.datdba where not datistemplate \
         and r.rolname <> 'postgres'",
    )?;
    ensure!(owned.trim() == format!("{name} {name}"), "what is there is {owned}");
    // The server reads the rule as it was meant.
    let quoted = name.replace('\'', "''");
    let ours = format!("error is null and user_name = array['{quoted}'] and database = array['{quoted}']");
    let rules = sql(&format!("select count(*) from pg_hba_file_rules where {ours}"))?;
    ensure!(rules.trim() == "1", "{} rules are for it", rules.trim());
    let broken = sql("select coalesce(string_agg(error, ' '), '') from pg_hba_file_rules where error is not null")?;
    ensure!(broken.trim().is_empty(), "pg_hba.conf is broken: {broken}");
    stack.quietly("verify", &[], DONE).map(drop)
}
