//! What proves that signing in works.

use stackrun_plugin::{
    guest::CheckOf,
    http::{self, Method, Origin, Request},
    literal,
    types::{self, Condition},
};

use crate::{discovery, wish::Wish};

const DISCOVERY_MS: u32 = 20_000;
/// The application may be starting.
const SIGN_IN_MS: u32 = 60_000;

/// Discovery as the application's own container sees it, and the first half of a sign-in.
pub fn all(wish: &Wish) -> Vec<CheckOf> {
    let mut checks = vec![CheckOf {
        id: "discovery".to_owned(),
        says: format!("the discovery document of {} can be read, and trusted", wish.provider.issuer),
        condition: types::from_consumers(&discovery_answers(wish)),
        timeout_ms: DISCOVERY_MS,
    }];
    checks.extend(sign_in(wish));
    checks
}

/// The provider is there, and is the one that it was.
pub fn discovery_answers(wish: &Wish) -> Condition {
    let request = discovery::request(wish);
    http::answers(&request, Some("/issuer"), Some(&literal(&wish.provider.issuer)))
}

/// Where the contract says how a sign-in begins.
fn sign_in(wish: &Wish) -> Option<CheckOf> {
    let (site, start) = (wish.site.as_ref()?, wish.start.as_ref()?);
    let request = Request::new(&Origin::url(site), Method::Get, &literal(&start.path));
    let expected =
        [("client_id".to_owned(), wish.client_id()), ("redirect_uri".to_owned(), start.redirect_uri.clone())];
    Some(CheckOf {
        id: "sign-in".to_owned(),
        says: "the application sends people to the provider's sign-in page, and the provider knows the client"
            .to_owned(),
        condition: http::leads_to(&request, &start.pointer, &wish.provider.connection, &expected),
        timeout_ms: SIGN_IN_MS,
    })
}
