//! The same done with each of many items, on as many threads as there are cores.

use anyhow::Result;
use std::num::NonZero;
use std::thread::{Builder, ScopedJoinHandle, available_parallelism};

/// What `of` makes of each, in their order. A thread does at least so many.
pub fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    least: usize,
    of: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(threads).max(least);
    let all_of = |share: &[T]| -> Result<Vec<R>> { share.iter().map(&of).collect() };
    let all_of = &all_of;
    std::thread::scope(|scope| {
        let mut shares = items.chunks(share);
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .map(|share| {
                let thread = Builder::new().spawn_scoped(scope, move || all_of(share));
                (share, thread)
            })
            .collect();
        let mut made = all_of(own)?;
        made.reserve(items.len() - made.len());
        for (share, thread) in others {
            match thread.map(ScopedJoinHandle::join) {
                Ok(Ok(more)) => made.extend(more?),
                // There was no thread for it, or it did not get to the end.
                _ => made.extend(all_of(share)?),
            }
        }
        Ok(made)
    })
}
