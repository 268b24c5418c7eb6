//! A server that repeats in its error what it was shown: nobody reads it there.

use stackrun::{
    capability::{
        Step, StepKind,
        http::{HttpExchange, HttpSend},
    },
    model::desired::{Bearer, Method, Origin},
};

use super::{
    server::Caddy,
    stage::{Stage, connection, get},
};

/// Repeats what it was shown, which Caddy writes into the quotes.
const PARROT: &str = "idp.test {\n\trespond /token `{\"access_token\": \"token-of-a-session\"}` 200\n\
                      \trespond `{\"error\": \"not known: {http.request.header.Authorization}\"}` 401\n}";

fn stage(caddy: &Caddy, token: &str) -> Stage {
    let file = caddy.path("token");
    std::fs::write(&file, token).unwrap();
    let issuer = format!("https://idp.test:{}", caddy.https_port);
    let (address, ca) = (format!("127.0.0.1:{}", caddy.https_port), caddy.ca());
    let settings = [
        ("issuer", issuer.as_str()),
        ("ca", ca.to_str().unwrap()),
        ("initial_access_token_file", file.to_str().unwrap()),
    ];
    Stage::with(vec![connection("idp", "oidc-registration", Some(&address), &settings)])
}

#[tokio::test]
async fn a_credential_that_a_server_repeats_is_not_shown() {
    let caddy = Caddy::start(PARROT);
    let stage = stage(&caddy, " initial-access-token \n");
    let mut request = get(Origin::Connection("idp".to_owned()), "/reg");
    (request.method, request.bearer) = (Method::Post, Some(Bearer::Credential));
    let said = Step::HttpSend(HttpSend { request: Box::new(request) })
        .carry_out(&stage.acting())
        .await
        .unwrap_err()
        .to_string();
    let name = "(secret initial_access_token_file of connection idp)";
    assert!(said.ends_with(&format!("answered with status 401: not known: Bearer {name}")), "{said}");
}

#[tokio::test]
async fn a_token_that_a_server_gave_and_repeats_is_not_shown() {
    let caddy = Caddy::start(PARROT);
    let stage = stage(&caddy, "");
    let of_idp = |path: &str| get(Origin::Connection("idp".to_owned()), path);
    let mut second = of_idp("/me");
    second.bearer = Some(Bearer::Earlier { request: 0, pointer: "/access_token".to_owned() });
    let exchange = Step::HttpExchange(HttpExchange { requests: vec![of_idp("/token"), second] });
    let said = exchange.carry_out(&stage.acting()).await.unwrap_err().to_string();
    assert!(said.ends_with("401: not known: Bearer (secret token for GET /me of connection idp)"), "{said}");
}
