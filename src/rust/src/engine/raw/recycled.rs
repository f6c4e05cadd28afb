//! Things on the heap that a thread uses again. What is handed on many times during a call moves as
//! one pointer: to copy what was only just written field by field stalls the processor.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Memory that is kept for the next use, of one list.
const MAX_KEPT_BYTES: usize = 4096;

pub trait Recycle: Default + 'static {
    /// Where a thread keeps the one that it let go of last.
    fn slot() -> &'static LocalKey<Cell<Option<Box<Self>>>>;
    /// Lets go of all that it holds, but for a little memory.
    fn empty(&mut self);
}

/// Whether the memory of a list is little enough.
pub fn is_kept<T>(list: &Vec<T>) -> bool {
    list.capacity() * size_of::<T>() <= MAX_KEPT_BYTES
}

pub fn empty_list<T>(list: &mut Vec<T>) {
    match is_kept(list) {
        true => list.clear(),
        false => *list = Vec::new(),
    }
}

/// A new or an emptied one. Any thread may let go of it.
pub struct Recycled<T: Recycle>(ManuallyDrop<Box<T>>);

impl<T: Recycle> Recycled<T> {
    /// For C++, until `from_raw`.
    pub fn into_raw(self) -> *mut T {
        let mut owner = ManuallyDrop::new(self);
        // SAFETY: taken once, for it is not dropped.
        Box::into_raw(unsafe { ManuallyDrop::take(&mut owner.0) })
    }

    /// # Safety
    /// `raw` came from `into_raw` and is not used again.
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // SAFETY: by this function's contract.
        Recycled(ManuallyDrop::new(unsafe { Box::from_raw(raw) }))
    }
}

impl<T: Recycle> Default for Recycled<T> {
    #[inline]
    fn default() -> Self {
        // A thread that is ending keeps nothing any more.
        let kept = T::slot().try_with(Cell::take).ok().flatten();
        Recycled(ManuallyDrop::new(kept.unwrap_or_default()))
    }
}

impl<T: Recycle> Deref for Recycled<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Recycle> DerefMut for Recycled<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Recycle> Drop for Recycled<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken once, for nothing follows a drop.
        let mut used = unsafe { ManuallyDrop::take(&mut self.0) };
        used.empty();
        _ = T::slot().try_with(|slot| slot.set(Some(used)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct List {
        bytes: Vec<u8>,
    }

    thread_local! {
        static LISTS: Cell<Option<Box<List>>> = const { Cell::new(None) };
    }

    impl Recycle for List {
        fn slot() -> &'static LocalKey<Cell<Option<Box<List>>>> {
            &LISTS
        }
        fn empty(&mut self) {
            empty_list(&mut self.bytes);
        }
    }

    #[test]
    fn a_thread_uses_again_what_it_let_go_of() {
        let mut first = Recycled::<List>::default();
        first.bytes.extend_from_slice(b"of the first");
        let (memory, second) = (first.bytes.as_ptr(), Recycled::<List>::default());
        assert_eq!(second.bytes.capacity(), 0);
        drop(first);
        let third = Recycled::<List>::default();
        assert!(third.bytes.is_empty());
        assert_eq!(third.bytes.as_ptr(), memory);
    }

    #[test]
    fn much_memory_is_not_kept() {
        let mut large = Recycled::<List>::default();
        large.bytes.resize(MAX_KEPT_BYTES + 1, 0);
        drop(large);
        assert_eq!(Recycled::<List>::default().bytes.capacity(), 0);
    }
}
