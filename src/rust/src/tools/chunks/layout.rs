//! Where chunks have their slots, in the memory of constants, and their functions, in the table of
//! all.

use super::code::Draft;
use anyhow::{Context, Result, ensure};
use std::ops::Range;

/// Where chunks have their slots and functions. A chunk that stays the same stays where it is.
#[derive(Default)]
pub struct Layout(pub(super) Vec<Region>);

#[derive(Clone, PartialEq)]
pub(super) struct Region {
    chunk: u64,
    pub(super) slots: Range<u32>,
    pub(super) functions: Range<u32>,
}

impl Region {
    fn is_of(&self, draft: &Draft) -> bool {
        self.chunk == draft.hash
            && self.slots.len() >= draft.slots.len()
            && self.functions.len() >= draft.functions.len()
    }
}

/// Of slots, or of functions.
const MOST: u32 = 1 << 26;

fn are_apart(regions: &[Region], of: fn(&Region) -> &Range<u32>) -> bool {
    let mut ranges: Vec<_> = regions.iter().map(of).collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    let in_bounds = |range: &&Range<u32>| range.start <= range.end && range.end <= MOST;
    ranges.iter().all(in_bounds) && ranges.windows(2).all(|pair| pair[0].end <= pair[1].start)
}

impl Layout {
    const WORDS: usize = 6;

    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let words: Vec<u32> = bytes
            .chunks_exact(size_of::<u32>())
            .map(|word| u32::from_le_bytes(word.try_into().unwrap_or_default()))
            .collect();
        ensure!(
            words.len().is_multiple_of(Self::WORDS),
            "a layout cut short"
        );
        let region = |words: &[u32]| Region {
            chunk: u64::from(words[0]) | u64::from(words[1]) << 32,
            slots: words[2]..words[3],
            functions: words[4]..words[5],
        };
        let regions: Vec<_> = words.chunks_exact(Self::WORDS).map(region).collect();
        ensure!(
            are_apart(&regions, |region| &region.slots)
                && are_apart(&regions, |region| &region.functions),
            "a layout of regions that overlap"
        );
        Ok(Layout(regions))
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        for region in &self.0 {
            out.extend(region.chunk.to_le_bytes());
            for word in [&region.slots, &region.functions].map(|r| [r.start, r.end]) {
                out.extend(word.map(u32::to_le_bytes).concat());
            }
        }
    }

    /// Makes it one region for each chunk; those of the same content have one each.
    pub(super) fn place(&mut self, drafts: &[Draft]) -> Result<()> {
        let mut regions: Vec<Option<Region>> = Vec::new();
        for draft in drafts {
            let known = self.0.iter().position(|region| region.is_of(draft));
            regions.push(known.map(|known| self.0.remove(known)));
        }
        for (number, draft) in drafts.iter().enumerate() {
            if regions[number].is_some() {
                continue;
            }
            let taken = || regions.iter().flatten();
            let slots = u32::try_from(draft.slots.len())?.saturating_add(64);
            let functions = u32::try_from(draft.functions.len())?.saturating_add(8);
            let region = Region {
                chunk: draft.hash,
                slots: free(taken().map(|region| &region.slots), slots / 64 * 64)?,
                functions: free(taken().map(|region| &region.functions), functions / 8 * 8)?,
            };
            regions[number] = Some(region);
        }
        self.0 = regions.into_iter().flatten().collect();
        Ok(())
    }
}

/// The first gap of that size.
fn free<'a>(taken: impl Iterator<Item = &'a Range<u32>>, size: u32) -> Result<Range<u32>> {
    let mut taken: Vec<_> = taken.collect();
    taken.sort_by_key(|range| range.start);
    let mut at = 0_u32;
    for range in taken {
        if range.start.saturating_sub(at) >= size {
            break;
        }
        at = at.max(range.end);
    }
    let end = at.checked_add(size).context("no room for a chunk")?;
    ensure!(end <= MOST, "no room for a chunk");
    Ok(at..end)
}
