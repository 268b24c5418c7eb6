//! Effects that no plan holds, to see that they are found.

use std::fs;

use anyhow::{Result, ensure};
use stackrun_tests::{
    recorders::{Effect, effect::difference, expected},
    stack::DONE,
};

use super::held::Held;

/// A verb of the operator's that does more than its command says, in each way that a recorder stands for.
pub fn a_step_that_does_more_than_it_shows_is_found(held: &Held<'_>) -> Result<()> {
    let Held { recorded, lab } = held;
    let plan = held.planned()?;
    let at = |name: &str| lab.dir.join(name).display().to_string();
    let (left, gone, same) = (at("caddy/sites/left"), at("caddy/sites/gone"), at("ca/root.pem"));
    // Only when it restarts, so that each happens once.
    let what = format!(
        "case $0 in *restart) ;; *) exec true;; esac\n\
         echo '# more' > '{left}'\n\
         echo '# more' > '{gone}' && rm '{gone}'\n\
         cat '{same}' > '{same}.x' && mv '{same}.x' '{same}'\n\
         ask() {{ curl --disable --silent --output /dev/null --noproxy '*' \"$@\"; }}\n\
         ask --unix-socket '{engine}' -X POST 'http://x/containers/planted/pause'\n\
         ask --unix-socket '{caddy}' -X DELETE http://x/id/planted\n\
         ask -X POST --data planted=1 http://{publish}:16366/planted\n\
         ask -H 'X-Token: planted' http://{publish}:16366/\n\
         ask --cacert '{ca}' --resolve '{provider}:127.0.0.1' -X DELETE https://{provider}/planted\n\
         here='psql --no-psqlrc --port {port} --command'\n\
         setpriv --reuid=postgres --regid=postgres --clear-groups $here 'CHECKPOINT' --host '{run}' >/dev/null\n\
         PGPASSWORD=guessed $here 'SELECT 1' --host 127.0.0.1 --username mediamanager postgres 2>/dev/null\n",
        ca = at("ca/root.pem"),
        provider = lab.idp.issuer.trim_start_matches("https://"),
        port = lab.postgres.port,
        run = lab.postgres.socket.display(),
        engine = at("data/recorders/engine.sock"),
        caddy = at("data/recorders/caddy.sock"),
        publish = recorded.publish,
    );
    let run = recorded.verbs.doing_more(&what, || recorded.run(|_| held.saved().quietly("apply", &[], DONE)))?;
    let (more, less) = difference(&run.effects, &expected::of_apply(&plan, &held.around(&run))?);
    ensure!(less.is_empty(), "the plan holds what apply did not do: {less:#?}");
    let told: Vec<String> = more.iter().map(|effect| format!("{effect:?}")).collect();
    let planted = [
        left.as_str(),
        &gone,
        &same,
        &format!("{same}.x"),
        "POST /containers/planted/pause",
        "DELETE /id/planted",
        "mediamanager:8000: POST /planted\\nplanted=1",
        "mediamanager:8000: GET /\\nx-token: planted",
        "provider: DELETE /planted",
        "in postgres: CHECKPOINT",
        "mediamanager to postgres",
    ];
    for one in planted {
        ensure!(told.iter().any(|effect| effect.contains(one)), "{one} was planted and not found in {told:#?}");
    }
    ensure!(more.len() == planted.len(), "more was found than was planted: {told:#?}");
    Ok(fs::remove_file(&left)?)
}

/// A file and statements that no plan holds, done by the test itself while a command of stackrun runs.
pub fn what_is_done_beside_is_found(held: &Held<'_>) -> Result<()> {
    let planted = held.lab.dir.join("caddy/sites/planted.caddy");
    let statements = [
        "COMMENT ON ROLE mediamanager IS 'planted'",
        // It selects, and does something.
        "SELECT pg_catalog.pg_notify('planted', '')",
    ];
    let run = held.recorded.run(|stack| {
        stack.quietly("status", &[], DONE)?;
        fs::write(&planted, "# not in any plan\n")?;
        statements.iter().try_for_each(|statement| held.lab.postgres.sql("mediamanager", statement).map(drop))
    })?;
    let file = format!("{}: changed 1 times, now file 644 0:0\n# not in any plan\n", planted.display());
    let mut found: Vec<Effect> = statements.iter().map(|statement| Effect::sql("mediamanager", statement)).collect();
    found.push(Effect::File(file));
    let (mut seen, mut found) = (run.effects, found);
    seen.sort();
    found.sort();
    ensure!(seen == found, "planted and not found, or more: {seen:#?}");
    Ok(fs::remove_file(&planted)?)
}
