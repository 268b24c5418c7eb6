//! The lab, and the tests that run on it.
