//! Between the words of the WIT and the host's own types. Nothing here asks or acts; what a plugin says is held
//! against the rules of the WIT that its types can't express.

mod answer;
mod describe;
mod instance;
mod observed;
mod planned;
mod tree;
pub mod words;

pub use answer::{diagnostics, offered};
pub use describe::description;
pub use instance::instance;
pub use observed::{Crosses, failure};
pub use planned::{planned, timeout};
