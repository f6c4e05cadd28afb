//! Mutexes that outlive panics.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for it. Whoever panics with one of ours leaves nothing half done behind.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
