//! Values as the spec, the plans and the steps hold them: strings with holes, and trees of them.
//!
//! Nothing here ever holds a secret's bytes: a hole names what it points at ([`Target`]), and only the destination
//! gets it filled in (`secret::fill`).

mod address;
mod target;
mod text;
mod tree;

pub use address::Address;
pub use target::{Encoding, Form, Target};
pub use text::{Part, Text};
pub use tree::{Tree, ValueType};
