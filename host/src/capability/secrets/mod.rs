//! The capability `secrets`: values that are generated and kept in the store.

pub mod steps;

pub use steps::{SecretDiscard, SecretGenerate};
