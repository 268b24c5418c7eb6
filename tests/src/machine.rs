//! What stacks change of a lab's machine, to be held against what it was before.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{command::run, lab::Lab};

/// Folders of a lab that its servers or stackrun itself write all the time.
const BUSY: &[&str] =
    &["pg/data", "pg/log", "pg/run", "podman", "caddy/data", "caddy/run", "idp/log", "idp/state", "state"];

/// A machine at one moment, by what is looked at: `pg_hba.conf`, `containers`, `file caddy/sites/…`. What holds data or
/// secrets is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine(BTreeMap<String, String>);

impl Machine {
    /// All that is no data: files and folders with owner and mode, what PostgreSQL and the provider read, containers,
    /// images, networks, volumes.
    ///
    /// # Errors
    /// When something can't be looked at.
    pub fn look(lab: &Lab) -> Result<Self> {
        let mut seen = BTreeMap::new();
        for (what, path) in [
            ("pg_hba.conf", &lab.postgres.hba),
            ("pg_ident.conf", &lab.postgres.ident),
            ("the provider's clients", &lab.idp.clients_fragment),
            ("the provider's configuration", &lab.idp.configuration),
            ("the Caddyfile", &lab.caddy.caddyfile),
        ] {
            let text = fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
            seen.insert(what.to_owned(), text);
        }
        seen.insert("what Caddy serves".to_owned(), lab.caddy.serves()?);
        seen.insert("clients registered at the provider".to_owned(), lab.idp.registered()?.join(" "));
        for (what, list) in [
            ("containers", &["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"][..]),
            ("images", &["images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]),
            ("networks", &["network", "ls", "--format", "{{.Name}} {{.Driver}}"]),
            ("volumes", &["volume", "ls", "--format", "{{.Name}}"]),
        ] {
            seen.insert(what.to_owned(), sorted(&run(lab.podman.command().args(list))?));
        }
        walk(&lab.dir, &lab.dir, &mut seen)?;
        Ok(Self(seen))
    }

    /// Fails with all that is not as it was.
    ///
    /// # Errors
    /// When there is something.
    pub fn same_as(&self, before: &Self) -> Result<()> {
        let names = self.0.keys().chain(before.0.keys().filter(|name| !self.0.contains_key(*name)));
        let differs = names.filter_map(|name| {
            let (was, is) = (before.0.get(name), self.0.get(name));
            let told = |value: Option<&String>| value.cloned().unwrap_or_else(|| "not there".to_owned());
            (was != is).then(|| format!("{name}\n  was: {}\n  is:  {}", told(was), told(is)))
        });
        let differs: Vec<String> = differs.collect();
        ensure!(differs.is_empty(), "the machine is not as it was:\n{}", differs.join("\n"));
        Ok(())
    }
}

/// Roles and databases, which hold data or own some.
///
/// # Errors
/// When the server can't be asked.
pub fn roles_and_databases(lab: &Lab) -> Result<Vec<String>> {
    let roles =
        "select 'role ' || rolname from pg_roles union all select 'database ' || datname from pg_database order by 1";
    Ok(lab.postgres.sql("postgres", roles)?.lines().map(str::to_owned).collect())
}

/// Whether applications' folders, or secrets, are in it: those are data.
fn holds_data(inner: &Path) -> bool {
    ["data", "store"].iter().any(|name| inner.starts_with(name) && inner != Path::new(name))
}

fn walk(root: &Path, folder: &Path, seen: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let path = entry?.path();
        let inner = path.strip_prefix(root).context("a folder's entry is not in it")?;
        if BUSY.iter().any(|busy| inner == Path::new(busy)) || holds_data(inner) {
            continue;
        }
        let about = fs::symlink_metadata(&path).with_context(|| format!("{} can't be looked at", path.display()))?;
        let mode = about.permissions().mode();
        seen.insert(format!("file {}", inner.display()), format!("{mode:o} {}:{}", about.uid(), about.gid()));
        if about.is_dir() {
            walk(root, &path, seen)?;
        }
    }
    Ok(())
}

fn sorted(lines: &str) -> String {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines.join(", ")
}
