//! The data of a core module, all of it placed in its first memory beforehand.

use crate::tools::binary::Section;
use anyhow::{Result, ensure};
use std::ops::Range;
use wasm_encoder::{Encode, Section as _};
use wasmparser::{BinaryReader, ConstExpr, Operator};

/// Gaps between segments that are not worth a segment more.
const GAP_BYTES: u64 = 1024;
/// More between all of them than this, beside what is in them, is not written.
const MOST_GAP_BYTES: usize = 1 << 20;
/// On the average. Smaller segments cost more than what is in them.
const SMALL_SEGMENT_BYTES: usize = 256;

const ACTIVE: u32 = 0;
const ACTIVE_OF_A_MEMORY: u32 = 2;
const I32_CONST: u8 = 0x41;
const I64_CONST: u8 = 0x42;
const END: u8 = 0x0b;

/// What an expression consists of, if that is one operator.
pub fn only_operator<'a>(expression: &ConstExpr<'a>) -> Result<Option<Operator<'a>>> {
    let mut operators = expression.get_operators_reader();
    let operator = operators.read()?;
    if matches!(operator, Operator::End) {
        return Ok(None);
    }
    Ok(matches!(operators.read()?, Operator::End).then_some(operator))
}

pub struct PlacedData<'a> {
    section: Section<'a>,
    is_64: bool,
    segments: Vec<Segment<'a>>,
}

#[derive(Clone, Copy)]
struct Segment<'a> {
    at: u64,
    bytes: &'a [u8],
}

impl Segment<'_> {
    fn end(&self) -> u64 {
        self.at.saturating_add(self.bytes.len() as u64)
    }
}

fn joins(before: &Segment<'_>, next: &Segment<'_>) -> bool {
    next.at.saturating_sub(before.end()) <= GAP_BYTES
}

/// Bytes between segments that are joined.
fn gaps(segments: &[Segment<'_>]) -> usize {
    segments
        .windows(2)
        .filter(|pair| joins(&pair[0], &pair[1]))
        .map(|pair| pair[1].at.saturating_sub(pair[0].end()) as usize)
        .sum()
}

impl<'a> PlacedData<'a> {
    /// None if it is placed somewhere else, or nobody knows where.
    pub fn read(section: Section<'a>) -> Result<Option<Self>> {
        let mut reader = section.reader();
        let mut data = PlacedData {
            section,
            is_64: false,
            segments: Vec::new(),
        };
        for _ in 0..reader.read_var_u32()? {
            if !data.read_segment(&mut reader)? {
                return Ok(None);
            }
        }
        ensure!(reader.eof(), "data behind the last segment");
        Ok(Some(data))
    }

    /// As WebAssembly core specification, 5.5.14, has it: there can be tens of thousands, most of a
    /// few bytes. False if it is of another kind.
    fn read_segment(&mut self, reader: &mut BinaryReader<'a>) -> Result<bool> {
        let of_the_first_memory = match reader.read_var_u32()? {
            ACTIVE => true,
            ACTIVE_OF_A_MEMORY => reader.read_var_u32()? == 0,
            _ => false,
        };
        if !of_the_first_memory {
            return Ok(false);
        }
        let at = match reader.read_u8()? {
            I32_CONST => u64::from(reader.read_var_i32()?.cast_unsigned()),
            I64_CONST => {
                self.is_64 = true;
                reader.read_var_i64()?.cast_unsigned()
            }
            _ => return Ok(false),
        };
        if reader.read_u8()? != END {
            return Ok(false);
        }
        let size = reader.read_var_u32()? as usize;
        let bytes = reader.read_bytes(size)?;
        self.segments.push(Segment { at, bytes });
        Ok(true)
    }

    /// The first byte that has data.
    pub fn begin(&self) -> u64 {
        self.segments.iter().map(|s| s.at).min().unwrap_or(0)
    }

    /// Appends the section: as it is, or with fewer segments that place the same.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        let bytes: usize = self.segments.iter().map(|s| s.bytes.len()).sum();
        let are_small = bytes / SMALL_SEGMENT_BYTES < self.segments.len();
        match are_small.then(|| self.in_order()).flatten() {
            Some(segments) if gaps(&segments) <= bytes.max(MOST_GAP_BYTES) => {
                self.append_joined(&segments, out);
            }
            _ => self.section.raw().append_to(out),
        }
    }

    /// None if one overwrites another, or is nowhere.
    fn in_order(&self) -> Option<Vec<Segment<'a>>> {
        let is_somewhere = |s: &Segment<'_>| s.at.checked_add(s.bytes.len() as u64).is_some();
        if !self.segments.iter().all(is_somewhere) {
            return None;
        }
        let mut segments = self.segments.clone();
        segments.sort_by_key(|segment| segment.at);
        let apart = |pair: &[Segment<'_>]| pair[0].end() <= pair[1].at;
        segments.windows(2).all(apart).then_some(segments)
    }

    fn append_joined(&self, segments: &[Segment<'a>], out: &mut Vec<u8>) {
        let mut contents = Vec::with_capacity(self.section.contents.len());
        let joined = segments.chunk_by(joins);
        joined.clone().count().encode(&mut contents);
        for part in joined {
            let (Some(first), Some(last)) = (part.first(), part.last()) else {
                continue;
            };
            self.append_segment(part, first.at..last.end(), &mut contents);
        }
        let raw = wasm_encoder::RawSection {
            id: self.section.id,
            data: &contents,
        };
        raw.append_to(out);
    }

    fn append_segment(&self, part: &[Segment<'a>], whole: Range<u64>, out: &mut Vec<u8>) {
        out.push(0); // active, of the first memory
        let place = match self.is_64 {
            true => wasm_encoder::ConstExpr::i64_const(whole.start.cast_signed()),
            false => wasm_encoder::ConstExpr::i32_const((whole.start as u32).cast_signed()),
        };
        place.encode(out);
        ((whole.end - whole.start) as usize).encode(out);
        let mut at = whole.start;
        for segment in part {
            out.resize(out.len() + (segment.at - at) as usize, 0);
            out.extend_from_slice(segment.bytes);
            at = segment.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::binary::sections;

    fn read(segments: &[u8]) -> Result<Option<u64>> {
        let header = b"\0asm\x01\0\0\0";
        let module = [&header[..], &[11, segments.len() as u8], segments].concat();
        let data = PlacedData::read(sections(&module)?[0])?;
        Ok(data.map(|data| data.begin()))
    }

    #[test]
    fn reads_what_is_placed_in_the_first_memory() {
        assert_eq!(read(&[0]).unwrap(), Some(0));
        assert_eq!(read(&[1, 0, 0x41, 16, 0x0b, 1, 7]).unwrap(), Some(16));
        assert_eq!(read(&[1, 2, 0, 0x42, 17, 0x0b, 1, 7]).unwrap(), Some(17));
        let passive = [1, 1, 1, 7];
        let of_another_memory = [1, 2, 1, 0x41, 16, 0x0b, 1, 7];
        let from_a_global = [1, 0, 0x23, 0, 0x0b, 1, 7];
        let of_a_sum = [1, 0, 0x41, 16, 0x41, 16, 0x6a, 0x0b, 1, 7];
        for other in [&passive[..], &of_another_memory, &from_a_global, &of_a_sum] {
            assert_eq!(read(other).unwrap(), None, "{other:?}");
        }
        for broken in [
            &[][..],
            &[1],
            &[1, 0, 0x41, 16, 0x0b, 2, 7],
            &[1, 0, 0x41, 16, 0x0b, 1, 7, 0],
            &[2, 0, 0x41, 16, 0x0b, 1, 7],
        ] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }
}
