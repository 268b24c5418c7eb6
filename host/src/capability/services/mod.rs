//! The capability `services`: verbs of connections, with the operator's commands behind them.

pub mod caddy;
pub mod grant;
pub mod run;
pub mod verb;

pub use grant::VerbSubject;
pub use run::ServiceRun;
