//! A walk over all sections of a binary, modules and components inside included, that stays within
//! the bounds. Everything here reads a binary through it first.

use crate::tools::bounds::{check_binary_size, check_nesting};
use crate::tools::types::scan_type_section;
use anyhow::{Result, bail};
use wasmparser::{CanonicalFunction, CanonicalOption, Encoding, Parser, Payload};

const MAGIC: &[u8] = b"\0asm";

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
/// or component inside. The header of each comes first, at its own depth.
pub fn walk<'a>(
    bytes: &'a [u8],
    mut visit: impl FnMut(usize, &Payload<'a>) -> Result<()>,
) -> Result<Walked> {
    check_binary_size(bytes)?;
    if !begins_like_wasm(bytes) {
        bail!("not a WebAssembly binary");
    }
    let mut open: usize = 0;
    let mut whole = None;
    let mut needs_async = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
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
