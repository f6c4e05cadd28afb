//! The exit status of preview 1 commands. The standard adapter tells its host success or failure
//! only; but `proc_exit` has the type that `exit-with-code` of WASI 0.2.12 has, so a module's
//! import of the one is made an import of the other, and the status reaches the host as it is.

use anyhow::Result;
use wasmparser::{BinaryReader, Imports, Parser, Payload};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const MODULE: &str = "wasi_snapshot_preview1";
const NAME: &str = "proc_exit";
const EXACT_MODULE: &str = "wasi:cli/exit@0.2.12";
const EXACT_NAME: &str = "exit-with-code";
const WIT: &str = "
package nimbus:exit-status;
world exact {
  import wasi:cli/exit@0.2.12;
}
package wasi:cli@0.2.12 {
  interface exit {
    exit: func(status: result);
    exit-with-code: func(status-code: u8);
  }
}
";

/// The module with its import of `proc_exit` replaced and the world that this needs embedded;
/// nothing if it has no such import.
pub fn keep_exit_status(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(mut renamed) = renamed(module)? else {
        return Ok(None);
    };
    let mut resolve = Resolve::default();
    let package = resolve.push_str("exit-status.wit", WIT)?;
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(&mut renamed, &resolve, world, StringEncoding::UTF8)?;
    Ok(Some(renamed))
}

fn renamed(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut section_start = 0;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ImportSection(imports) = &payload {
            let range = imports.range();
            let Some(body) = renamed_imports(module, imports.clone())? else {
                return Ok(None);
            };
            let mut changed = module[..section_start].to_vec();
            changed.push(module[section_start]);
            push_length(&mut changed, body.len());
            changed.extend_from_slice(&body);
            changed.extend_from_slice(&module[range.end..]);
            return Ok(Some(changed));
        }
        match payload {
            Payload::Version { range, .. } => section_start = range.end,
            other => match other.as_section() {
                Some((_, range)) => section_start = range.end,
                None => return Ok(None),
            },
        }
    }
    Ok(None)
}

/// The content of the import section, if something in it was to be renamed.
fn renamed_imports(
    module: &[u8],
    imports: wasmparser::ImportSectionReader<'_>,
) -> Result<Option<Vec<u8>>> {
    let range = imports.range();
    let mut entries = Vec::new();
    for entry in imports.into_iter_with_offsets() {
        let (offset, group) = entry?;
        // What many imports share cannot be renamed for one of them; nobody writes that yet.
        let Imports::Single(_, import) = group else {
            return Ok(None);
        };
        entries.push((offset, import.module == MODULE && import.name == NAME));
    }
    if !entries.iter().any(|(_, wanted)| *wanted) {
        return Ok(None);
    }
    let mut body = module[range.start..entries[0].0].to_vec();
    for (index, (offset, wanted)) in entries.iter().enumerate() {
        let end = entries.get(index + 1).map_or(range.end, |next| next.0);
        let mut rest = *offset;
        if *wanted {
            let mut names = BinaryReader::new(&module[*offset..end], *offset);
            names.read_string()?;
            names.read_string()?;
            rest = names.original_position();
            push_name(&mut body, EXACT_MODULE);
            push_name(&mut body, EXACT_NAME);
        }
        body.extend_from_slice(&module[rest..end]);
    }
    Ok(Some(body))
}

fn push_name(bytes: &mut Vec<u8>, name: &str) {
    push_length(bytes, name.len());
    bytes.extend_from_slice(name.as_bytes());
}

/// LEB128.
fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}
