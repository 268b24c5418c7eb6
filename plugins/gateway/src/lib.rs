//! The gateway plugin.
