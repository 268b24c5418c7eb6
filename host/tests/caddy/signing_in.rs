//! The first half of a sign-in.

use stackrun::{
    capability::{ConditionKind, Held, http::HttpLeadsTo},
    model::value::Text,
};

use super::{
    server::Caddy,
    stage::{Stage, site},
};

/// An application, and a provider that knows one client and wants a cookie on its second page.
const SITES: &str = r#"
app.test {
	respond /authorize `{"authorization_url": "https://idp.test:PORT/auth?client_id=app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond /unknown `{"authorization_url": "https://idp.test:PORT/auth?client_id=other&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond /scope `{"authorization_url": "https://idp.test:PORT/scope?client_id=app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond /elsewhere `{"authorization_url": "https://other.test:PORT/auth?client_id=app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond /port `{"authorization_url": "https://idp.test:PORT/port?client_id=app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond /doubled `{"authorization_url": "https://idp.test:PORT/doubled?client_id=app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond /circle `{"authorization_url": "https://idp.test:PORT/circle?client_id=app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb"}`
	respond 404
}
idp.test {
	@known {
		path /auth
		query client_id=app
	}
	route @known {
		header Set-Cookie "session=1; Path=/; Secure"
		redir * /login 303
	}
	@session {
		path /login
		header Cookie *session=1*
	}
	respond @session "<h1>Sign in</h1>" 200
	redir /scope https://app.test/cb?error=invalid_scope&error_description=no+such+scope 302
	redir /circle /circle 302
	redir /port https://idp.test:1/login 302
	redir /doubled https://idp.test:PORT//login 302
	respond /auth "<h1>invalid_client</h1><p>client is not registered</p>" 400
	respond 404
}
"#;

async fn sign_in(stage: &Stage, path: &str) -> Held {
    let literal = |(name, value): (&str, &str)| (name.to_owned(), Text::literal(value));
    let expect_query = [("client_id", "app"), ("redirect_uri", "https://app.test/cb")].map(literal).to_vec();
    let expect_query = if path == "/unknown" { expect_query[1..].to_vec() } else { expect_query };
    let kind = HttpLeadsTo {
        request: site("app.test", path),
        pointer: "/authorization_url".to_owned(),
        provider: "idp".to_owned(),
        expect_query,
    };
    stage.ask(ConditionKind::HttpLeadsTo(kind)).await.unwrap()
}

#[tokio::test]
async fn it_ends_on_the_providers_page_or_says_why_not() {
    let caddy = Caddy::start(SITES);
    let stage = Stage::of(&caddy);
    assert_eq!(sign_in(&stage, "/authorize").await, Held::Yes);
    let port = caddy.https_port;
    let table = [
        (
            "/unknown",
            "the provider's page /auth answers with status 400: invalid_client client is not registered".to_owned(),
        ),
        ("/scope", "the provider refuses: invalid_scope: no such scope".to_owned()),
        (
            "/elsewhere",
            format!("it leads to https://other.test:{port}, which is not the provider https://idp.test:{port}"),
        ),
        ("/port", format!("it leads to https://idp.test:1, which is not the provider https://idp.test:{port}")),
        ("/doubled", "it leads to the path //login, which holds `//` or a backslash, which is not opened".to_owned()),
        ("/circle", "the provider redirects more than 10 times".to_owned()),
        ("/nothing", "status 404".to_owned()),
    ];
    for (path, seen) in table {
        assert_eq!(sign_in(&stage, path).await, Held::No(seen), "{path}");
    }
}

/// Asking the provider one question is no leave to open whatever page the application names.
#[tokio::test]
async fn a_provider_is_opened_by_its_own_grant() {
    let caddy = Caddy::start(SITES);
    let mut stage = Stage::of(&caddy);
    let mut grants = stage.gate.grants().clone();
    grants.http.pages.clear();
    stage.gate = stackrun::capability::Gate::new("oidc", "stack", stage.gate.instance().clone(), grants);
    let kind = HttpLeadsTo {
        request: site("app.test", "/authorize"),
        pointer: "/authorization_url".to_owned(),
        provider: "idp".to_owned(),
        expect_query: Vec::new(),
    };
    let denied = stage.ask(ConditionKind::HttpLeadsTo(kind)).await.unwrap_err().to_string();
    assert!(denied.contains("http.pages = [\"idp\"]"), "{denied}");
}

#[tokio::test]
async fn another_redirect_address_is_found_before_anyone_follows_it() {
    let caddy = Caddy::start(SITES);
    let stage = Stage::of(&caddy);
    let kind = HttpLeadsTo {
        request: site("app.test", "/authorize"),
        pointer: "/authorization_url".to_owned(),
        provider: "idp".to_owned(),
        expect_query: vec![("redirect_uri".to_owned(), Text::literal("https://app.test/web/cb"))],
    };
    let seen = "the application sends redirect_uri = https://app.test/cb, not https://app.test/web/cb";
    assert_eq!(stage.ask(ConditionKind::HttpLeadsTo(kind)).await.unwrap(), Held::No(seen.to_owned()));
}
