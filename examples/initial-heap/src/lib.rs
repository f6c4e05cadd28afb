//! A heap that begins in the memory a component starts with: `use initial_heap as _;`.
//!
//! The allocator of `wasm32-unknown-unknown` takes every byte from `memory.grow`, from its first
//! allocation on, and leaves what is free of the initial memory unused. For a component that gets a
//! fresh instance for each request this means that a host changes the protection of its memory
//! twice per request, and that all cores it runs on have to hear of it. Other targets, such as
//! `wasm32-wasip2`, begin in the initial memory by themselves.
#![no_std]
#![cfg(target_family = "wasm")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::{Cell, UnsafeCell};

use dlmalloc::{Allocator, Dlmalloc};

const PAGE_BYTES: usize = 64 * 1024;
const ALIGNMENT: usize = 16;

unsafe extern "C" {
    // Only their addresses mean something: the linker's.
    static __heap_base: u8;
    static __heap_end: u8;
}

/// What is free of the initial memory, once; then pages of the engine.
struct Memory {
    begun: Cell<bool>,
}

impl Memory {
    fn initial(&self, size: usize) -> Option<(*mut u8, usize)> {
        if self.begun.replace(true) {
            return None;
        }
        let base = (&raw const __heap_base).cast_mut();
        let base = base.wrapping_add(base.align_offset(ALIGNMENT));
        let free = (&raw const __heap_end as usize).checked_sub(base as usize)?;
        (free >= size).then_some((base, free))
    }
}

// SAFETY: regions come from the linker's heap, given out once, or are new pages; both are zero,
// belong to nobody else and are never taken back.
unsafe impl Allocator for Memory {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if let Some((base, size)) = self.initial(size) {
            return (base, size, 0);
        }
        let pages = size.div_ceil(PAGE_BYTES);
        let before = memory_grow(0, pages);
        if before == usize::MAX {
            return (core::ptr::null_mut(), 0, 0);
        }
        let (base, size) = (before * PAGE_BYTES, pages * PAGE_BYTES);
        // No pointer may wrap around at the end of the address space.
        let unusable = if base.wrapping_add(size) == 0 {
            ALIGNMENT
        } else {
            0
        };
        (base as *mut u8, size - unusable, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        core::ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

struct Heap(UnsafeCell<Dlmalloc<Memory>>);

// SAFETY: components have one thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// # Safety
    /// Not while another reference of it is used: the allocator does not call back.
    #[allow(clippy::mut_from_ref)]
    unsafe fn get(&self) -> &mut Dlmalloc<Memory> {
        // SAFETY: by this function's contract.
        unsafe { &mut *self.0.get() }
    }
}

// SAFETY: Dlmalloc does what GlobalAlloc asks for, with the same contracts.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the trait's contract.
        unsafe { self.get().malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the trait's contract.
        unsafe { self.get().calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the trait's contract.
        unsafe { self.get().free(pointer, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: by the trait's contract.
        unsafe {
            self.get()
                .realloc(pointer, layout.size(), layout.align(), new_size)
        }
    }
}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Memory {
    begun: Cell::new(false),
})));
