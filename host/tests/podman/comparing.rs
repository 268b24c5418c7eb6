//! How a container that there is stands to its definition.

use stackrun::{
    capability::{
        StepKind,
        containers::{ContainerCreate, ContainerRemove, ContainerStart, ContainerStop, Ownership, RunState},
    },
    model::{
        desired::{Definition, ExtraHost, Mount, Port, RestartPolicy},
        value::{Part, Text},
    },
};

use crate::{
    bench::{Bench, ENGINE},
    engine::IMAGE,
};

/// A definition with something in every field.
fn everything(bench: &Bench, port: u16) -> Definition {
    Definition {
        env: vec![("TZ".into(), Text::literal("UTC")), ("ODD".into(), Text::literal("a=b c\"'$x"))],
        labels: vec![("org.example".into(), "yes".into())],
        ports: vec![Port { container: 8000, host_address: None, host: port }],
        mounts: vec![Mount {
            source: bench.podman.data().display().to_string(),
            target: "/data".into(),
            read_only: true,
        }],
        extra_hosts: vec![ExtraHost { name: "auth.lab".into(), address: "10.1.2.3".into() }],
        user: Some("1000".into()),
        read_only_root: true,
        drop_capabilities: vec!["CHOWN".into()],
        memory: Some(64 * 1024 * 1024),
        command: Some(["/bin/busybox", "sleep", "500"].map(str::to_owned).to_vec()),
        ..bench.definition()
    }
}

#[tokio::test]
async fn what_was_made_is_what_is_wanted() {
    let bench = Bench::new("whole");
    let wanted = everything(&bench, 18101);
    let absent = bench.compare(&wanted).await;
    assert_eq!(absent.state, RunState::Absent);

    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    let made = bench.compare(&wanted).await;
    assert_eq!((made.state, made.owner, made.differs), (RunState::Stopped, Ownership::Ours, Vec::<String>::new()));

    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "whole".into() }).await;
    let started = bench.compare(&wanted).await;
    assert_eq!((started.state, started.differs), (RunState::Running, Vec::<String>::new()));

    bench.carry_out(ContainerStop { connection: ENGINE.into(), name: "whole".into() }).await;
    assert_eq!(bench.compare(&wanted).await.state, RunState::Stopped);
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "whole".into() }).await;
    assert_eq!(bench.compare(&wanted).await.state, RunState::Absent);
}

#[tokio::test]
async fn each_changed_field_is_named() {
    let bench = Bench::new("fields");
    let wanted = everything(&bench, 18102);
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    type Change = fn(&mut Definition);
    let table: &[(Change, &[&str])] = &[
        (|wanted| wanted.command = None, &["command"]),
        (|wanted| wanted.entrypoint = Some(vec!["/bin/busybox".into()]), &["entrypoint"]),
        (|wanted| wanted.env[0].1 = Text::literal("CET"), &["env.TZ"]),
        (|wanted| wanted.env.clear(), &["env.ODD", "env.TZ"]),
        (|wanted| wanted.env.push(("FROM".into(), Text::literal("spec"))), &["env.FROM"]),
        (|wanted| wanted.labels[0].1 = "no".into(), &["labels.org.example"]),
        (|wanted| wanted.ports[0].host = 18103, &["ports"]),
        (|wanted| wanted.mounts[0].read_only = false, &["mounts"]),
        (|wanted| wanted.extra_hosts.clear(), &["extra_hosts"]),
        (|wanted| wanted.restart = RestartPolicy::No, &["restart"]),
        (|wanted| wanted.user = None, &["user"]),
        (|wanted| wanted.read_only_root = false, &["read_only_root"]),
        (|wanted| wanted.drop_capabilities.clear(), &["cap_drop"]),
        (|wanted| wanted.memory = None, &["memory"]),
        (|wanted| wanted.image_id = Some(format!("sha256:{:064}", 7)), &["image", "env.FROM", "env.PATH"]),
    ];
    for (change, names) in table {
        let mut other = wanted.clone();
        change(&mut other);
        let mut differs = bench.compare(&other).await.differs;
        differs.sort();
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        assert_eq!(differs, names);
    }
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "fields".into() }).await;
}

/// Somebody makes the container again, under our labels, and changes one thing.
#[tokio::test]
async fn a_container_made_again_by_hand_is_found() {
    let bench = Bench::new("forged");
    let wanted = bench.definition();
    let table: &[(&[&str], &[&str])] = &[
        (&[], &[]),
        (&["-e", "EXTRA=1"], &["env.EXTRA"]),
        (&["-e", "FROM=hand"], &["env.FROM"]),
        (&["-v", "/mnt:/tmp"], &["mounts"]),
        (&["-v", "volume:/tmp"], &["mounts"]),
        (&["-p", "127.0.0.1:18104:80"], &["ports"]),
        (&["--network", "host"], &["network"]),
        (&["--network", "none"], &["network"]),
        (&["--privileged"], &["cap_drop", "rights"]),
        (&["--pid", "host"], &["rights"]),
        (&["--cap-add", "SYS_ADMIN"], &["cap_add"]),
        (&["--user", "1000"], &["user"]),
        (&["--memory", "64m"], &["memory"]),
    ];
    for (by_hand, names) in table {
        let labels = ["--label", "stackrun.stack=media", "--label", "stackrun.instance=container.forged"];
        let mut arguments = vec!["create", "--name", "forged", "--restart", "always"];
        arguments.extend(labels.iter().chain(*by_hand).chain(&[IMAGE]));
        bench.podman.by_hand(&arguments);
        let compared = bench.compare(&wanted).await;
        assert_eq!(compared.owner, Ownership::Ours);
        assert_eq!(compared.differs, *names, "{by_hand:?}");
        bench.podman.by_hand(&["rm", "--force", "forged"]);
    }
}

#[tokio::test]
async fn a_container_of_somebody_else_is_left_alone() {
    let bench = Bench::new("theirs");
    let wanted = bench.definition();
    let owners = [
        (vec![], Ownership::Foreign, "was not made by stackrun"),
        (
            vec!["--label", "stackrun.stack=other", "--label", "stackrun.instance=container.theirs"],
            Ownership::Other("other/container.theirs".into()),
            "belongs to other/container.theirs",
        ),
    ];
    for (labels, owner, says) in owners {
        let mut arguments = vec!["create", "--name", "theirs"];
        arguments.extend(labels);
        arguments.push(IMAGE);
        bench.podman.by_hand(&arguments);
        assert_eq!(bench.compare(&wanted).await.owner, owner);
        let (connection, name) = (ENGINE, "theirs");
        for message in [
            bench
                .refusal(ContainerCreate { connection: connection.into(), definition: Box::new(wanted.clone()) })
                .await,
            bench.refusal(ContainerStart { connection: connection.into(), name: name.into() }).await,
            bench.refusal(ContainerStop { connection: connection.into(), name: name.into() }).await,
            bench.refusal(ContainerRemove { connection: connection.into(), name: name.into() }).await,
        ] {
            assert!(message.contains(says), "{message}");
        }
        let create = ContainerCreate { connection: connection.into(), definition: Box::new(wanted.clone()) };
        assert!(create.revert(&false, &bench.acting()).await.is_err(), "a revert leaves it alone too");
        bench.podman.by_hand(&["rm", "theirs"]);
    }
}

#[tokio::test]
async fn leftovers_are_found_by_their_label() {
    let bench = Bench::new("left");
    let next = Definition { lasting_name: Some("left".into()), name: "left-next".into(), ..bench.definition() };
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(next.clone()) }).await;
    bench.podman.by_hand(&["create", "--name", "unrelated", IMAGE]);
    let engine =
        bench.gate().engine(stackrun::capability::containers::EngineQuestion { connection: ENGINE.into() }).unwrap();
    let ours = bench.world().containers_ours(&engine, "media/container.left").await.unwrap();
    assert_eq!(ours, ["left-next"]);
    assert_eq!(bench.compare(&next).await.state, RunState::Absent, "under its lasting name there is none");
    let create = ContainerCreate { connection: ENGINE.into(), definition: Box::new(next.clone()) };
    assert!(create.is_done(&bench.acting()).await.unwrap(), "the step itself looks under the name that it gives");
    bench.podman.by_hand(&["rm", "left-next", "unrelated"]);
}

#[tokio::test]
async fn a_definition_is_shown_as_the_difference_to_what_is_there() {
    let bench = Bench::new("shown");
    let old = everything(&bench, 18105);
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(old.clone()) }).await;
    let mut new = old.clone();
    new.env = vec![("TZ".into(), Text::literal("CET"))];
    let preview =
        ContainerCreate { connection: ENGINE.into(), definition: Box::new(new.clone()) }.preview(&bench.acting()).await;
    let changed: Vec<String> = preview
        .lines
        .iter()
        .filter(|line| line.sign != stackrun::capability::Sign::Same)
        .map(|line| format!("{:?} {}", line.sign, line.text))
        .collect();
    assert_eq!(changed, ["Removed env ODD=(not shown)", "Removed env TZ=UTC", "Added env TZ=CET"]);
    assert!(preview.lines.iter().any(|line| line.text.starts_with(&format!("image {IMAGE} (sha256:"))));
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "shown".into() }).await;
}

#[tokio::test]
async fn a_secret_in_the_environment_is_compared_and_never_shown() {
    let bench = Bench::new("secretive");
    let target = bench.secret("key").await;
    let value = Text::new([Part::Literal("k=".into()), Part::Reference(target)]);
    let wanted = Definition { env: vec![("KEY".into(), value)], ..bench.definition() };
    let create = ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) };
    bench.carry_out(create.clone()).await;
    assert!(bench.compare(&wanted).await.differs.is_empty());

    let env = bench.podman.by_hand(&["inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", "secretive"]);
    let secret = env.lines().find_map(|line| line.strip_prefix("KEY=k=")).unwrap().to_owned();
    assert_eq!(secret.len(), 24, "the container has the value itself");
    let shown = |preview: &stackrun::capability::Preview| {
        preview.lines.iter().map(|line| format!("{:?} {}\n", line.sign, line.text)).collect::<String>()
    };
    let same = shown(&create.preview(&bench.acting()).await);
    assert!(same.contains("Same env KEY=k=(secret container.secretive.key)"), "{same}");

    bench.podman.by_hand(&["rm", "secretive"]);
    let labels = ["--label", "stackrun.stack=media", "--label", "stackrun.instance=container.secretive"];
    let by_hand = [
        "create",
        "--name",
        "secretive",
        "--restart",
        "always",
        "-e",
        "KEY=k=other",
        labels[0],
        labels[1],
        labels[2],
        labels[3],
        IMAGE,
    ];
    bench.podman.by_hand(&by_hand);
    assert_eq!(bench.compare(&wanted).await.differs, ["env.KEY"]);
    let other = shown(&create.preview(&bench.acting()).await);
    assert!(other.contains("Removed env KEY=(another value, not shown)"), "{other}");
    for text in [same, other] {
        assert!(!text.contains(&secret) && !text.contains("k=other"), "{text}");
    }
    bench.podman.by_hand(&["rm", "secretive"]);
}
