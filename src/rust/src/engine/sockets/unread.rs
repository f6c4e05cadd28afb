//! Bytes that lie in one direction of a connection: few at no charge, more in the memory that the
//! host has for guests, and gone from there when they are read.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::budget::Total;

/// Most of them.
pub const CAPACITY: usize = 64 << 10;
/// So many cost nothing: who has little to say needs no more.
const FREE: usize = 4 << 10;

pub struct Unread {
    bytes: VecDeque<u8>,
    memory: Arc<Total>,
    /// Whether the rest of the capacity is taken from it.
    charged: bool,
    /// What the writer was told that it may write.
    promised: usize,
}

impl Unread {
    pub fn new(memory: Arc<Total>) -> Unread {
        Unread {
            bytes: VecDeque::new(),
            memory,
            charged: false,
            promised: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// For how many more there is room, if so many are wanted. Never none where nothing lies.
    pub fn room(&mut self, wanted: usize) -> usize {
        if !self.charged && self.bytes.len() + wanted > FREE {
            self.charged = self.memory.take((CAPACITY - FREE) as u64);
        }
        let limit = match self.charged {
            true => CAPACITY,
            false => FREE,
        };
        limit.saturating_sub(self.bytes.len()).max(self.promised)
    }

    /// The same, and so many may be put next whatever becomes of the memory.
    pub fn promise(&mut self) -> usize {
        self.promised = 0;
        self.promised = self.room(1);
        self.promised
    }

    /// No more than there is room for.
    pub fn put(&mut self, bytes: &[u8]) {
        let after = self.bytes.len() + bytes.len();
        let capacity = match after > FREE {
            true => CAPACITY,
            false => FREE,
        };
        self.bytes.reserve_exact(capacity - self.bytes.len());
        self.bytes.extend(bytes);
        self.promised = 0;
    }

    /// How many were there, at most as many as go in.
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.bytes.len());
        let (front, back) = self.bytes.as_slices();
        let (first, second) = into[..count].split_at_mut(count.min(front.len()));
        first.copy_from_slice(&front[..first.len()]);
        second.copy_from_slice(&back[..second.len()]);
        self.bytes.drain(..count);
        if self.bytes.is_empty() {
            self.settle();
        }
        count
    }

    /// Whether there were any.
    pub fn clear(&mut self) -> bool {
        let any = !self.bytes.is_empty();
        self.bytes.clear();
        self.settle();
        any
    }

    /// Nothing lies here.
    fn settle(&mut self) {
        if self.bytes.capacity() > FREE {
            self.bytes = VecDeque::new();
        }
        if std::mem::take(&mut self.charged) {
            self.memory.give((CAPACITY - FREE) as u64);
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHARGE: u64 = (CAPACITY - FREE) as u64;

    fn unread(memory_bytes: u64) -> (Unread, Arc<Total>) {
        let memory = Arc::new(Total::new(memory_bytes));
        (Unread::new(memory.clone()), memory)
    }

    #[test]
    fn little_costs_nothing_and_much_is_charged_until_it_is_read() {
        let (mut unread, memory) = unread(CHARGE);
        assert_eq!(unread.room(FREE), FREE);
        unread.put(&[1; FREE]);
        assert_eq!((memory.used_bytes(), unread.bytes.capacity()), (0, FREE));
        assert_eq!(unread.room(1), CAPACITY - FREE);
        unread.put(&[2; CAPACITY - FREE]);
        assert_eq!(unread.room(1), 0);
        assert_eq!(memory.used_bytes(), CHARGE);
        assert_eq!(unread.bytes.capacity(), CAPACITY);
        let mut read = [0; CAPACITY];
        assert_eq!(unread.take(&mut read[1..]), CAPACITY - 1);
        assert_eq!(memory.used_bytes(), CHARGE);
        assert_eq!(unread.take(&mut read[..1]), 1);
        assert_eq!((memory.used_bytes(), unread.bytes.capacity()), (0, 0));
        assert_eq!((read[0], read[1], read[FREE + 1]), (2, 1, 2));
    }

    #[test]
    fn without_memory_there_is_room_for_little() {
        let (mut one, memory) = unread(CHARGE);
        let mut other = Unread::new(memory.clone());
        assert_eq!(one.room(CAPACITY), CAPACITY);
        one.put(&[0; CAPACITY]);
        assert_eq!(other.room(CAPACITY), FREE);
        other.put(&[0; FREE]);
        assert_eq!(other.room(1), 0);
        other.take(&mut [0]);
        assert_eq!(other.room(1), 1);
        drop(one);
        assert_eq!(other.room(2), CAPACITY - FREE + 1);
        drop(other);
        assert_eq!(memory.used_bytes(), 0);
    }

    #[test]
    fn a_promise_is_kept_when_there_is_no_memory_any_more() {
        let (mut unread, memory) = unread(CHARGE);
        assert_eq!(unread.room(FREE + 1), CAPACITY);
        unread.put(&[0; FREE + 1]);
        let promised = unread.promise();
        assert_eq!(promised, CAPACITY - FREE - 1);
        unread.take(&mut [0; CAPACITY]);
        assert!(memory.take(CHARGE), "it was given back");
        assert_eq!(unread.room(promised), promised);
        unread.put(&vec![0; promised]);
        assert_eq!(unread.room(1), 0);
        memory.give(CHARGE);
        assert!(unread.clear());
        assert_eq!(unread.promise(), FREE);
    }
}
