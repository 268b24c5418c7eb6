//! The container plugin.
