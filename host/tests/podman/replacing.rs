//! Replacing a container, and taking it back.

use stackrun::{
    capability::{
        StepKind,
        containers::{ContainerCreate, ContainerRemove, ContainerRename, ContainerStart, ContainerStop, RunState},
        step::ProveFromInside,
    },
    model::{
        desired::{Definition, Mount, Port},
        value::Text,
    },
};

use crate::{
    bench::{Bench, ENGINE},
    engine::IMAGE,
};

fn next(bench: &Bench, wanted: &Definition) -> Definition {
    Definition { name: format!("{}-next", bench.name), lasting_name: Some(bench.name.clone()), ..wanted.clone() }
}

#[tokio::test]
async fn the_new_one_takes_over() {
    let bench = Bench::new("swap");
    let old = bench.running("exec sleep 1000");
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(old.clone()) }).await;
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "swap".into() }).await;
    let wanted = Definition { env: vec![("NEW".into(), Text::literal("1"))], ..old.clone() };
    let new = next(&bench, &wanted);

    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(new.clone()) }).await;
    bench.carry_out(ContainerStop { connection: ENGINE.into(), name: "swap".into() }).await;
    bench.carry_out(ProveFromInside { connection: ENGINE.into(), name: "swap-next".into(), checks: vec![] }).await;
    let waits = bench.podman.by_hand(&["inspect", "--format", "{{.State.Pid}} {{.State.StartedAt.Year}}", "swap-next"]);
    let (process, year) = waits.split_once(' ').unwrap();
    assert!(process != "0" && year == "1", "its network is there, its program is not: {waits}");
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "swap-next".into() }).await;
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "swap".into() }).await;
    bench.carry_out(ContainerRename { connection: ENGINE.into(), name: "swap-next".into(), to: "swap".into() }).await;

    let compared = bench.compare(&wanted).await;
    assert_eq!((compared.state, compared.differs), (RunState::Running, Vec::<String>::new()));
    bench.podman.by_hand(&["rm", "--force", "--time", "0", "swap"]);
}

#[tokio::test]
async fn the_old_one_serves_again() {
    let bench = Bench::new("back");
    let port = |wanted: &mut Definition| wanted.ports = vec![Port { container: 80, host_address: None, host: 18111 }];
    let mut old = bench.running("exec sleep 1000");
    port(&mut old);
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(old.clone()) }).await;
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "back".into() }).await;
    let mut wanted = bench.running("exit 1");
    port(&mut wanted);
    let new = next(&bench, &wanted);

    let create = ContainerCreate { connection: ENGINE.into(), definition: Box::new(new.clone()) };
    let stop = ContainerStop { connection: ENGINE.into(), name: "back".into() };
    let start = ContainerStart { connection: ENGINE.into(), name: "back-next".into() };
    let created = bench.carry_out(create.clone()).await;
    let stopped = bench.carry_out(stop.clone()).await;
    let started = bench.carry_out(start.clone()).await;
    start.revert(&started, &bench.acting()).await.unwrap();
    stop.revert(&stopped, &bench.acting()).await.unwrap();
    create.revert(&created, &bench.acting()).await.unwrap();

    let compared = bench.compare(&old).await;
    assert_eq!((compared.state, compared.differs), (RunState::Running, Vec::<String>::new()));
    let names = bench.podman.by_hand(&["ps", "--all", "--format", "{{.Names}}"]);
    assert!(!names.contains("back-next"), "{names}");
    bench.podman.by_hand(&["rm", "--force", "--time", "0", "back"]);
}

#[tokio::test]
async fn a_removed_container_is_made_again_as_it_was() {
    let bench = Bench::new("again");
    let wanted = Definition {
        env: vec![("KEY".into(), Text::literal("value"))],
        mounts: vec![Mount { source: bench.podman.data().display().to_string(), target: "/d".into(), read_only: true }],
        ports: vec![Port { container: 80, host_address: None, host: 18112 }],
        ..bench.running("exec sleep 1000")
    };
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "again".into() }).await;
    let remove = ContainerRemove { connection: ENGINE.into(), name: "again".into() };
    let before = bench.carry_out(remove.clone()).await;
    assert!(remove.is_done(&bench.acting()).await.unwrap());
    // The before-image has been in the journal.
    let kept = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    remove.revert(&kept, &bench.acting()).await.unwrap();
    let compared = bench.compare(&wanted).await;
    assert_eq!((compared.state, compared.differs), (RunState::Running, Vec::<String>::new()));
    bench.carry_out(remove.clone()).await;
}

#[tokio::test]
async fn a_rename_is_taken_back() {
    let bench = Bench::new("name");
    let wanted = Definition { name: "name-next".into(), ..bench.definition() };
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    let rename = ContainerRename { connection: ENGINE.into(), name: "name-next".into(), to: "name".into() };
    let before = bench.carry_out(rename.clone()).await;
    assert!(rename.is_done(&bench.acting()).await.unwrap());
    rename.revert(&before, &bench.acting()).await.unwrap();
    assert!(!rename.is_done(&bench.acting()).await.unwrap());
    bench.podman.by_hand(&["rm", "name-next"]);
}

#[tokio::test]
async fn a_crash_loop_can_be_stopped() {
    let bench = Bench::new("looping");
    let wanted = bench.running("exit 1");
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "looping".into() }).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    bench.carry_out(ContainerStop { connection: ENGINE.into(), name: "looping".into() }).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(bench.compare(&wanted).await.state, RunState::Stopped);
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "looping".into() }).await;
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let bench = Bench::new("missing");
    let image = Definition { image_id: Some(format!("sha256:{:064}", 7)), ..bench.definition() };
    let message =
        bench.refusal(ContainerCreate { connection: ENGINE.into(), definition: Box::new(image.clone()) }).await;
    assert!(message.contains("the image localhost/tiny:1 (sha256:000000000000) is not there any more"), "{message}");
    let unnamed = Definition { image_id: None, ..bench.definition() };
    let message =
        bench.refusal(ContainerCreate { connection: ENGINE.into(), definition: Box::new(unnamed.clone()) }).await;
    assert!(message.contains("the plan does not say which image `localhost/tiny:1` stands for"), "{message}");

    let source = bench.podman.data().join("nowhere");
    let mount = Mount { source: source.display().to_string(), target: "/d".into(), read_only: false };
    let wanted = Definition { mounts: vec![mount], ..bench.definition() };
    let create = ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) };
    let message = bench.refusal(create).await;
    assert!(message.contains("nowhere is not there to be mounted"), "{message}");
    assert!(!source.exists(), "the engine would make it");

    let message = bench.refusal(ContainerStart { connection: ENGINE.into(), name: "missing".into() }).await;
    assert!(message.contains("there is no container `missing`"), "{message}");
}

#[tokio::test]
async fn a_taken_name_is_said() {
    let bench = Bench::new("taken");
    let wanted = bench.definition();
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    let other = Definition { user: Some("7".into()), ..wanted.clone() };
    let message = bench.refusal(ContainerCreate { connection: ENGINE.into(), definition: Box::new(other) }).await;
    assert!(message.contains("there is another container `taken` of this instance already"), "{message}");
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "taken".into() }).await;
}

/// Between the plan and the apply, somebody gives the reviewed image's name to another one.
#[tokio::test]
async fn the_reviewed_image_runs_whatever_its_name_stands_for_by_now() {
    let bench = Bench::new("reviewed");
    let wanted = Definition { image: "localhost/moving:1".into(), ..bench.definition() };
    let reviewed = wanted.image_id.clone().unwrap();
    bench.podman.by_hand(&["tag", IMAGE, "localhost/moving:1"]);
    let container = bench.podman.by_hand(&["create", IMAGE, "sleep", "7"]);
    let other = bench.podman.by_hand(&["commit", "--quiet", &container, "localhost/moving:1"]);
    assert!(!reviewed.ends_with(&other));

    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    let runs = bench.podman.by_hand(&["inspect", "--format", "{{.Image}}", "reviewed"]);
    assert_eq!(format!("sha256:{runs}"), reviewed);
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "reviewed".into() }).await;
    bench.podman.by_hand(&["rm", "--force", &container]);
    bench.podman.by_hand(&["rmi", "--force", "localhost/moving:1"]);
}

/// A folder inside one that another container writes could be a link to anywhere at the next start.
#[tokio::test]
async fn a_folder_inside_anothers_folder_is_not_mounted() {
    let (writer, inner) = (Bench::new("writer"), Bench::new("inner"));
    let outer = writer.podman.data().join("nested");
    std::fs::create_dir_all(outer.join("config")).unwrap();
    let mounting = |bench: &Bench, source: &std::path::Path, read_only: bool| {
        let mount = Mount { source: source.display().to_string(), target: "/d".into(), read_only };
        Definition { mounts: vec![mount], ..bench.definition() }
    };
    let all = mounting(&writer, &outer, false);
    writer.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(all.clone()) }).await;
    let wanted = mounting(&inner, &outer.join("config"), true);
    let message =
        inner.refusal(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    assert!(
        message.contains("nested/config lies inside ") && message.contains("container `writer` may write"),
        "{message}"
    );
    writer.carry_out(ContainerRemove { connection: ENGINE.into(), name: "writer".into() }).await;

    // Made while nobody wrote around it; a link was put in its place since.
    inner.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    std::fs::remove_dir(outer.join("config")).unwrap();
    std::os::unix::fs::symlink("/etc", outer.join("config")).unwrap();
    let message = inner.refusal(ContainerStart { connection: ENGINE.into(), name: "inner".into() }).await;
    assert!(message.contains("reached without a link"), "{message}");
    inner.carry_out(ContainerRemove { connection: ENGINE.into(), name: "inner".into() }).await;
}
