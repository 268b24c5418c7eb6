//! Files as text: the languages that the host encodes, and the blocks in shared files.

pub mod block;
