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
const INSTANCE_LIMIT: &str = "the instance's memory limit";
const TABLE_LIMIT: &str = "the instance's table limit";

/// What an instance may keep in the host besides its memory before it counts.
const FREE_KEPT_BYTES: u64 = 256 << 10;
/// Who keeps no more than this for each resource that it may have (see `ContextConfig`) is not
/// ended because others have all that the host may have.
const LITTLE_KEPT_BYTES: u64 = 8 << 10;
/// What an instance may keep at least, in the same measure, however little memory it may have.
const MIN_KEPT_LIMIT_BYTES: u64 = 64 << 10;

/// The share of one store; gives everything back when dropped. Wasmtime asks before memories and
/// tables are made and before they grow.
pub struct Share {
    pub total: Arc<Total>,
    memory_bytes: u64,
    /// What the last growth took, in case Wasmtime then reports that it failed.
    last_growth_bytes: u64,
    max_memory_bytes: u64,
    /// What the guest keeps in the host, as far as it counts.
    kept_bytes: u64,
    keeps_too_much: bool,
    max_resources: u64,
    table_elements: u64,
    max_table_elements: u64,
    /// The limit that was hit last, for the message of the trap that often follows.
    pub refused: Option<&'static str>,
}

impl Share {
    pub fn new(
        total: Arc<Total>,
        max_memory_bytes: u64,
        max_table_elements: u64,
        max_resources: u64,
    ) -> Share {
        Share {
            total,
            memory_bytes: 0,
            last_growth_bytes: 0,
            max_memory_bytes,
            kept_bytes: 0,
            keeps_too_much: false,
            max_resources,
            table_elements: 0,
            max_table_elements,
            refused: None,
        }
    }

    /// The guest keeps so many bytes in the host by now: as many again as its memory may have.
    /// False if it is beyond its limit or the host's.
    pub fn keep(&mut self, bytes: u64) -> bool {
        let counted = bytes.saturating_sub(FREE_KEPT_BYTES);
        let less = self.kept_bytes.saturating_sub(counted);
        self.total.give(less);
        self.kept_bytes -= less;
        let more = counted - self.kept_bytes;
        let least = self.max_resources * MIN_KEPT_LIMIT_BYTES;
        if counted > self.max_memory_bytes.max(least) {
            self.refused = Some(INSTANCE_LIMIT);
            self.keeps_too_much = true;
        } else if self.total.take(more) {
            self.kept_bytes = counted;
        } else if counted > self.max_resources * LITTLE_KEPT_BYTES {
            self.refused = Some(HOST_LIMIT);
            self.keeps_too_much = true;
        }
        !self.keeps_too_much
    }

    /// A call begins where nothing else is under way: what was refused is not to blame for what
    /// becomes of it.
    pub fn begin_call(&mut self) {
        if !self.keeps_too_much {
            self.refused = None;
        }
    }

    /// It is to be ended.
    pub fn keeps_too_much(&self) -> bool {
        self.keeps_too_much
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
            self.refused = Some(INSTANCE_LIMIT);
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
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if let Some(most) = maximum
            && desired > most
        {
            // No slot of the pool has more than the limit.
            if most as u64 >= self.max_table_elements {
                self.refused = Some(TABLE_LIMIT);
            }
            return Ok(true); // the table does not grow: Wasmtime looks at its maximum next
        }
        let more = desired.saturating_sub(current) as u64;
        if self.table_elements.saturating_add(more) > self.max_table_elements {
            self.refused = Some(TABLE_LIMIT);
            return Ok(false);
        }
        self.table_elements += more;
        Ok(true)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.total.give(self.memory_bytes + self.kept_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_cannot_grow_takes_nothing() {
        let mut share = Share::new(Arc::new(Total::new(0)), 0, 100, 2048);
        assert!(share.table_growing(0, 4, Some(4)).unwrap());
        assert!(share.table_growing(4, 99, Some(4)).unwrap());
        assert!(share.table_growing(0, 96, None).unwrap());
        assert_eq!(share.refused, None);
        assert!(!share.table_growing(96, 97, None).unwrap());
        assert_eq!(share.refused, Some(TABLE_LIMIT));
    }

    #[test]
    fn a_table_as_large_as_the_limit_grows_no_further_because_of_it() {
        let mut share = Share::new(Arc::new(Total::new(0)), 0, 100, 2048);
        assert!(share.table_growing(0, 4, Some(100)).unwrap());
        assert_eq!(share.refused, None);
        assert!(share.table_growing(4, 101, Some(100)).unwrap());
        assert_eq!(share.refused, Some(TABLE_LIMIT));
    }

    #[test]
    fn what_is_kept_in_the_host_counts_beyond_a_little() {
        const MIB: u64 = 1 << 20;
        let total = Arc::new(Total::new(200 * MIB));
        let mut share = Share::new(total.clone(), 8 * MIB, 0, 2048);
        assert!(share.keep(FREE_KEPT_BYTES));
        assert_eq!(total.used_bytes(), 0);
        assert!(share.keep(FREE_KEPT_BYTES + 5 * MIB));
        assert_eq!(total.used_bytes(), 5 * MIB);
        assert!(share.keep(FREE_KEPT_BYTES + 2 * MIB));
        assert_eq!(total.used_bytes(), 2 * MIB);

        let mut other = Share::new(total.clone(), 500 * MIB, 0, 2048);
        assert!(other.keep(FREE_KEPT_BYTES + 197 * MIB));
        let mut late = Share::new(total.clone(), 500 * MIB, 0, 2048);
        assert!(late.keep(FREE_KEPT_BYTES + 16 * MIB), "it is little");
        assert_eq!(total.used_bytes(), 199 * MIB);
        assert!(!late.keep(FREE_KEPT_BYTES + 17 * MIB), "the sum");
        assert_eq!(late.refused, Some(HOST_LIMIT));
        assert!(!late.keep(0), "it is to be ended");
        drop(other);
        assert_eq!(total.used_bytes(), 2 * MIB);

        assert!(share.keep(FREE_KEPT_BYTES + 128 * MIB), "everybody's");
        assert!(!share.keep(FREE_KEPT_BYTES + 129 * MIB), "its own limit");
        assert_eq!(share.refused, Some(INSTANCE_LIMIT));
        drop(share);
        assert_eq!(total.used_bytes(), 0);
    }
}
