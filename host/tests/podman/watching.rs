//! Conditions about a container's run.

use std::time::{Duration, Instant};

use stackrun::{
    capability::{
        Condition, ConditionKind, Held, Vantage,
        containers::{
            ContainerAnswers, ContainerCreate, ContainerRemove, ContainerStart, ContainerStaysUp, LogLine, LogMeaning,
            condition,
        },
    },
    model::desired::{Definition, Port, RestartPolicy},
};

use crate::bench::{Bench, ENGINE};

fn stays_up(name: &str, for_ms: u32) -> ContainerStaysUp {
    ContainerStaysUp { connection: ENGINE.into(), name: name.into(), for_ms, log: Vec::new() }
}

fn answers(name: &str, path: &str) -> ContainerAnswers {
    ContainerAnswers {
        connection: ENGINE.into(),
        name: name.into(),
        container_port: 8000,
        path: path.into(),
        statuses: vec![200],
        contains: None,
        log: Vec::new(),
    }
}

async fn run(bench: &Bench, wanted: &Definition) {
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: (&bench.name).into() }).await;
}

async fn remove(bench: &Bench) {
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: (&bench.name).into() }).await;
}

/// Asks until the answer is something else than `No`.
async fn at_last<F: AsyncFn() -> Held>(ask: F) -> Held {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match ask().await {
            Held::No(seen) => assert!(Instant::now() < until, "still: {seen}"),
            other => return other,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_container_that_runs_stays_up() {
    let bench = Bench::new("steady");
    run(&bench, &bench.running("exec sleep 1000")).await;
    let kind = stays_up("steady", 1500);
    let first = condition::stays_up::ask(&kind, &bench.acting()).await.unwrap();
    assert!(matches!(first, Held::No(_)), "not long enough: {first:?}");
    let last = at_last(async || condition::stays_up::ask(&kind, &bench.acting()).await.unwrap()).await;
    assert_eq!(last, Held::Yes);
    remove(&bench).await;
}

#[tokio::test]
async fn a_crash_loop_says_why() {
    let bench = Bench::new("crashing");
    let line = "sleep 0.2; echo 'FATAL: no pg_hba.conf entry for host'; echo 'url with s3cret in it'; exit 3";
    let ports = vec![Port { container: 8000, host_address: None, host: 18122 }];
    run(&bench, &Definition { ports, ..bench.running(line) }).await;
    let meaning =
        |contains: &str, means: &str, line| LogMeaning { contains: contains.into(), means: means.into(), line };
    let condition =
        Condition { kind: ConditionKind::ContainerAnswers(answers("crashing", "/")), vantage: Vantage::Host }
            .explained(meaning("no pg_hba.conf entry", "PostgreSQL has no rule for it", LogLine::Show))
            .explained(meaning("url with", "the password is in the address", LogLine::Hide));
    let ConditionKind::ContainerAnswers(kind) = condition.kind else { panic!("another kind") };
    assert!(kind.log.len() == 2);
    let Held::Never(seen) = at_last(async || condition::answers::ask(&kind, &bench.acting()).await.unwrap()).await
    else {
        panic!("a crash loop holds")
    };
    for part in ["crashes again and again", " restarts", "FATAL: no pg_hba.conf entry", "PostgreSQL has no rule for it"]
    {
        assert!(seen.contains(part), "no {part:?} in {seen}");
    }
    assert!(!seen.contains("s3cret"), "{seen}");
    remove(&bench).await;
}

#[tokio::test]
async fn a_program_that_ended_is_not_waited_for() {
    let bench = Bench::new("ended");
    let wanted = Definition { restart: RestartPolicy::No, ..bench.running("echo done; exit 4") };
    run(&bench, &wanted).await;
    let kind = stays_up("ended", 1000);
    let seen = at_last(async || condition::stays_up::ask(&kind, &bench.acting()).await.unwrap()).await;
    assert!(matches!(&seen, Held::Never(why) if why.contains("exit code 4") && why.contains("| done")), "{seen:?}");
    remove(&bench).await;
    let gone = condition::stays_up::ask(&kind, &bench.acting()).await.unwrap();
    assert!(matches!(&gone, Held::Never(why) if why.contains("there is no container `ended`")), "{gone:?}");
}

#[tokio::test]
async fn a_page_is_looked_at() {
    let bench = Bench::new("serving");
    let wanted = Definition {
        ports: vec![Port { container: 8000, host_address: None, host: 18121 }],
        ..bench.running("sleep 1; exec busybox httpd -f -p 8000 -h /www")
    };
    run(&bench, &wanted).await;
    let ask = async |kind: &ContainerAnswers| condition::answers::ask(kind, &bench.acting()).await.unwrap();
    let healthy = ContainerAnswers { contains: Some("all well".into()), ..answers("serving", "/health") };
    assert_eq!(at_last(async || ask(&healthy).await).await, Held::Yes);

    let other = ask(&ContainerAnswers { contains: Some("all bad".into()), ..healthy.clone() }).await;
    assert!(matches!(&other, Held::No(why) if why.contains("without \"all bad\"")), "{other:?}");
    let missing = ask(&answers("serving", "/nothing")).await;
    assert!(matches!(&missing, Held::No(why) if why.contains("status 404, not 200")), "{missing:?}");
    let port = ask(&ContainerAnswers { container_port: 9000, ..healthy.clone() }).await;
    assert!(matches!(&port, Held::Never(why) if why.contains("does not publish its port 9000")), "{port:?}");
    remove(&bench).await;
}

#[tokio::test]
async fn another_container_is_not_watched() {
    let bench = Bench::new("mine");
    assert!(condition::stays_up::ask(&stays_up("theirs", 1), &bench.acting()).await.is_err());
    assert!(condition::answers::permit(&answers("theirs", "/"), bench.gate()).is_err());
}
