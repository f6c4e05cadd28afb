//! Reading the wRPC encoding, strictly, from bytes that may lie in several pieces.

use std::borrow::Cow;

use wasmtime::{Error, Result, bail, format_err};

use crate::abi::Str;

#[derive(Clone)]
pub struct Reader<'a> {
    head: &'a [u8],
    rest: &'a [Str],
}

/// The bytes are the beginning of a value, but not all of it.
#[derive(Debug)]
pub struct Truncated;

impl std::fmt::Display for Truncated {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("encoded values end early")
    }
}

impl std::error::Error for Truncated {}

#[cold]
pub fn truncated() -> Error {
    Error::new(Truncated)
}

#[cold]
pub fn out_of_range(what: &str) -> Error {
    format_err!("an encoded {what} is out of range")
}

impl<'a> Reader<'a> {
    pub fn new(head: &'a [u8], rest: &'a [Str]) -> Reader<'a> {
        Reader { head, rest }
    }

    /// Makes `head` the next piece that is not empty; false at the end.
    #[inline]
    fn fill(&mut self) -> bool {
        while self.head.is_empty() {
            let Some((next, rest)) = self.rest.split_first() else {
                return false;
            };
            // SAFETY: whoever made the reader keeps the pieces alive for 'a.
            self.head = unsafe { next.bytes() };
            self.rest = rest;
        }
        true
    }

    pub fn remaining(&self) -> usize {
        self.head.len() + self.rest.iter().map(|piece| piece.size).sum::<usize>()
    }

    /// Whether so many bytes remain. Looks at no more pieces than that needs, so that to ask it
    /// before each of many values is not as many looks at all pieces.
    pub fn holds(&self, count: usize) -> bool {
        let mut found = self.head.len();
        for piece in self.rest {
            if found >= count {
                break;
            }
            found += piece.size;
        }
        found >= count
    }

    pub fn end(mut self) -> Result<()> {
        match self.fill() {
            false => Ok(()),
            true => bail!("{} bytes follow the encoded values", self.remaining()),
        }
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8> {
        if self.head.is_empty() && !self.fill() {
            return Err(truncated());
        }
        let byte = self.head[0];
        self.head = &self.head[1..];
        Ok(byte)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.copy_to(&mut bytes)?;
        Ok(bytes)
    }

    /// Fills `to` across pieces.
    pub fn copy_to(&mut self, mut to: &mut [u8]) -> Result<()> {
        while !to.is_empty() {
            if !self.fill() {
                return Err(truncated());
            }
            let count = to.len().min(self.head.len());
            let (now, later) = to.split_at_mut(count);
            now.copy_from_slice(&self.head[..count]);
            self.head = &self.head[count..];
            to = later;
        }
        Ok(())
    }

    /// The next `count` bytes in one piece; copies only if they do not lie so.
    pub fn take(&mut self, count: usize) -> Result<Cow<'a, [u8]>> {
        if count > 0 {
            self.fill();
        }
        if let Some((taken, head)) = self.head.split_at_checked(count) {
            self.head = head;
            return Ok(Cow::Borrowed(taken));
        }
        if !self.holds(count) {
            return Err(truncated());
        }
        let mut gathered = vec![0; count];
        self.copy_to(&mut gathered)?;
        Ok(Cow::Owned(gathered))
    }

    pub fn skip(&mut self, mut count: usize) -> Result<()> {
        while count > 0 {
            if !self.fill() {
                return Err(truncated());
            }
            let now = count.min(self.head.len());
            self.head = &self.head[now..];
            count -= now;
        }
        Ok(())
    }

    #[inline]
    pub fn unsigned(&mut self, bits: u32) -> Result<u64> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Ok(u64::from(byte));
        }
        self.unsigned_rest(bits, u64::from(byte & 0x7f))
    }

    fn unsigned_rest(&mut self, bits: u32, mut value: u64) -> Result<u64> {
        let mut shift = 7;
        while shift < bits {
            let byte = self.byte()?;
            let payload = u64::from(byte & 0x7f);
            if shift + 7 > bits && payload >> (bits - shift) != 0 {
                break;
            }
            value |= payload << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
        Err(out_of_range("unsigned integer"))
    }

    pub fn signed(&mut self, bits: u32) -> Result<i64> {
        let (mut value, mut shift) = (0i64, 0);
        while shift < bits {
            let byte = self.byte()?;
            let payload = i64::from(byte & 0x7f);
            value |= payload << shift;
            // The payload's own sign, shifted beyond the type: all of its upper bits must agree.
            if shift + 7 > bits {
                let upper = (byte << 1) as i8 >> (bits - shift);
                if upper != 0 && upper != -1 {
                    break;
                }
            }
            shift += 7;
            if byte < 0x80 {
                if byte & 0x40 != 0 && shift < 64 {
                    value |= -1 << shift;
                }
                return Ok(value);
            }
        }
        Err(out_of_range("signed integer"))
    }

    pub fn bool(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(out_of_range("bool")),
        }
    }

    pub fn char(&mut self) -> Result<char> {
        let first = self.byte()?;
        let size = match first {
            0..0x80 => return Ok(char::from(first)),
            0xc2..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf5 => 4,
            _ => return Err(out_of_range("char")),
        };
        let mut bytes = [first, 0, 0, 0];
        self.copy_to(&mut bytes[1..size])?;
        let text = std::str::from_utf8(&bytes[..size]).map_err(|_| out_of_range("char"))?;
        text.chars().next().ok_or_else(|| out_of_range("char"))
    }

    /// A count of elements or bytes.
    #[inline]
    pub fn count(&mut self) -> Result<usize> {
        Ok(self.unsigned(32)? as usize)
    }
}
