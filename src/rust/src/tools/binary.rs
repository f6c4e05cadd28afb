//! A walk over all sections of a binary, modules and components inside included, that stays within
//! the bounds. Everything here reads a binary through it first.

use crate::tools::bounds::{check_binary_size, check_nesting};
use crate::tools::types::scan_type_section;
use anyhow::{Result, bail, ensure};
use wasm_encoder::RawSection;
use wasmparser::{
    BinaryReader, CanonicalFunction, CanonicalOption, Chunk, Encoding, Parser, Payload,
};

const MAGIC: &[u8] = b"\0asm";

/// What a module or component begins with.
pub const HEADER_BYTES: usize = 8;

/// Of one module or component.
const MAX_SECTIONS: usize = 100_000;

/// A section as it is.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    pub id: u8,
    pub contents: &'a [u8],
    offset: usize,
}

impl<'a> Section<'a> {
    pub fn reader(&self) -> BinaryReader<'a> {
        BinaryReader::new(self.contents, self.offset)
    }

    pub fn raw(&self) -> RawSection<'a> {
        RawSection {
            id: self.id,
            data: self.contents,
        }
    }
}

/// Those of a module or component; what lies inside of them is not looked at.
pub fn sections(binary: &[u8]) -> Result<Vec<Section<'_>>> {
    ensure!(
        binary.len() >= HEADER_BYTES,
        "the binary ends within its header"
    );
    let mut reader = BinaryReader::new(&binary[HEADER_BYTES..], HEADER_BYTES);
    let mut sections = Vec::new();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()? as usize;
        ensure!(
            sections.len() < MAX_SECTIONS,
            "more than {MAX_SECTIONS} sections"
        );
        sections.push(Section {
            id,
            offset: reader.original_position(),
            contents: reader.read_bytes(size)?,
        });
    }
    Ok(sections)
}

/// What the walk itself learns.
pub struct Walked {
    pub encoding: Encoding,
    /// Something inside needs component-model async.
    pub needs_async: bool,
}

pub fn begins_like_wasm(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Calls `visit` with every section and how deep it lies: 0 in the binary itself, more in a module
/// or component inside. The header of each comes first, at its own depth. Of code there is only the
/// beginning of the section: of functions only how large they are is looked at.
pub fn walk<'a>(
    bytes: &'a [u8],
    mut visit: impl FnMut(usize, &Payload<'a>) -> Result<()>,
) -> Result<Walked> {
    check_binary_size(bytes)?;
    if !begins_like_wasm(bytes) {
        bail!("not a WebAssembly binary");
    }
    let mut payloads = Payloads::of(bytes);
    let mut open: usize = 0;
    let mut whole = None;
    let mut needs_async = false;
    while let Some(payload) = payloads.next()? {
        match &payload {
            Payload::Version {
                encoding, range, ..
            } => {
                open += 1;
                whole.get_or_insert(*encoding);
                check_nesting(open, range.start)?;
            }
            Payload::ComponentTypeSection(section) => {
                let range = section.range();
                needs_async |= scan_type_section(&bytes[range.clone()], range.start)?;
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    needs_async |= is_async(&function?);
                }
            }
            _ => {}
        }
        // The last End comes when all levels are closed; nothing can follow it.
        let Some(depth) = open.checked_sub(1) else {
            break;
        };
        visit(depth, &payload)?;
        if let Payload::End(_) = payload {
            open = depth;
        }
    }
    match whole {
        Some(encoding) => Ok(Walked {
            encoding,
            needs_async,
        }),
        None => bail!("the binary ends within its header"),
    }
}

/// Of a binary and what lies inside of it, but for functions.
struct Payloads<'a> {
    rest: &'a [u8],
    parser: Parser,
    outer: Vec<Parser>,
    ended: bool,
    size: usize,
}

impl<'a> Payloads<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            parser: Parser::new(0),
            outer: Vec::new(),
            ended: false,
            size: bytes.len(),
        }
    }

    fn next(&mut self) -> Result<Option<Payload<'a>>> {
        if self.ended {
            return Ok(None);
        }
        let Chunk::Parsed { consumed, payload } = self.parser.parse(self.rest, true)? else {
            return self.ends();
        };
        self.skip(consumed)?;
        match &payload {
            Payload::ModuleSection { parser, .. } | Payload::ComponentSection { parser, .. } => {
                self.outer
                    .push(std::mem::replace(&mut self.parser, parser.clone()));
            }
            Payload::CodeSectionStart { count, range, size } => {
                self.parser.skip_section();
                let size = *size as usize;
                let Some(code) = self.rest.get(..size) else {
                    return self.ends();
                };
                check_bodies(code, *count, range.end - size)?;
                self.skip(size)?;
            }
            Payload::End(_) => match self.outer.pop() {
                Some(outer) => self.parser = outer,
                None => self.ended = true,
            },
            _ => {}
        }
        Ok(Some(payload))
    }

    fn skip(&mut self, bytes: usize) -> Result<()> {
        match self.rest.get(bytes..) {
            Some(rest) => self.rest = rest,
            None => return self.ends(),
        }
        Ok(())
    }

    fn ends<T>(&self) -> Result<T> {
        bail!("unexpected end-of-file (at offset {:#x})", self.size)
    }
}

/// Those who read them make room for what is said to follow.
fn check_bodies(code: &[u8], count: u32, offset: usize) -> Result<()> {
    let mut reader = BinaryReader::new(code, offset);
    for _ in 0..count {
        let size = reader.read_var_u32()?;
        reader.read_bytes(size as usize)?;
    }
    Ok(())
}

fn is_async(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.contains(&CanonicalOption::Async)
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        // Tasks, subtasks, waitables, streams, futures, error contexts, threads.
        _ => true,
    }
}
