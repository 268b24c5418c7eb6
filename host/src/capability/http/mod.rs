//! The capability `http`: requests to connections, containers and sites.

pub mod answers;
pub mod client;
pub(crate) mod from_inside;
pub mod grant;
pub mod inquiries;
pub mod questions;
mod request;
pub mod send;
pub mod sign_in_redirect;

pub use answers::{HttpAnswers, HttpShows};
pub use grant::{HttpSubject, PageSubject};
pub use questions::{HttpAnswer, HttpQuestion, scalars_at};
pub use send::{HttpExchange, HttpSend};
pub use sign_in_redirect::HttpLeadsTo;
