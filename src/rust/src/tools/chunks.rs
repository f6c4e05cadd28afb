//! A core module in chunks that are compiled apart, cut so that an edit changes few of them.
//!
//! An edit of compiled code moves data and functions, and what speaks of them changes with it
//! although it does the same as before. Here such numbers, addresses in memory and functions of
//! other chunks, are read from a second memory, the constants, and functions of other chunks are
//! called through a table. What a chunk consists of is then what its source says. Where functions
//! are cut into chunks is said by what they consist of, as well: the cuts behind an edit stay.
//!
//! A module of what the chunks share (tables, globals, constants; no code) is in front of them, and
//! one that exports what the module exported is behind them. The second one fills the tables.

mod code;
mod layout;
mod linking;
mod scan;
mod side_by_side;
mod whole;

use crate::tools::core_module::CoreModule;
use anyhow::{Result, ensure};
use code::Draft;
pub use layout::Layout;
use layout::Region;
use side_by_side::side_by_side;
use std::ops::Range;
use wasm_encoder::ModuleType;
use whole::{Body, Whole};

/// What chunks import all they share from, but for the memory.
pub const SHARED_FROM: &str = "nimbus:shared";

const PAGE_BYTES: usize = 65536;
const SLOT_BYTES: usize = 8;
/// Of a module. With more it is an interpreter, whose code no edit changes.
const MOST_CODE_BYTES: usize = 8 << 20;
/// Each has an instance, which costs requests something.
const MOST_CHUNKS: usize = 64;
/// Code of a chunk, times what all code is in units of two megabytes: a module has some thirty.
/// Where functions end below the least there is no cut.
const LEAST_BYTES: usize = 16 << 10;
const MOST_BYTES: usize = 128 << 10;
/// One of so many kilobytes of code ends a chunk, times the same.
const KILOBYTES_PER_CUT: u64 = 32;
/// Lower numbers are hardly addresses.
const LEAST_ADDRESS: u64 = 1024;

pub struct Chunked {
    /// What the chunks share, without code.
    pub shared: Vec<u8>,
    pub chunks: Vec<Vec<u8>>,
    /// What the module exported.
    pub exports: Vec<u8>,
    pub shared_type: ModuleType,
    pub chunk_type: ModuleType,
    pub exports_type: ModuleType,
}

/// None if the module has something that chunks cannot have.
pub fn chunked(module: &CoreModule<'_>, layout: &mut Layout) -> Result<Option<Chunked>> {
    if module.code_bytes() > MOST_CODE_BYTES {
        return Ok(None);
    }
    let Some(whole) = Whole::read(module)? else {
        return Ok(None);
    };
    let Some(bodies) = whole.bodies()? else {
        return Ok(None);
    };
    let cuts = cuts(&bodies, 1 + (module.code_bytes() >> 21));
    if cuts.len() > MOST_CHUNKS {
        return Ok(None);
    }
    let draft = |functions: &Range<usize>| Draft::new(&whole, &bodies, functions.clone());
    let drafts = side_by_side(&cuts, 1, draft)?;
    layout.place(&drafts)?;
    let regions = &layout.0;
    let places = places(&drafts, regions, whole.types.len())?;
    let shared = whole.shared(&drafts, regions, &places)?;
    let exports = whole.exports(&places)?;
    let chunks = std::iter::zip(drafts, regions).map(|(draft, region)| draft.finish(region));
    Ok(Some(Chunked {
        shared,
        chunks: chunks.collect(),
        exports,
        shared_type: whole.shared_type()?,
        chunk_type: whole.chunk_type()?,
        exports_type: whole.exports_type()?,
    }))
}

/// Of each function, in the table of all.
fn places(drafts: &[Draft], regions: &[Region], count: usize) -> Result<Vec<u32>> {
    let mut places = Vec::with_capacity(count);
    for (draft, region) in std::iter::zip(drafts, regions) {
        ensure!(places.len() == draft.functions.start, "chunks in order");
        places.extend((0..draft.functions.len() as u32).map(|i| region.functions.start + i));
    }
    ensure!(places.len() == count, "a chunk for each function");
    Ok(places)
}

/// The functions of each chunk, which are so many times larger than the smallest ones.
fn cuts(bodies: &[Body<'_>], times: usize) -> Vec<Range<usize>> {
    let per_cut = KILOBYTES_PER_CUT * times as u64;
    let mut cuts = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (number, body) in bodies.iter().enumerate() {
        bytes += body.bytes.len();
        let is_cut = body.hash % per_cut <= body.bytes.len() as u64 / 1024;
        if bytes >= MOST_BYTES * times || bytes >= LEAST_BYTES * times && is_cut {
            cuts.push(begin..number + 1);
            (begin, bytes) = (number + 1, 0);
        }
    }
    if begin < bodies.len() {
        cuts.push(begin..bodies.len());
    }
    cuts
}
