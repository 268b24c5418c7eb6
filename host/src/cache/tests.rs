use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

fn key(parts: &[&str]) -> Key {
    parts.iter().fold(KeyMaker::of("test"), |key, part| key.and(part.as_bytes())).finish()
}

fn slot(place: &str, made_of: &str) -> Slot {
    Slot { place: key(&[place]), made_of: key(&[made_of]) }
}

struct Stage {
    _directory: tempfile::TempDir,
    cache: Cache,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(&directory.path().join("cache")).unwrap();
        Self { _directory: directory, cache }
    }
}

#[test]
fn what_was_kept_is_recalled_under_its_own_key_alone() {
    let Stage { cache, .. } = &Stage::new();
    cache.keep(&slot("a", "it"), &"found");
    assert_eq!(cache.recall(&slot("a", "it")), Some("found".to_owned()));
    assert_eq!(cache.recall::<String>(&slot("b", "it")), None);
}

#[test]
fn what_was_made_of_something_else_is_not_recalled_and_gives_way() {
    let Stage { cache, .. } = &Stage::new();
    cache.keep(&slot("a", "it"), &"found");
    assert_eq!(cache.recall::<String>(&slot("a", "it, edited")), None);
    cache.keep(&slot("a", "it, edited"), &"found anew");
    assert_eq!(cache.recall(&slot("a", "it, edited")), Some("found anew".to_owned()));
    assert_eq!(fs::read_dir(&cache.directory).unwrap().count(), 1);
}

#[test]
fn what_somebody_touched_is_forgotten() {
    type Touch = fn(&Path);
    let touches: [(&str, Touch); 4] = [
        ("another body", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.replace("found", "forged")).unwrap();
        }),
        ("cut off", |path| fs::write(path, "x").unwrap()),
        ("open to others", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap()),
        ("of another key", |path| {
            let other = path.with_file_name(format!("{}.entry", key(&["b"])));
            fs::rename(other, path).unwrap();
        }),
    ];
    for (how, touch) in touches {
        let Stage { cache, .. } = &Stage::new();
        cache.keep(&slot("a", "it"), &"found");
        cache.keep(&slot("b", "it"), &"other");
        let path = cache.entry_path(&key(&["a"]));
        touch(&path);
        assert_eq!(cache.recall::<String>(&slot("a", "it")), None, "{how}");
        assert!(!path.exists(), "{how}");
    }
}

#[test]
fn a_value_of_another_form_is_forgotten() {
    let Stage { cache, .. } = &Stage::new();
    cache.keep(&slot("a", "it"), &"found");
    assert_eq!(cache.recall::<u32>(&slot("a", "it")), None);
}

proptest! {
    #[test]
    fn parts_that_run_into_each_other_are_other_parts(left in "[ab]{0,4}", right in "[ab]{0,4}", moved in 1_usize..4) {
        prop_assume!(moved <= right.len());
        let (head, tail) = right.split_at(moved);
        let other = format!("{left}{head}");
        prop_assert_ne!(key(&[&left, &right]), key(&[&other, tail]));
    }
}
