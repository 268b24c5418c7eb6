//! Proof of a check.

/// Proof that the gate let a subject pass. Only the gate makes one.
#[derive(Debug)]
pub struct Permit<T> {
    subject: T,
}

impl<T> Permit<T> {
    /// Only for the `grant` of each capability; a test holds that nobody else says it (`tests/structure`).
    pub(crate) fn new(subject: T) -> Self {
        Self { subject }
    }

    /// What was let pass, in the form that was checked: use this, never what was asked for.
    pub fn subject(&self) -> &T {
        &self.subject
    }
}
