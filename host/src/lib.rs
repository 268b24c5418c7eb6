//! The stackrun host runtime.
