//! The secret plugin.
