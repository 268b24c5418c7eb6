//! What the capability accepts, and the mistakes that it refuses.

use super::*;
use crate::model::{
    Grants, HttpGrant,
    desired::{Bearer, Body, Capture, Method},
};

fn gate() -> Gate {
    let grant = HttpGrant {
        connections: vec![HttpRule {
            connection: "idp".to_owned(),
            methods: vec!["GET".to_owned(), "PUT".to_owned()],
            paths: vec!["/discovery".to_owned(), "/reg/*".to_owned()],
        }],
        own_containers: false,
        sites: vec!["edge".to_owned()],
        pages: vec!["idp".to_owned()],
    };
    let grants = Grants { http: grant, ..Grants::default() };
    Gate::new("oidc", "stack", "oidc.app".parse().unwrap(), grants)
}

fn request(origin: Origin, method: Method, path: &str) -> Request {
    Request {
        origin,
        method,
        path: Text::literal(path),
        headers: Vec::new(),
        bearer: None,
        body: Body::None,
        accept: Vec::new(),
        captures: Vec::new(),
    }
}

fn idp() -> Origin {
    Origin::Connection("idp".to_owned())
}

fn site() -> Origin {
    Origin::Site { gateway: "edge".to_owned(), host: Text::literal("app.example.org") }
}

#[test]
fn methods_and_paths_of_a_connection() {
    let table = [
        (Method::Get, "/discovery", true),
        (Method::Get, "/discovery?x=/../", true),
        (Method::Put, "/reg/abc", true),
        (Method::Get, "/reg/abc%20d", true),
        (Method::Delete, "/reg/abc", false),
        (Method::Post, "/discovery", false),
        (Method::Get, "/discovery/more", false),
        (Method::Get, "/Discovery", false),
        (Method::Get, "/reg", false),
        (Method::Get, "/reg/../admin", false),
        (Method::Get, "/reg/..;/admin", false),
        (Method::Get, "/reg/%2e%2e/admin", false),
        (Method::Get, "/reg/%2E./admin", false),
        (Method::Get, "/reg/%252e%252e/admin", false),
        (Method::Get, "/reg/a%2fb", false),
        (Method::Get, "/reg/..%5cadmin", false),
        (Method::Get, "/reg/\\..\\admin", false),
        (Method::Get, "//evil.example.org/reg/", false),
        (Method::Get, "/reg//evil", false),
        (Method::Get, "@evil.example.org/reg/", false),
        (Method::Get, "http://evil.example.org/reg/", false),
        (Method::Get, "/reg/ HTTP/1.1", false),
        (Method::Get, "/reg/\r\nHost: evil", false),
        (Method::Get, "/reg/#", false),
        (Method::Get, "", false),
    ];
    for (method, path, granted) in table {
        let answer = gate().http(request(idp(), method, path));
        assert_eq!(answer.is_ok(), granted, "{method:?} {path}");
    }
}

#[test]
fn another_origin_is_denied_with_the_line_that_would_grant_it() {
    let denial = gate().http(request(Origin::Connection("main".to_owned()), Method::Post, "/x")).unwrap_err();
    assert_eq!(denial.instance.to_string(), "oidc.app");
    assert_eq!(denial.asked, "POST /x of connection main");
    let line = "http.connections = [{ connection = \"main\", methods = [\"POST\"], paths = [\"/x\"] }]";
    assert_eq!(denial.line, line);
    toml::from_str::<toml::Table>(line).unwrap();
}

#[test]
fn containers_of_nobody_are_spoken_to_without_a_grant() {
    let origin = Origin::Container { connection: "engine".to_owned(), name: "app".to_owned(), container_port: 80 };
    assert_eq!(gate().http(request(origin, Method::Get, "/")).unwrap_err().line, "http.own_containers = true");
}

#[test]
fn sites_are_only_looked_at() {
    let denied = |request: Request| gate().http(request).is_err();
    assert!(!denied(request(site(), Method::Get, "/page")));
    assert!(!denied(request(Origin::Url(Text::literal("https://app.example.org")), Method::Get, "/page")));
    assert!(denied(request(site(), Method::Post, "/page")));
    assert!(denied(Request { bearer: Some(Bearer::Credential), ..request(site(), Method::Get, "/page") }));
    assert!(denied(Request { body: Body::Form(Vec::new()), ..request(site(), Method::Get, "/page") }));
    let secret = Target::Made("oidc.app".parse().unwrap(), "client_secret".to_owned());
    let header = Text::new([Part::Reference(secret)]);
    assert!(denied(Request { headers: vec![("x".to_owned(), header)], ..request(site(), Method::Get, "/page") }));
    let other = Origin::Site { gateway: "other".to_owned(), host: Text::literal("app.example.org") };
    assert!(denied(request(other, Method::Get, "/page")));
}

#[test]
fn an_answer_is_kept_only_as_the_instances_own() {
    let keep = |owner: &str| {
        let into = Target::Made(owner.parse().unwrap(), "client_id".to_owned());
        let captures = vec![Capture { pointer: "/client_id".to_owned(), into }];
        gate().http(Request { captures, ..request(idp(), Method::Get, "/reg/x") })
    };
    assert!(keep("oidc.app").is_ok());
    assert!(keep("oidc.other").is_err());
}

#[test]
fn holes_stay_inside_their_segment() {
    let hole = Part::Reference(Target::Made("oidc.app".parse().unwrap(), "client_id".to_owned()));
    let with = |before: &str| Request {
        path: Text::new([Part::Literal(before.to_owned()), hole.clone()]),
        ..request(idp(), Method::Get, "/")
    };
    assert!(gate().http(with("/reg/")).is_ok());
    assert!(gate().http(with("/discovery")).is_err());
    assert!(gate().http(Request { origin: site(), ..with("/reg/") }).is_err(), "sites see no value of ours");
}

#[test]
fn each_page_of_a_provider_is_looked_at() {
    let page = |connection: &str, path: &str| {
        gate().http_page(PageSubject { connection: connection.to_owned(), path: path.to_owned() }).is_ok()
    };
    assert!(page("idp", "/auth?client_id=app&x=/../"));
    assert!(!page("other", "/auth"));
    for unsound in ["auth", "//auth", "/a/%2e%2e/b", "/a\\b", "/a%2fb"] {
        assert!(!page("idp", unsound), "{unsound}");
    }
    let mut asking_alone = gate();
    asking_alone.grants_mut().http.pages.clear();
    let denied = asking_alone.http_page(PageSubject { connection: "idp".into(), path: "/".into() }).unwrap_err();
    assert_eq!(denied.line, "http.pages = [\"idp\"]", "whoever may ask for one path may not open all of them");
}

#[test]
fn a_header_neither_frames_nor_routes() {
    let with = |name: &str| {
        let headers = vec![(name.to_owned(), Text::literal("x"))];
        gate().http(Request { headers, ..request(idp(), Method::Get, "/discovery") })
    };
    for name in ["Accept", "X-Api-Key", "If-Match"] {
        assert!(with(name).is_ok(), "{name}");
    }
    for name in [
        "Host",
        "HOST",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Proxy-Authorization",
        "proxy-connection",
        "Forwarded",
        "X-Forwarded-Host",
        "X-Original-URL",
        "X-Rewrite-Url",
        "x-method-override",
        "Expect",
        "",
        "a b",
        "a\r\nHost: b",
        "ä:",
    ] {
        assert!(with(name).unwrap_err().asked.contains("the header"), "{name:?}");
    }
}
