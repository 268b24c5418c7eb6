//! What is asked of a server before anybody wants to know it.

use stackrun::{
    capability::{
        self,
        http::{HttpQuestion, inquiries::Page},
    },
    model::{
        desired::{Origin, Request},
        value::Text,
    },
    world::Asked,
};

use super::{
    server::Caddy,
    stage::{Stage, connection, get},
};

const PATH: &str = "/config/apps/http/servers";

fn page(connection: &str, path: &str) -> Asked {
    let page = Page { connection: connection.to_owned(), path: path.to_owned() };
    Asked::of(&page).unwrap()
}

async fn ask_ahead(stage: &Stage, inquiry: &Asked) {
    capability::ask_ahead(&stage.world.connections, &stage.world.memo, inquiry).await;
}

async fn status(stage: &Stage, request: Request) -> Option<u16> {
    let permit = stage.gate.http(request).unwrap();
    stage.world.http_ask(&permit, &HttpQuestion::default()).await.ok().map(|answer| answer.status)
}

#[tokio::test]
async fn what_was_asked_ahead_is_not_asked_again() {
    let caddy = Caddy::start("app.test {\n\trespond ok\n}");
    let stage = Stage::of(&caddy);
    let (wanted, unwanted) = (page("edge", PATH), page("edge", "/config/admin"));
    ask_ahead(&stage, &wanted).await;
    ask_ahead(&stage, &unwanted).await;
    assert!(stage.world.memo.wanted().is_empty() && stage.world.memo.digests().is_empty());
    drop(caddy);
    assert_eq!(status(&stage, get(Origin::Connection("edge".to_owned()), PATH)).await, Some(200));
    assert_eq!(stage.world.memo.wanted(), [wanted].into(), "only what somebody wants is asked ahead the next time");
}

#[tokio::test]
async fn a_request_with_more_than_a_path_is_another_one() {
    let caddy = Caddy::start("app.test {\n\trespond ok\n}");
    let stage = Stage::of(&caddy);
    ask_ahead(&stage, &page("edge", PATH)).await;
    drop(caddy);
    let mut request = get(Origin::Connection("edge".to_owned()), PATH);
    request.headers.push(("x-asked-by".to_owned(), Text::literal("a test")));
    assert_eq!(status(&stage, request).await, None);
    assert!(stage.world.memo.wanted().is_empty(), "what is asked ahead carries no header: it could hold a secret");
}

#[tokio::test]
async fn what_fails_ahead_is_told_where_it_is_wanted() {
    let gone = connection("gone", "caddy", None, &[("admin", "unix:/nonexistent/admin.sock")]);
    let stage = Stage::with(vec![gone]);
    ask_ahead(&stage, &page("gone", PATH)).await;
    assert!(!stage.world.memo.unanswered(), "nobody has asked");
    assert_eq!(status(&stage, get(Origin::Connection("gone".to_owned()), PATH)).await, None);
    assert!(stage.world.memo.unanswered());
}
