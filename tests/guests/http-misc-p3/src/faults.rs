//! What ends an instance: loops, traps, recursion, memory.

use std::cell::RefCell;
use std::hint::black_box;

use guest_support::Query;
use wasip3::http::types::Response;

use crate::reply::text;

const MIB: usize = 1024 * 1024;
const PAGE: usize = 4096;

pub fn spin() -> ! {
    loop {
        black_box(());
    }
}

pub fn trap(query: &Query) -> ! {
    match query.text("how") {
        Some("panic") => panic!("a panic on request"),
        Some("out-of-bounds") => {
            let beyond = (core::arch::wasm32::memory_size(0) * 64 * 1024) as *const u8;
            let value = unsafe { beyond.read_volatile() };
            panic!("read {value} beyond the memory")
        }
        _ => core::arch::wasm32::unreachable(),
    }
}

/// Never returns: the call stack ends first.
pub fn recurse(depth: u64) -> u64 {
    if depth == black_box(u64::MAX) {
        depth
    } else {
        black_box(recurse(depth + 1)) + 1
    }
}

/// Allocates and touches `mb` MiB, and gives them back to the allocator at the end.
pub fn memory(query: &Query) -> Response {
    match touched(query.number("mb", 1) as usize) {
        Some(bytes) => text(200, &format!("{} MiB\n", bytes.len() / MIB)),
        None => text(507, "denied\n"),
    }
}

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Like `memory`, but keeps it as long as the instance lives. Answers how much is kept by now.
pub fn leak(query: &Query) -> Response {
    let Some(bytes) = touched(query.number("mb", 1) as usize) else {
        return text(507, "denied\n");
    };
    let kept: usize = KEPT.with_borrow_mut(|kept| {
        kept.push(bytes);
        kept.iter().map(Vec::len).sum()
    });
    text(200, &format!("{} MiB\n", kept / MIB))
}

fn touched(mib: usize) -> Option<Vec<u8>> {
    let length = mib.checked_mul(MIB)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    bytes.resize(length, 0);
    for page in bytes.chunks_mut(PAGE) {
        page[0] = black_box(1);
    }
    Some(bytes)
}
