//! For tests: five plugins as the front end sees them, grants, and a machine in a directory that goes away.

pub mod front;
pub mod grants;
pub mod machine;
