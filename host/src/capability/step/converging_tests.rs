//! Every step on this machine's files, folders and secrets, and every revert, whatever was done before: by a run that was
//! killed, or by hand. Those on servers are held to the same in `tests/postgres` and `tests/podman`.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::Step;
use crate::{
    capability::StepKind,
    model::{
        desired::{Content, Region, WantedFile},
        value::Text,
    },
    test_support::machine::{Stage, made},
};

const CONTENT: &str = "key = 1\n";

/// How the world is before a step.
#[derive(Clone, Copy, Debug)]
enum Is {
    Nothing,
    File,
    FileOfAnother,
    WithBlock,
    Folder,
    FolderWithFile,
    Secret,
}

async fn prepare(stage: &Stage, is: Is) {
    let path = stage.path("files/there");
    let file = |content: &str| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    };
    match is {
        Is::Nothing => {}
        // What this stack has not written it does not remove.
        Is::File => written(stage).carry_out(&stage.acting()).await.unwrap(),
        Is::FileOfAnother => file("# nothing of ours\n"),
        Is::WithBlock => file("# theirs\n# >>> stackrun media secret.app\nours\n# <<< stackrun media secret.app\n"),
        Is::Folder | Is::FolderWithFile => {
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
            if matches!(is, Is::FolderWithFile) {
                std::fs::write(path.join("inside"), "x").unwrap();
            }
        }
        Is::Secret => stage.vault().set(&made("token"), "canary-1234567890").unwrap(),
    }
}

fn written(stage: &Stage) -> WantedFile {
    WantedFile {
        path: stage.path("files/there").display().to_string(),
        region: Region::Whole,
        content: Content::Text(Text::literal(CONTENT)),
        mode: 0o600,
        owner: None,
        ignore_owner: false,
        adopts: None,
    }
}

/// Each kind with what it finds when it is done already, and when it has something to do.
fn table(stage: &Stage) -> Vec<(Step, &'static [Is], &'static [Is])> {
    let path = stage.path("files/there").display().to_string();
    let step = |made: Value| -> Step { serde_json::from_value(made).unwrap() };
    vec![
        (
            step(json!({ "secret_generate": { "into": made("token"), "generator": "hex", "length": 8 } })),
            &[Is::Secret],
            &[Is::Nothing],
        ),
        (step(json!({ "secret_discard": { "of": made("token") } })), &[Is::Nothing], &[Is::Secret]),
        (Step::FileWrite(written(stage)), &[Is::File], &[Is::Nothing]),
        (step(json!({ "file_remove": { "path": path } })), &[Is::Nothing], &[Is::File]),
        (
            step(json!({ "file_remove_block": { "path": path, "comment": "#" } })),
            &[Is::Nothing, Is::FileOfAnother],
            &[Is::WithBlock],
        ),
        (
            step(json!({ "directory_make": { "path": path, "mode": 0o700, "owner": null, "group": null } })),
            &[Is::Folder],
            &[Is::Nothing],
        ),
        (
            step(json!({ "directory_remove_if_empty": { "path": path } })),
            &[Is::Nothing, Is::FolderWithFile],
            &[Is::Folder],
        ),
        (step(json!({ "directory_remove": { "path": path } })), &[Is::Nothing], &[Is::FolderWithFile]),
    ]
}

fn listed(stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![stage.path("files")];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            found.push(format!("{} {:?}", entry.path().display(), std::fs::read(entry.path()).ok()));
            left.extend(entry.path().is_dir().then(|| entry.path()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn what_is_done_already_is_not_done_again() {
    for row in 0..table(&Stage::new()).len() {
        for index in 0..table(&Stage::new())[row].1.len() {
            let stage = Stage::new();
            stage.vault().establish().unwrap();
            let (step, done, _) = table(&stage).swap_remove(row);
            prepare(&stage, done[index]).await;
            let said = format!("{}, with {:?}", step.headline(), done[index]);
            let (acting, there) = (stage.acting(), listed(&stage));
            let before = step.before(&acting).await.unwrap_or_else(|why| panic!("{said}: {why}"));
            for _ in 0..2 {
                step.carry_out(&acting).await.unwrap_or_else(|why| panic!("{said}: {why}"));
                assert_eq!(listed(&stage), there, "{said}");
            }
            for _ in 0..2 {
                step.revert(&before, &acting).await.unwrap_or_else(|why| panic!("{said}, taken back: {why}"));
                assert_eq!(listed(&stage), there, "{said}, taken back");
            }
        }
    }
}

/// The step was carried out; then somebody took away all that is there.
#[tokio::test]
async fn there_is_nothing_to_take_back_of_what_is_gone() {
    for row in 0..table(&Stage::new()).len() {
        let stage = Stage::new();
        stage.vault().establish().unwrap();
        let (step, _, to_do) = table(&stage).swap_remove(row);
        prepare(&stage, to_do[0]).await;
        let (acting, said) = (stage.acting(), step.headline());
        let before = step.before(&acting).await.unwrap_or_else(|why| panic!("{said}: {why}"));
        step.carry_out(&acting).await.unwrap_or_else(|why| panic!("{said}: {why}"));
        std::fs::remove_dir_all(stage.path("files")).unwrap();
        std::fs::create_dir(stage.path("files")).unwrap();
        for _ in 0..2 {
            step.revert(&before, &acting).await.unwrap_or_else(|why| panic!("{said}, taken back: {why}"));
        }
    }
}
