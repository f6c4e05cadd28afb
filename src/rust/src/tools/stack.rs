//! Room for the libraries' recursion.

use anyhow::{Context, Result};
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// Address space only: pages are taken as they are touched. Enough for the longest chain of types
/// that fits in the largest WIT text.
const STACK_BYTES: usize = 512 << 20;

/// Runs `work` on a thread of its own with a large stack; panics go on in the caller.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    scope(|scope| {
        let thread = Builder::new()
            .name("wit-tools".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .context("cannot start a thread")?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
