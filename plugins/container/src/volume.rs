//! Volumes: `SOURCE:TARGET[:ro]`, or a table that says more.

use stackrun_plugin::{
    Section,
    types::{Diagnostic, Part},
};

use crate::amount;

/// A folder of this machine in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// None offline, where a folder of the host file is not known.
    pub source: Option<String>,
    pub target: String,
    pub read_only: bool,
    /// How the folder is made where it is missing.
    pub owner: Option<(String, String)>,
    pub mode: u32,
    /// Which of the section's volumes it is.
    pub index: usize,
}

const MODE: u32 = 0o755;

/// The volumes of a section, and what is wrong with them.
pub fn of(section: &Section<'_>, problems: &mut Vec<Diagnostic>) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for (index, place) in section.items("volumes").iter().enumerate() {
        match one(place, index) {
            Ok(volume) => {
                overlaps(place, &volume, &volumes, problems);
                volumes.push(volume);
            }
            Err(why) => problems.push(place.error(why).help("write SOURCE:TARGET or SOURCE:TARGET:ro, both absolute")),
        }
    }
    volumes
}

fn one(place: &Section<'_>, index: usize) -> Result<Volume, String> {
    let (source, target, read_only) = if place.at("target").is_present() {
        let target = place.string("target").ok_or("the target must be known when the plan is made")?;
        (place.at("source").as_string(), target, place.boolean("read_only").unwrap_or(false))
    } else {
        split(place)?
    };
    for path in source.iter().chain([&target]) {
        if !path.starts_with('/') {
            return Err(format!("`{path}` is not an absolute path"));
        }
        if path.split('/').any(|part| part == "..") {
            return Err(format!("`{path}` must not hold `..`"));
        }
    }
    if target == "/" {
        return Err("nothing can be mounted at `/`".to_owned());
    }
    let mode = match place.string("mode") {
        Some(text) => amount::mode(&text).ok_or_else(|| format!("`{text}` is no mode, such as 0750"))?,
        None => MODE,
    };
    let owner = place.string("owner").map(|owner| {
        let group = place.string("group").unwrap_or_else(|| owner.clone());
        (owner, group)
    });
    let bare = |path: String| if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
    Ok(Volume { source: source.map(bare), target: bare(target), read_only, owner, mode, index })
}

/// Source, target and whether it is read-only. Offline the source starts with a hole.
fn split(place: &Section<'_>) -> Result<(Option<String>, String, bool), String> {
    let (known, text) = match (place.as_string(), tail(place)) {
        (Some(text), _) => (true, text),
        (None, Some(text)) => (false, text),
        (None, None) => return Err("a volume is SOURCE:TARGET".to_owned()),
    };
    let mut parts = text.split(':');
    let (source, target) = (parts.next().unwrap_or_default(), parts.next());
    let target = target.ok_or_else(|| format!("`{text}` has no target"))?;
    let read_only = match (parts.next(), parts.next()) {
        (None | Some("rw"), None) => false,
        (Some("ro"), None) => true,
        _ => return Err(format!("after the target only `:ro` can follow, not `{text}`")),
    };
    Ok((known.then(|| source.to_owned()), target.to_owned(), read_only))
}

/// The last literal of a text with holes.
fn tail(place: &Section<'_>) -> Option<String> {
    match place.as_text()?.pop()? {
        Part::Literal(text) => Some(text),
        Part::Reference(_) | Part::Address(_) => None,
    }
}

fn overlaps(place: &Section<'_>, volume: &Volume, others: &[Volume], problems: &mut Vec<Diagnostic>) {
    for other in others {
        let (inner, outer) = if is_below(&volume.target, &other.target) {
            (&volume.target, &other.target)
        } else if is_below(&other.target, &volume.target) {
            (&other.target, &volume.target)
        } else {
            continue;
        };
        problems.push(if inner == outer {
            place.error(format!("two volumes are mounted at `{inner}`"))
        } else {
            place.note(format!("the volume at `{inner}` hides what the one at `{outer}` has there"))
        });
    }
}

/// Whether a path is a folder or something in it.
pub fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The volume that a path of the container lies in: the innermost one.
pub fn around<'a>(path: &str, volumes: &'a [Volume]) -> Option<&'a Volume> {
    volumes.iter().filter(|volume| is_below(path, &volume.target)).max_by_key(|volume| volume.target.len())
}

impl Volume {
    /// Where a path of the container is on this machine.
    pub fn outside(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.target).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some(format!("{}{rest}", self.source.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use stackrun_plugin::{
        Value,
        types::{Document, Severity, Tree},
    };

    use super::*;

    fn read(volumes: Vec<Value>) -> (Vec<Volume>, Vec<Diagnostic>) {
        let tree = Tree::from(Value::table([("volumes", Value::Items(volumes))]));
        let mut problems = Vec::new();
        let volumes = of(&Section::new(&tree, Document::Spec, Vec::new()), &mut problems);
        (volumes, problems)
    }

    #[test]
    fn a_volume_is_source_and_target() {
        let (volumes, problems) = read(vec!["/srv/a:/app/config/".into(), "/srv/m:/media:ro".into()]);
        assert!(problems.is_empty());
        assert_eq!((volumes[0].source.as_deref(), volumes[0].target.as_str()), (Some("/srv/a"), "/app/config"));
        assert!(!volumes[0].read_only && volumes[1].read_only);
        assert_eq!(volumes[0].outside("/app/config/config.toml").as_deref(), Some("/srv/a/config.toml"));
        assert_eq!(volumes[0].outside("/app/configuration"), None);
    }

    #[test]
    fn offline_the_source_is_a_hole() {
        let text = vec![Part::Reference(0), Part::Literal("/config:/app/config".into())];
        let (volumes, problems) = read(vec![Value::Text(text)]);
        assert!(problems.is_empty());
        assert_eq!((volumes[0].source.as_deref(), volumes[0].target.as_str()), (None, "/app/config"));
    }

    #[test]
    fn what_is_no_volume_is_said() {
        for wrong in
            ["/srv/a", "srv:/a", "/srv:a", "/srv/../etc:/a", "/srv:/a/../..", "/srv:/a:rx", "/srv:/", "/a:/b:ro:z"]
        {
            let (volumes, problems) = read(vec![wrong.into()]);
            assert!(volumes.is_empty() && problems.len() == 1, "{wrong}");
        }
    }

    #[test]
    fn overlaps_are_noted() {
        let (_, problems) = read(vec!["/srv/a:/data".into(), "/srv/b:/data/media".into(), "/srv/c:/database".into()]);
        assert!(matches!(problems.as_slice(), [one] if one.severity == Severity::Note));
        let (_, problems) = read(vec!["/srv/a:/data".into(), "/srv/b:/data/".into()]);
        assert!(matches!(problems.as_slice(), [one] if one.severity == Severity::Error));
    }

    #[test]
    fn the_innermost_volume_counts() {
        let (volumes, _) = read(vec!["/srv/a:/data".into(), "/srv/b:/data/media".into()]);
        assert_eq!(around("/data/media/tv", &volumes).unwrap().index, 1);
        assert_eq!(around("/data/images", &volumes).unwrap().index, 0);
        assert!(around("/database", &volumes).is_none());
    }
}
