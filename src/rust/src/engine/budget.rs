//! One sum of what guests keep in memory over all engines of a host, linear memory above all, and
//! what one instance may take of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

use crate::abi::{guard, guard_void};

pub struct Total {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl Total {
    pub fn new(limit_bytes: u64) -> Total {
        Total {
            limit_bytes,
            used_bytes: AtomicU64::new(0),
        }
    }

    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Whether there was so much; it is to be given back.
    pub fn take(&self, bytes: u64) -> bool {
        self.used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes)
                    .filter(|sum| *sum <= self.limit_bytes)
            })
            .is_ok()
    }

    pub fn give(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

pub struct Budget(pub Arc<Total>);

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_budget_new(limit_bytes: u64) -> *mut Budget {
    guard(std::ptr::null_mut(), || {
        let total = Arc::new(Total::new(limit_bytes));
        Ok(Box::into_raw(Box::new(Budget(total))))
    })
}

/// # Safety
/// `budget` came from `nimbus_budget_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_budget_used(budget: *const Budget) -> u64 {
    // SAFETY: by this function's contract.
    unsafe { &*budget }.0.used_bytes()
}

/// # Safety
/// `budget` came from `nimbus_budget_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_budget_free(budget: *mut Budget) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(budget) }));
}

/// What `Share::refused` says of the sum.
pub const HOST_LIMIT: &str = "the host's memory limit";

/// The share of one store; gives everything back when dropped. Wasmtime asks before memories and
/// tables are made and before they grow.
pub struct Share {
    pub total: Arc<Total>,
    memory_bytes: u64,
    /// What the last growth took, in case Wasmtime then reports that it failed.
    last_growth_bytes: u64,
    max_memory_bytes: u64,
    table_elements: u64,
    max_table_elements: u64,
    /// The limit that was hit last, for the message of the trap that often follows.
    pub refused: Option<&'static str>,
}

impl Share {
    pub fn new(total: Arc<Total>, max_memory_bytes: u64, max_table_elements: u64) -> Share {
        Share {
            total,
            memory_bytes: 0,
            last_growth_bytes: 0,
            max_memory_bytes,
            table_elements: 0,
            max_table_elements,
            refused: None,
        }
    }
}

impl ResourceLimiter for Share {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        self.last_growth_bytes = 0;
        if self.memory_bytes.saturating_add(more) > self.max_memory_bytes {
            self.refused = Some("the instance's memory limit");
            return Ok(false);
        }
        if !self.total.take(more) {
            self.refused = Some(HOST_LIMIT);
            return Ok(false);
        }
        self.memory_bytes += more;
        self.last_growth_bytes = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        let undone = std::mem::take(&mut self.last_growth_bytes);
        self.memory_bytes -= undone;
        self.total.give(undone);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.table_elements.saturating_add(more) > self.max_table_elements {
            self.refused = Some("the instance's table limit");
            return Ok(false);
        }
        self.table_elements += more;
        Ok(true)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.total.give(self.memory_bytes);
    }
}
