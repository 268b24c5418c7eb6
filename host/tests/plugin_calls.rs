//! Calls of real plugins: the five that are built in.

use stackrun::plugin::{Runtime, builtin};

#[test]
fn the_built_in_plugins_load_and_say_which_kind_they_are_for() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    for round in ["compiled", "from the cache"] {
        let runtime = Runtime::new(&cache).unwrap();
        for builtin in builtin::all() {
            let plugin = runtime.load_builtin(builtin).unwrap();
            assert_eq!(plugin.description().kind, builtin.kind, "{round}");
        }
    }
}
