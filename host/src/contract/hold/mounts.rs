//! Volumes: paths that are lost with the container, folders of data that the image would re-own, hard links that
//! become copies.

use super::Holding;
use crate::model::{
    Segment,
    diagnostic::keys as path_of,
    value::{Part, Text, Tree},
};

/// A volume: `SOURCE:TARGET[:OPTIONS]`, or a table with a `target`.
struct Mount {
    target: String,
}

impl Holding<'_> {
    pub(super) fn mounts(&mut self) {
        let mounts = self.volumes();
        let keys = &self.contract.facts.config.keys;
        let mut complaints = Vec::new();
        for (name, key) in keys.iter().filter(|(_, key)| key.in_volume) {
            let Some(path) = self.path_of_key(name).filter(|path| path.starts_with('/')) else { continue };
            let at = name.split('.').map(|part| Segment::Key(part.to_owned()));
            let at: Vec<Segment> = path_of(["config"]).into_iter().chain(at).collect();
            let Some(volume) = volume_of(&path, &mounts) else {
                let message = format!("`{path}` lies in no volume: what is written there is lost with the container");
                let help = format!("mount a folder there: volumes = [\"${{host.NAME}}:{path}\"]");
                complaints.push((at, message, Some(help)));
                continue;
            };
            let other = key.same_volume.as_ref().and_then(|other| Some((other, self.path_of_key(other)?)));
            if let Some((other, other_path)) = other
                && volume_of(&other_path, &mounts).is_some_and(|other| other.target != volume.target)
            {
                let message = format!("`{name}` and `{other}` lie in two volumes");
                complaints.push((at, message, key.help.clone()));
            }
        }
        for (path, message, help) in complaints {
            self.error(path, message, help);
        }
    }

    fn volumes(&self) -> Vec<Mount> {
        let Some(Tree::Items(items)) = self.instance.section.get("volumes") else { return Vec::new() };
        let written = |item: &Tree| match item {
            Tree::Text(text) => target(text),
            table => table.get("target").and_then(Tree::as_str).map(|target| target.trim_end_matches('/').to_owned()),
        };
        items.iter().filter_map(written).map(|target| Mount { target }).collect()
    }

    fn path_of_key(&self, key: &str) -> Option<String> {
        let config = self.instance.section.get("config")?;
        let value = key.split('.').try_fold(config, |table, part| table.get(part));
        value?.as_str().map(str::to_owned)
    }
}

/// The innermost volume that a path lies in.
fn volume_of<'m>(path: &str, mounts: &'m [Mount]) -> Option<&'m Mount> {
    let holds = |mount: &&Mount| {
        path.strip_prefix(mount.target.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(holds).max_by_key(|mount| mount.target.len())
}

/// The target of a volume, whatever holes its source has.
fn target(text: &Text) -> Option<String> {
    let shown: String = text
        .parts()
        .iter()
        .map(|part| match part {
            Part::Literal(literal) => literal.as_str(),
            _ => "x",
        })
        .collect();
    let mut fields = shown.split(':').skip(1);
    fields.next().filter(|target| target.starts_with('/')).map(|target| target.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(targets: &[&str]) -> Vec<Mount> {
        targets.iter().map(|target| Mount { target: (*target).to_owned() }).collect()
    }

    #[test]
    fn a_path_lies_in_the_innermost_volume_above_it() {
        let mounts = at(&["/data", "/data/images", "/media"]);
        let volume = |path| volume_of(path, &mounts).map(|mount| mount.target.as_str());
        assert_eq!(volume("/data/images/a"), Some("/data/images"));
        assert_eq!(volume("/data/imagesx"), Some("/data"));
        assert_eq!(volume("/media"), Some("/media"));
        assert_eq!(volume("/mediax"), None);
    }
}
