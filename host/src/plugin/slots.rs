//! Places for calls: the engine's pool holds so many stores and no more. One that finds none waits.

use std::sync::{Condvar, Mutex, PoisonError};

/// How many calls can still begin.
#[derive(Debug)]
pub struct Slots {
    free: Mutex<u32>,
    given_back: Condvar,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Slot<'a>(&'a Slots);

impl Slots {
    /// This many places.
    pub fn new(free: u32) -> Self {
        Self { free: Mutex::new(free), given_back: Condvar::new() }
    }

    /// Waits for a place.
    pub fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.given_back.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.given_back.notify_one();
    }
}
