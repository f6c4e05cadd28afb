//! Time slices. A guest that computes for a whole one is cut short: it yields to its poller. From
//! then on until it waits for something it has slices of one tick. C++ can give it short ones
//! before.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use wasmtime::UpdateDeadline;

use crate::abi::{OwnedBytes, guard, guard_void};

/// These are of the process, as one clock ticks for all engines.
static TICKS: AtomicU32 = AtomicU32::new(0);
static SLICE_TICKS: AtomicU32 = AtomicU32::new(1);
static CUT_SHORT: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy)]
struct Slice {
    began: u32,
    /// 0: a whole one.
    ticks: u32,
    cut_short: bool,
    /// What the next poll is given instead of a whole one; 0: nothing.
    next: u32,
    /// Remember where the guest is when it is cut short.
    trace: bool,
    trace_next: bool,
}

thread_local! {
    static SLICE: Cell<Slice> = const {
        Cell::new(Slice {
            began: 0,
            ticks: 0,
            cut_short: false,
            next: 0,
            trace: false,
            trace_next: false,
        })
    };
    static TRACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A poll begins on this thread. `goes_on`: the guest was cut short by its last one.
pub fn begin(goes_on: bool) {
    let Slice {
        next, trace_next, ..
    } = SLICE.get();
    SLICE.set(Slice {
        began: TICKS.load(Ordering::Relaxed),
        ticks: if goes_on { 1 } else { next },
        cut_short: false,
        next: 0,
        trace: trace_next,
        trace_next: false,
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_next_slice(ticks: u32) {
    SLICE.set(Slice {
        next: ticks,
        ..SLICE.get()
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_trace_next_slice() {
    SLICE.set(Slice {
        trace_next: true,
        ..SLICE.get()
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_take_trace() -> OwnedBytes {
    guard_void(|| {
        SLICE.set(Slice {
            trace_next: false,
            ..SLICE.get()
        });
    });
    OwnedBytes::from_bytes(TRACE.take().into())
}

/// Whether the guest was cut short since `begin`.
pub fn was_cut_short() -> bool {
    SLICE.get().cut_short
}

/// Decides about the guest that is being polled on this thread and has met a tick: also an old one,
/// from before its poll. `place`: where it is, as text.
pub fn on_tick(place: impl FnOnce() -> String) -> UpdateDeadline {
    let slice = SLICE.get();
    let elapsed = TICKS.load(Ordering::Relaxed).wrapping_sub(slice.began);
    let whole = match slice.ticks {
        0 => SLICE_TICKS.load(Ordering::Relaxed),
        ticks => ticks,
    };
    if elapsed < whole {
        return UpdateDeadline::Continue(1);
    }
    SLICE.set(Slice {
        cut_short: true,
        ..slice
    });
    CUT_SHORT.store(true, Ordering::Relaxed);
    if slice.trace {
        TRACE.replace(place());
    }
    UpdateDeadline::Yield(1)
}

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_tick(slice_ticks: u32) -> i32 {
    guard(0, || {
        SLICE_TICKS.store(slice_ticks.max(1), Ordering::Relaxed);
        TICKS.fetch_add(1, Ordering::Relaxed);
        Ok(i32::from(CUT_SHORT.swap(false, Ordering::Relaxed)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yields() -> bool {
        matches!(on_tick(|| "here".into()), UpdateDeadline::Yield(1))
    }

    fn trace() -> Vec<u8> {
        // SAFETY: as it was made, taken over once.
        unsafe { nimbus_take_trace().into_bytes() }.to_vec()
    }

    // One test, as the clock is the process's.
    #[test]
    fn a_guest_is_cut_short_at_the_end_of_its_slice() {
        nimbus_tick(3);
        begin(false);
        assert!(!yields(), "the tick was before the poll");
        nimbus_tick(3);
        nimbus_tick(3);
        assert!(!yields());
        assert!(!was_cut_short());
        assert_eq!(nimbus_tick(3), 0);
        assert!(yields());
        assert!(was_cut_short());
        assert_eq!(nimbus_tick(3), 1);
        assert_eq!(nimbus_tick(3), 0, "told once");

        begin(true);
        assert!(!was_cut_short());
        assert!(!yields());
        nimbus_tick(3);
        assert!(yields(), "one that goes on has one tick");

        nimbus_next_slice(2);
        begin(false);
        nimbus_tick(3);
        assert!(!yields());
        nimbus_tick(3);
        assert!(yields(), "one that was given two ticks");
        begin(false);
        nimbus_tick(3);
        nimbus_tick(3);
        assert!(!yields(), "it was for one poll");

        nimbus_tick(0);
        begin(false);
        nimbus_tick(0);
        assert!(yields(), "a slice has at least one tick");

        assert_eq!(trace(), b"", "nobody has asked");
        nimbus_trace_next_slice();
        begin(true);
        assert_eq!(trace(), b"", "it was not cut short");
        nimbus_tick(0);
        assert!(yields());
        assert_eq!(trace(), b"here");
        nimbus_trace_next_slice();
        assert_eq!(trace(), b"", "there was no poll");
        begin(true);
        nimbus_tick(0);
        assert!(yields());
        assert_eq!(trace(), b"", "it was for that poll alone");
    }
}
