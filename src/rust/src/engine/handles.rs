//! Handles of resources that providers gave to a guest. Wasmtime knows a resource by a number of 32
//! bits, a provider by bytes of its own making: four bytes are the number themselves, everything
//! else is kept here.

use std::any::Any;

use wasmtime::{Result, bail, format_err};

use super::host::Host;
use super::raw::{Lifted, MAX_WIRE_BYTES};

/// Set in numbers that are indices into the table.
pub const IS_LARGE: u32 = 1 << 31;

const MAX_HANDLE_BYTES: usize = 4096;
const MAX_HANDLES: usize = 100_000;
/// Of all that are kept for one instance.
const MAX_KEPT_BYTES: usize = 16 << 20;

#[derive(Default)]
pub struct Handles {
    slots: Vec<Option<Box<[u8]>>>,
    free: Vec<u32>,
    kept_bytes: usize,
}

impl Handles {
    fn insert(&mut self, handle: &[u8]) -> Result<u32> {
        if handle.len() > MAX_HANDLE_BYTES {
            bail!("a handle of {} bytes is too long", handle.len());
        }
        if self.kept_bytes + handle.len() > MAX_KEPT_BYTES {
            bail!("more than {MAX_KEPT_BYTES} bytes of handles");
        }
        if let Some(index) = self.free.pop() {
            self.slots[index as usize] = Some(handle.into());
            self.kept_bytes += handle.len();
            return Ok(index | IS_LARGE);
        }
        if self.slots.len() >= MAX_HANDLES {
            bail!("more than {MAX_HANDLES} handles");
        }
        self.slots.push(Some(handle.into()));
        self.kept_bytes += handle.len();
        Ok((self.slots.len() - 1) as u32 | IS_LARGE)
    }

    fn get(&self, rep: u32) -> Result<&[u8]> {
        let slot = self.slots.get((rep & !IS_LARGE) as usize);
        let handle = slot.and_then(Option::as_deref);
        handle.ok_or_else(|| format_err!("unknown handle"))
    }

    fn remove(&mut self, rep: u32) -> Option<Box<[u8]>> {
        let index = rep & !IS_LARGE;
        let removed = self.slots.get_mut(index as usize)?.take()?;
        self.free.push(index);
        self.kept_bytes -= removed.len();
        Some(removed)
    }

    /// The guest dropped a resource: the bytes that its provider knows it by.
    pub fn drop(&mut self, rep: u32, show: impl FnOnce(&[u8])) {
        if rep & IS_LARGE == 0 {
            show(&rep.to_le_bytes());
        } else if let Some(handle) = self.remove(rep) {
            show(&handle);
        }
    }

    /// Puts the bytes of long handles where their numbers stand.
    pub fn write_large(&mut self, lifted: &mut Lifted) -> Result<()> {
        self.write_within(MAX_WIRE_BYTES, lifted)
    }

    /// A guest may lend the same one any number of times.
    fn write_within(&mut self, most_bytes: usize, lifted: &mut Lifted) -> Result<()> {
        let mut written = Vec::with_capacity(lifted.bytes.len() + 64);
        let mut copied = 0;
        for large in std::mem::take(&mut lifted.large) {
            written.extend_from_slice(&lifted.bytes[copied..large.position]);
            copied = large.position + 5;
            let handle = self.get(large.rep)?;
            if written.len() - lifted.lead + handle.len() > most_bytes {
                bail!("the values are larger than {most_bytes} bytes");
            }
            super::raw::leb::unsigned(&mut written, handle.len() as u64);
            written.extend_from_slice(handle);
            if large.owned {
                self.remove(large.rep);
            }
        }
        written.extend_from_slice(&lifted.bytes[copied..]);
        lifted.bytes = written;
        Ok(())
    }
}

/// The number by which Wasmtime will know a resource that a provider gave out.
pub fn rep_of<U: 'static>(handle: &[u8], data: &mut U) -> Result<u32> {
    if let Ok(bytes) = handle.try_into() {
        let number = u32::from_le_bytes(bytes);
        if number & IS_LARGE == 0 {
            return Ok(number);
        }
    }
    match (data as &mut dyn Any).downcast_mut::<Host>() {
        Some(host) => host.imports.handles.insert(handle),
        None => bail!("this store has no table of handles"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::raw::LargeHandle;

    #[test]
    fn short_handles_are_their_own_numbers() {
        assert_eq!(rep_of(&[1, 2, 3, 4], &mut ()).unwrap(), 0x0403_0201);
        assert!(rep_of(&[1, 2, 3, 0x84], &mut ()).is_err());
        assert!(rep_of(&[1, 2, 3], &mut ()).is_err());
    }

    #[test]
    fn long_handles_are_written_in_place_of_their_numbers() {
        let mut handles = Handles::default();
        let first = handles.insert(b"first").unwrap();
        let second = handles.insert(b"2").unwrap();
        let mut bytes = vec![9, 4];
        bytes.extend(first.to_le_bytes());
        bytes.extend([8, 4]);
        bytes.extend(second.to_le_bytes());
        let large = |position, rep, owned| LargeHandle {
            position,
            rep,
            owned,
        };
        let mut lifted = Lifted {
            bytes,
            large: vec![large(1, first, false), large(7, second, true)],
            ..Lifted::default()
        };
        handles.write_large(&mut lifted).unwrap();
        assert_eq!(lifted.bytes, b"\x09\x05first\x08\x012");

        // The second was given away; its number is used again.
        assert!(handles.get(second).is_err());
        assert_eq!(handles.insert(b"third").unwrap(), second);
        let mut shown = Vec::new();
        handles.drop(first, |handle| shown.extend_from_slice(handle));
        handles.drop(7, |handle| shown.extend_from_slice(handle));
        handles.drop(first, |_| panic!("dropped twice"));
        assert_eq!(shown, b"first\x07\0\0\0");
    }

    #[test]
    fn what_handles_take_that_are_lent_many_times_is_bounded() {
        let mut handles = Handles::default();
        let rep = handles.insert(&[7; 1000]).unwrap();
        let mut lend = |count: usize| {
            let one = |index| LargeHandle {
                position: index * 5,
                rep,
                owned: false,
            };
            let mut lifted = Lifted {
                bytes: vec![4; count * 5],
                large: (0..count).map(one).collect(),
                ..Lifted::default()
            };
            let written = handles.write_within(10_100, &mut lifted);
            written.map(|()| lifted.bytes.len())
        };
        assert_eq!(lend(10).unwrap(), 10_020);
        let refused = lend(11).unwrap_err();
        assert!(refused.to_string().contains("larger than"));
    }

    #[test]
    fn a_guest_holds_so_many_handles() {
        let mut handles = Handles::default();
        assert!(handles.insert(&[0; MAX_HANDLE_BYTES + 1]).is_err());
        for _ in 0..MAX_HANDLES {
            handles.insert(b"").unwrap();
        }
        assert!(handles.insert(b"").is_err());
    }

    #[test]
    fn what_is_kept_of_them_is_bounded_and_comes_back() {
        let mut handles = Handles::default();
        let kept: Vec<u32> = (0..MAX_KEPT_BYTES / MAX_HANDLE_BYTES)
            .map(|_| handles.insert(&[0; MAX_HANDLE_BYTES]).unwrap())
            .collect();
        assert!(handles.insert(b"one more").is_err());
        handles.drop(kept[0], |_| ());
        handles.insert(b"one more").unwrap();
    }
}
