//! Every step on a container and every revert, whatever was done before: by a run that was killed, or by hand.

use serde_json::{Value, json};
use stackrun::{
    capability::{
        Step, StepKind,
        containers::{ContainerCreate, ContainerRemove, ContainerRename, ContainerStart, ContainerStop},
        step::ProveFromInside,
    },
    model::desired::{Definition, Mount},
};

use crate::{
    bench::{Bench, ENGINE},
    engine::{IMAGE, podman},
};

const NAME: &str = "converge";

fn by_hand(bench: &Bench, is: &str) {
    for name in [NAME, "converge-next"] {
        bench.podman.by_hand(&["rm", "--force", "--ignore", "--time", "0", name]);
    }
    let label = ["--label", "stackrun.stack=media", "--label", "stackrun.instance=container.converge"];
    let run = |verb: &str| {
        bench.podman.by_hand(
            &[&[verb][..], &["--name", NAME][..], &label[..], &[IMAGE, "/bin/busybox", "sleep", "1000"]].concat(),
        );
    };
    match is {
        "gone" => {}
        "made" => run("create"),
        "running" => {
            run("create");
            bench.podman.by_hand(&["start", NAME]);
        }
        other => panic!("{other}"),
    }
}

fn steps(bench: &Bench) -> Vec<(Step, &'static str)> {
    let connection = || ENGINE.to_owned();
    let name = || NAME.to_owned();
    let definition = Box::new(bench.definition());
    vec![
        (Step::ContainerCreate(ContainerCreate { connection: connection(), definition }), "as it makes it"),
        (Step::ContainerStart(ContainerStart { connection: connection(), name: name() }), "running"),
        (Step::ContainerStop(ContainerStop { connection: connection(), name: name() }), "made"),
        (Step::ContainerStop(ContainerStop { connection: connection(), name: name() }), "gone"),
        (
            Step::ContainerRename(ContainerRename {
                connection: connection(),
                name: "converge-next".into(),
                to: name(),
            }),
            "made",
        ),
        (Step::ContainerRemove(ContainerRemove { connection: connection(), name: name() }), "gone"),
    ]
}

#[tokio::test]
async fn whatever_was_done_before() {
    let bench = Bench::new(NAME);
    let acting = bench.acting();
    for (step, done) in steps(&bench) {
        by_hand(&bench, if done == "as it makes it" { "gone" } else { done });
        if done == "as it makes it" {
            step.carry_out(&acting).await.unwrap();
        }
        let said = step.headline();
        assert!(step.is_done(&acting).await.unwrap(), "{said}: done already");
        let before = step.before(&acting).await.unwrap_or_else(|why| panic!("{said}: {why}"));
        for _ in 0..2 {
            step.carry_out(&acting).await.unwrap_or_else(|why| panic!("{said}, which is done already: {why}"));
            assert!(step.is_done(&acting).await.unwrap(), "{said}");
        }
        // Nothing was changed, so there is nothing to put back.
        let still = step.is_done(&acting).await.unwrap();
        step.revert(&before, &acting).await.unwrap_or_else(|why| panic!("{said}, taken back: {why}"));
        assert_eq!(step.is_done(&acting).await.unwrap(), still, "{said}: taken back without having been done");
    }
    by_hand(&bench, "gone");
}

/// Whatever a step found before it was carried out: the container is gone when it is to be taken back.
#[tokio::test]
async fn there_is_nothing_to_take_back_of_a_container_that_is_gone() {
    let bench = Bench::of(podman(), "media", &["gone"], &podman().socket());
    let acting = bench.acting();
    let (connection, name) = (|| ENGINE.to_owned(), || "gone".to_owned());
    let prove = ProveFromInside { connection: connection(), name: name(), checks: vec![] };
    let rename = ContainerRename { connection: connection(), name: "gone-next".into(), to: name() };
    let table: Vec<(Step, Vec<Value>)> = vec![
        (
            Step::ContainerCreate(ContainerCreate {
                connection: connection(),
                definition: Box::new(bench.definition()),
            }),
            vec![json!(true), json!(false)],
        ),
        (
            Step::ContainerStart(ContainerStart { connection: connection(), name: name() }),
            vec![json!(true), json!(false)],
        ),
        (
            Step::ContainerStop(ContainerStop { connection: connection(), name: name() }),
            vec![json!(true), json!(false)],
        ),
        (Step::ContainerRename(rename), vec![json!("0123"), json!(null)]),
        (Step::ContainerRemove(ContainerRemove { connection: connection(), name: name() }), vec![json!(null)]),
        (Step::ProveFromInside(prove), vec![json!(null)]),
    ];
    for (step, befores) in table {
        for before in befores {
            step.revert(&before, &acting).await.unwrap_or_else(|why| panic!("{} of {before}: {why}", step.headline()));
        }
    }
    let names = bench.podman.by_hand(&["ps", "--all", "--format", "{{.Names}}"]);
    assert!(!names.lines().any(|name| name.starts_with("gone")), "{names}");
}

/// A folder that another stack's container writes is not mounted, whatever path leads there; one stack may share it.
#[tokio::test]
async fn a_folder_is_one_stacks() {
    let podman = podman();
    let folder = podman.data().join("shared");
    std::fs::create_dir_all(&folder).unwrap();
    let mounting = |bench: &Bench| {
        let mount = Mount { source: folder.display().to_string(), target: "/d".into(), read_only: false };
        Definition { mounts: vec![mount], ..bench.definition() }
    };
    let create = |bench: &Bench| ContainerCreate { connection: ENGINE.into(), definition: Box::new(mounting(bench)) };
    let one = Bench::of(podman.clone(), "media", &["holder"], &podman.socket());
    let same = Bench::of(podman.clone(), "media", &["sharer"], &podman.socket());
    let other = Bench::of(podman.clone(), "kinto", &["intruder"], &podman.socket());
    one.carry_out(create(&one)).await;
    same.carry_out(create(&same)).await;
    let message = other.refusal(create(&other)).await;
    assert!(message.contains("of the stack media as well") && message.contains("belongs to one stack"), "{message}");
    for bench in [&one, &same] {
        bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: bench.name.clone() }).await;
    }
    other.carry_out(create(&other)).await;
    other.carry_out(ContainerRemove { connection: ENGINE.into(), name: "intruder".into() }).await;
}
