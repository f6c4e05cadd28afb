//! What a guest sent, encoded.

use std::cell::Cell;
use std::thread::LocalKey;

use wasmtime::component::ResourceAny;

use super::Channel;
use super::bytes::{give_buffer, hand_over};
use super::recycled::{Recycle, empty_list, is_kept};
use crate::abi::OwnedBytes;

/// What a guest sent. `large` says where in `bytes` stand handles whose bytes are not final: of the
/// host those that are longer than a number (see `handles`), of the guest itself all, in the order
/// of `resources`.
#[derive(Default)]
pub struct Lifted {
    /// The encoded values, behind `lead`.
    pub bytes: Vec<u8>,
    /// So many bytes at the beginning mean nothing: they align what is long behind them.
    pub lead: usize,
    pub large: Vec<LargeHandle>,
    pub resources: Vec<ResourceAny>,
    /// In the order in which they stand in the bytes.
    pub channels: Vec<Channel>,
}

pub struct LargeHandle {
    /// Of the handle's length in the bytes.
    pub position: usize,
    pub rep: u32,
    /// The guest gave it away.
    pub owned: bool,
}

/// From here on bytes change hands rather than being copied.
const SHARE_FROM_BYTES: usize = 1024;

/// A line of the processor's cache.
const LINE_BYTES: usize = 64;

/// Contents from here on are copied to where they lie in a line as they do in the guest: from line
/// to line a processor copies faster, in the worst case many times.
pub const ALIGN_FROM_BYTES: usize = 4096;

impl Lifted {
    /// The encoded values.
    #[cfg(any(test, feature = "fuzz"))]
    pub fn wire(&self) -> &[u8] {
        &self.bytes[self.lead..]
    }

    /// How many bytes the encoded values take.
    pub fn size(&self) -> usize {
        self.bytes.len() - self.lead
    }

    /// Has `bytes` begin with the values.
    pub fn cut_lead(&mut self) {
        self.bytes.drain(..std::mem::take(&mut self.lead));
    }

    /// For C++: few are shown for the time of a call, during which `self` must live.
    #[inline]
    pub fn take_bytes(&mut self) -> OwnedBytes {
        let lead = std::mem::take(&mut self.lead);
        match self.bytes.len() {
            0..SHARE_FROM_BYTES => OwnedBytes::borrowed(&self.bytes[lead..]),
            _ => hand_over(std::mem::take(&mut self.bytes), lead),
        }
    }

    /// Makes room for a long content, if little stands before it.
    #[inline(never)]
    pub fn align_for(&mut self, content: &[u8]) {
        let before = self.bytes.len();
        if before > LINE_BYTES || self.lead != 0 || !self.large.is_empty() {
            return;
        }
        self.bytes.reserve(LINE_BYTES + content.len());
        let place = self.bytes.as_ptr().wrapping_add(before);
        self.lead = content.as_ptr().addr().wrapping_sub(place.addr()) % LINE_BYTES;
        self.bytes.resize(before + self.lead, 0);
        self.bytes.copy_within(..before, self.lead);
    }
}

thread_local! {
    static LIFTED: Cell<Option<Box<Lifted>>> = const { Cell::new(None) };
}

impl Recycle for Lifted {
    fn slot() -> &'static LocalKey<Cell<Option<Box<Lifted>>>> {
        &LIFTED
    }

    fn empty(&mut self) {
        self.lead = 0;
        match is_kept(&self.bytes) {
            true => self.bytes.clear(),
            false => give_buffer(std::mem::take(&mut self.bytes)),
        }
        empty_list(&mut self.large);
        empty_list(&mut self.resources);
        empty_list(&mut self.channels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_content_lies_in_a_line_as_it_did() {
        let memory = vec![7; ALIGN_FROM_BYTES + LINE_BYTES];
        for from in [0, 1, 16, 63] {
            for header in [&b""[..], b"123"] {
                let content = &memory[from..from + ALIGN_FROM_BYTES];
                let mut lifted = Lifted::default();
                lifted.bytes.extend_from_slice(header);
                lifted.align_for(content);
                lifted.bytes.extend_from_slice(content);
                let wire = [header, content].concat();
                assert_eq!(lifted.wire(), wire);
                assert_eq!(lifted.size(), wire.len());
                let place = lifted.wire()[header.len()..].as_ptr();
                let distance = place.addr().wrapping_sub(content.as_ptr().addr());
                assert_eq!(distance % LINE_BYTES, 0);
                // SAFETY: it says itself how long it is, and is alive.
                let bytes = unsafe { lifted.take_bytes().into_bytes() };
                assert_eq!(bytes, wire);
            }
        }
    }

    #[test]
    fn what_is_long_before_it_stays_where_it_is() {
        let content = vec![7; ALIGN_FROM_BYTES];
        let mut lifted = Lifted::default();
        lifted.bytes.resize(LINE_BYTES + 1, 1);
        lifted.align_for(&content);
        assert_eq!(lifted.size(), LINE_BYTES + 1);
        lifted.bytes.clear();
        let large = LargeHandle {
            position: 0,
            rep: 0,
            owned: false,
        };
        lifted.large.push(large);
        lifted.align_for(&content);
        assert!(lifted.bytes.is_empty());
    }

    #[test]
    fn the_lead_can_be_cut() {
        let content = vec![7; ALIGN_FROM_BYTES];
        let mut lifted = Lifted::default();
        lifted.bytes.push(1);
        lifted.align_for(&content);
        lifted.cut_lead();
        assert_eq!(lifted.bytes, [1]);
    }
}
