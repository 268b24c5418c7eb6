//! A plugin that was built against the frozen world goes on working: `wit/` may gain functions and interfaces that are
//! imported, and nothing else may change.
//!
//! When a new minor version of the world is made on purpose, its files are copied into a folder of its own beside
//! `wit-frozen/0.1.0`, and `wit/` is held against that one.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use wit_component::semver_check;
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Adds a world under a version of its own: a resolve holds no package twice.
fn add(resolve: &mut Resolve, directory: &Path, version: &str, change: impl Fn(String) -> String) -> WorldId {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = fs::read_to_string(&path)
                .unwrap()
                .replace("stackrun:plugin@0.1.0", &format!("stackrun:plugin@{version}"));
            fs::write(copy.path().join(path.file_name().unwrap()), change(text)).unwrap();
        }
    }
    let package = resolve.push_group(UnresolvedPackageGroup::parse_dir(copy.path()).unwrap()).unwrap();
    resolve.select_world(&[package], Some("plugin")).unwrap()
}

fn compatible(change: impl Fn(String) -> String) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let frozen = add(&mut resolve, &root().join("tests/wit-frozen/0.1.0"), "0.1.0", |text| text);
    let now = add(&mut resolve, &root().join("../wit"), "0.1.1000", change);
    semver_check(resolve, frozen, now)
}

#[test]
fn plugins_built_before_still_fit() {
    if let Err(error) = compatible(|text| text) {
        panic!("wit/ breaks plugins that were built against tests/wit-frozen/0.1.0: {error:#}");
    }
}

#[test]
fn the_check_sees_what_breaks_and_lets_pass_what_does_not() {
    let field = |text: String| text.replace("    record thing {", "    record thing {\n        colour: string,");
    assert!(compatible(field).is_err(), "a field more in a record");
    let case = |text: String| text.replace("        timed-out,", "        timed-out,\n        too-late,");
    assert!(compatible(case).is_err(), "a case more in a variant");
    let function = |text: String| text.replace("    log: func", "    shout: func(message: string);\n    log: func");
    assert!(compatible(function).is_ok(), "a function more in an imported interface");
}
