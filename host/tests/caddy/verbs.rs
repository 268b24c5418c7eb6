//! `validate` and `reload` inside the running service.

use stackrun::capability::{
    Check, Condition, ConditionKind, Held, StepKind, Vantage,
    condition::{Proof, prove},
    http::HttpShows,
    services::ServiceRun,
};

use super::{
    server::Caddy,
    stage::{Stage, site},
};

/// What the gateway plugin writes.
const SITE: &str = include_str!("../../../plugins/gateway/src/full.caddy");

async fn run(stage: &Stage, verb: &str) -> Result<(), String> {
    let step = ServiceRun { connection: "edge".into(), verb: verb.into() };
    step.carry_out(&stage.acting()).await.map_err(|error| error.to_string())
}

async fn shows(stage: &Stage, host: &str, text: &str) -> bool {
    let kind = HttpShows { request: site(host, "/"), contains: text.to_owned() };
    // The authority signs a certificate for a new name after the reload.
    for _ in 0..50 {
        if matches!(stage.ask(ConditionKind::HttpShows(kind.clone())).await, Ok(Held::Yes)) {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn a_new_site_is_read_and_served() {
    let caddy = Caddy::start("old.test {\n\trespond old\n}");
    let stage = Stage::of(&caddy);
    caddy.write("new.caddy", "new.test {\n\trespond new\n}\n");
    run(&stage, "validate").await.unwrap();
    run(&stage, "reload").await.unwrap();
    assert!(shows(&stage, "new.test", "new").await);
    assert!(shows(&stage, "old.test", "old").await, "the others go on");
}

#[tokio::test]
async fn a_broken_file_of_somebody_else_is_named_and_nothing_changes() {
    let caddy = Caddy::start("old.test {\n\trespond old\n}");
    let stage = Stage::of(&caddy);
    caddy.write("other.caddy", "other.test {\n\tnonsense\n}\n");
    let file = caddy.path("sites/other.caddy").display().to_string();
    for verb in ["validate", "reload"] {
        let error = run(&stage, verb).await.unwrap_err();
        assert!(error.contains(&format!("{file}:2: unrecognized directive: nonsense")), "{error}");
        assert!(error.contains(&format!("{file} is not a file of oidc.app")), "{error}");
    }
    assert!(shows(&stage, "old.test", "old").await);
}

#[tokio::test]
async fn the_same_host_name_twice_is_refused() {
    let caddy = Caddy::start("old.test {\n\trespond old\n}");
    let stage = Stage::of(&caddy);
    caddy.write("again.caddy", "old.test {\n\trespond again\n}\n");
    let error = run(&stage, "validate").await.unwrap_err();
    assert!(error.contains("ambiguous site definition: old.test"), "{error}");
}

#[tokio::test]
async fn what_the_gateway_plugin_writes_is_good_for_caddy_and_no_client_says_who_it_is() {
    // The application tells what it was told; the service behind `forward_auth` lets everyone in as alice.
    let caddy = Caddy::start(
        "http://:PORT2 {\n\t@auth path /api/authz/*\n\thandle @auth {\n\t\theader Remote-User alice\n\t\trespond 200\n\t}\n\t\
         respond \"user={header.Remote-User} group={header.Remote-Groups} under={header.Remote_User}\"\n}",
    );
    let stage = Stage::of(&caddy);
    let backend = format!("127.0.0.1:{}", caddy.plain_port);
    let text = SITE.replace("tls /c.pem /k.pem", "").replace("127.0.0.1:16366", &backend);
    let plain = text.replace("forward_auth 127.0.0.1:9091", &format!("forward_auth {backend}"));
    caddy.write("media.caddy", &plain);
    run(&stage, "reload").await.unwrap();
    assert!(shows(&stage, "media.example.org", "user=").await);
    let mut request = site("media.example.org", "/");
    for name in ["Remote-User", "remote-groups", "Remote_User"] {
        request.headers.push((name.to_owned(), stackrun::model::value::Text::literal("mallory")));
    }
    let forged = HttpShows { request, contains: "mallory".to_owned() };
    let condition = Condition { kind: ConditionKind::HttpShows(forged), vantage: Vantage::Host };
    assert!(condition.clone().look().is_none(), "it says who it is: a probe, and no look");
    let check = Check { id: String::new(), says: String::new(), condition, timeout_ms: 1 };
    let answer = prove(&check, &stage.acting()).await.unwrap();
    let Proof::Failed(seen) = answer else { panic!("a forged header arrived") };
    assert!(seen.contains("user=alice group= under="), "{seen}");
}
