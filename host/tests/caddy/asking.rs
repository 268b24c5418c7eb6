//! Requests to sites and to the admin API, and what goes wrong with them.

use stackrun::{
    capability::{
        ConditionKind, Held,
        http::{HttpAnswers, HttpQuestion, HttpShows},
    },
    model::{Failure, desired::Origin, value::Text},
};

use super::{
    server::Caddy,
    stage::{Stage, connection, edge, get, site},
};

const SITES: &str = "app.test {\n\trespond /page \"<h1>it works</h1>\" 404\n\trespond \"no page\" 502\n}";

fn shows(path: &str, contains: &str) -> HttpShows {
    let mut request = site("app.test", path);
    request.accept = vec![200, 404];
    HttpShows { request, contains: contains.to_owned() }
}

#[tokio::test]
async fn a_page_counts_by_its_status_and_its_words() {
    let caddy = Caddy::start(SITES);
    let stage = Stage::of(&caddy);
    let ask = async |path, words| stage.ask(ConditionKind::HttpShows(shows(path, words))).await.unwrap();
    assert_eq!(ask("/page", "it works").await, Held::Yes, "404 with the page is the page");
    let other = ask("/page", "something else").await;
    assert_eq!(other, Held::No("status 404, but the page does not hold `something else`: it works".to_owned()));
    assert_eq!(ask("/", "it works").await, Held::No("status 502: no page".to_owned()));
}

#[tokio::test]
async fn a_site_that_is_not_served_is_told_from_one_that_is_not_trusted() {
    let caddy = Caddy::start(SITES);
    let stage = Stage::of(&caddy);
    let ask = async |stage: &Stage, host| {
        let kind = HttpAnswers { request: site(host, "/page"), pointer: None, equals: None };
        stage.ask(ConditionKind::HttpAnswers(kind)).await.unwrap_err().to_string()
    };
    let absent = ask(&stage, "absent.test").await;
    assert!(absent.contains("no certificate for the name absent.test"), "{absent}");
    let mut without_ca = edge(&caddy);
    if let stackrun::model::value::Tree::Table(settings) = &mut without_ca.settings {
        settings.retain(|(key, _)| key != "ca");
    }
    let untrusted = ask(&Stage::with(vec![without_ca]), "app.test").await;
    assert!(untrusted.contains("signed by an authority that is not trusted here"), "{untrusted}");
    assert!(untrusted.contains("`ca = \"/PATH.pem\"` in [connection.edge]"), "{untrusted}");
}

#[tokio::test]
async fn an_url_finds_its_gateway() {
    let caddy = Caddy::start(SITES);
    let stage = Stage::of(&caddy);
    let url = Text::literal(format!("https://app.test:{}", caddy.https_port));
    let mut request = get(Origin::Url(url), "/page");
    request.accept = vec![404];
    let kind = HttpAnswers { request, pointer: None, equals: None };
    assert_eq!(stage.ask(ConditionKind::HttpAnswers(kind)).await.unwrap(), Held::Yes);
}

#[tokio::test]
async fn the_admin_api_tells_which_sites_are_served() {
    let caddy = Caddy::start(SITES);
    let stage = Stage::of(&caddy);
    let request = get(Origin::Connection("edge".to_owned()), "/config/apps/http/servers");
    let permit = stage.gate.http(request).unwrap();
    let fields = vec!["/*/routes/*/match/*/host/*".to_owned()];
    let answer = stage.world.http_ask(&permit, &HttpQuestion { fields, same: Vec::new() }).await.unwrap();
    assert_eq!((answer.status, answer.fields), (200, vec![vec!["app.test".to_owned()]]));
}

#[tokio::test]
async fn what_is_down_is_said_to_be_down() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let down = connection("down", "dns", Some(&format!("http://127.0.0.1:{port}")), &[]);
    let no_socket = connection("gone", "caddy", None, &[("admin", "unix:/nonexistent/admin.sock")]);
    let stage = Stage::with(vec![down, no_socket]);
    let ask = async |name: &str| {
        let permit = stage.gate.http(get(Origin::Connection(name.to_owned()), "/")).unwrap();
        match stage.world.http_ask(&permit, &HttpQuestion::default()).await.unwrap_err() {
            Failure::Unreachable(why) => why,
            other => panic!("{other:?}"),
        }
    };
    let why = ask("down").await;
    assert_eq!(why, format!("http://127.0.0.1:{port} (connection down): nothing listens there (connection refused)"));
    assert!(ask("gone").await.contains("there is no such socket; does the server run?"));
}
