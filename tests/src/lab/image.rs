//! Application images, made from `tests/lab/apps/APP` and never pulled.
//!
//! Each is imported once, into a small Podman store of its own in the cache; a lab's Podman then has that store
//! as an additional, read-only one (`additionalimagestores`), so an image costs a new lab nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{cache, mounts, podman::Home, rootfs};
use crate::{
    command::{run, show, tail},
    setup::Tools,
};

/// An application's `image.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    /// Full name of the image, with its tag.
    tag: String,
    /// What a container runs.
    cmd: Vec<String>,
    /// Environment of a container. Values without blanks, quotes or backslashes.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Working folder of a container.
    workdir: String,
    /// Where the application's folder goes in the image.
    copy_to: String,
}

/// An image in the cache.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name with its tag.
    pub tag: String,
    /// The image store that holds it.
    pub store: PathBuf,
}

/// The image of the application in `app`, from the cache or made now.
///
/// # Errors
/// When `image.toml` is wrong, or a tool fails: its own words.
pub fn ensure(app: &Path, tools: &Tools, say: &mut dyn FnMut(&str)) -> Result<Image> {
    let name = app.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let recipe = read(&app.join("image.toml"))?;
    let (python, tree) = rootfs::with_requirements(&app.join("requirements.txt"), tools, say)?;
    let key = cache::Key::new("image 1").text(&python).tree(app)?.finish();
    let folder = cache::entry(&format!("image-{name}-{key}"), |folder| {
        say(&format!("making the image {}", recipe.tag));
        let stage = folder.join("stage");
        // Hard links: the tree is large, and only new files come to it.
        run(Command::new("cp").args(["-a", "--link"]).arg(&tree).arg(&stage))?;
        cache::copy_source(app, &stage.join(recipe.copy_to.trim_start_matches('/')))?;
        // The application's own user can't write these later, and compiling takes seconds a start.
        rootfs::inside(&stage, &["python3", "-m", "compileall", "-q", &recipe.copy_to])?;
        let podman = folder.join("podman");
        import(&recipe, &stage, &Home::write(&podman, None, &[])?)?;
        mounts::unmount_below(&podman)?;
        fs::remove_dir_all(&stage).with_context(|| format!("can't remove {}", stage.display()))
    })?;
    Ok(Image { tag: recipe.tag, store: Home::storage(&folder.join("podman")) })
}

fn read(path: &Path) -> Result<Recipe> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let recipe: Recipe =
        toml::from_str(&text).with_context(|| format!("{} is not a description of an image", path.display()))?;
    if let Some((name, value)) = recipe.env.iter().find(|(_, value)| value.contains([' ', '\t', '\n', '"', '\'', '\\']))
    {
        bail!(
            "{}: env.{name} = {value:?} can't be handed to `podman import`: no blanks, quotes or backslashes",
            path.display()
        );
    }
    if !recipe.copy_to.starts_with('/') {
        bail!("{}: copy_to must be an absolute path of the image, not {:?}", path.display(), recipe.copy_to);
    }
    Ok(recipe)
}

fn import(recipe: &Recipe, stage: &Path, home: &Home) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--numeric-owner", "--owner=0", "--group=0"])
        .args(["--exclude=./proc/*", "--exclude=./sys/*", "--exclude=./dev/*", "--exclude=./run/*"])
        .arg("--directory")
        .arg(stage)
        .arg(".");
    let mut podman = home.podman();
    podman.args(["import", "--quiet"]);
    let path = format!("{}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", rootfs::VENV);
    let mut env = BTreeMap::from([("PATH", path.as_str()), ("LANG", "C.UTF-8")]);
    env.extend(recipe.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    for (name, value) in env {
        podman.arg("--change").arg(format!("ENV {name}={value}"));
    }
    podman.arg("--change").arg(format!("WORKDIR {}", recipe.workdir));
    podman
        .arg("--change")
        .arg(format!("CMD {}", serde_json::to_string(&recipe.cmd).context("can't write the command")?));
    podman.args(["-", &recipe.tag]);
    pipe(&mut tar, &mut podman)
}

/// Runs `from | to`, and fails when either does.
fn pipe(from: &mut Command, to: &mut Command) -> Result<()> {
    let (shown_from, shown_to) = (show(from), show(to));
    let mut source = from
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .with_context(|| format!("can't start `{shown_from}`"))?;
    let stream = source.stdout.take().context("a child without its output")?;
    let sink = to.stdin(stream).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let source_status = source.wait().with_context(|| format!("can't wait for `{shown_from}`"))?;
    let sink = sink.with_context(|| format!("can't run `{shown_to}`"))?;
    if !sink.status.success() {
        bail!("`{shown_to}` failed ({}):\n{}", sink.status, tail(&String::from_utf8_lossy(&sink.stderr)));
    }
    if !source_status.success() {
        bail!("`{shown_from}` failed ({source_status})");
    }
    Ok(())
}
