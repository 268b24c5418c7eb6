//! What the last runs left: things owned with their undo, edges, places that secrets were written to, the journal.
//! One SQLite file for each stack, 0600.

/// One stack's state.
#[derive(Debug)]
pub struct State {
    _private: (),
}
