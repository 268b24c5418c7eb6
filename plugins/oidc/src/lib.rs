//! The oidc plugin.
