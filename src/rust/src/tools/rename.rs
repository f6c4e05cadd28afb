//! New names for imports of a component, in its bytes.

use anyhow::{Result, ensure};
use std::borrow::Cow;
use std::collections::HashMap;
use wasm_encoder::{ComponentExternName, Encode};
use wasmparser::{BinaryReader, ComponentImportSectionReader, FromReader};

const HEADER_BYTES: usize = 8;
const IMPORT_SECTION: u8 = 10;

pub struct Renamed {
    pub label: String,
    /// The interface that is imported under that label; none if it has no name.
    pub implements: Option<String>,
}

/// The component with those of its own imports renamed that `names` has; imports of components
/// inside stay.
pub fn rename_imports(component: &[u8], names: &HashMap<String, Renamed>) -> Result<Vec<u8>> {
    ensure!(component.len() >= HEADER_BYTES, "internal: no component");
    let mut out = component[..HEADER_BYTES].to_vec();
    let mut reader = BinaryReader::new(&component[HEADER_BYTES..], HEADER_BYTES);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()? as usize;
        let offset = reader.original_position();
        let contents = reader.read_bytes(size)?;
        out.push(id);
        if id == IMPORT_SECTION {
            renamed_section(contents, offset, names)?
                .as_slice()
                .encode(&mut out);
        } else {
            contents.encode(&mut out);
        }
    }
    Ok(out)
}

fn renamed_section(
    contents: &[u8],
    offset: usize,
    names: &HashMap<String, Renamed>,
) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let section = ComponentImportSectionReader::new(BinaryReader::new(contents, offset))?;
    section.count().encode(&mut out);
    let mut imports = section.into_iter_with_offsets().peekable();
    while let Some(import) = imports.next() {
        let (start, import) = import?;
        let end = match imports.peek() {
            Some(Ok((next, _))) => next - offset,
            _ => contents.len(),
        };
        let whole = &contents[start - offset..end];
        let Some(renamed) = names.get(import.name.name) else {
            out.extend_from_slice(whole);
            continue;
        };
        let name = ComponentExternName {
            name: Cow::Borrowed(renamed.label.as_str()),
            implements: renamed.implements.as_deref().map(Cow::Borrowed),
            version_suffix: None,
            external_id: None,
        };
        name.encode(&mut out);
        out.extend_from_slice(after_name(whole)?);
    }
    Ok(out)
}

/// What follows the name of an import: its type.
fn after_name(import: &[u8]) -> Result<&[u8]> {
    let mut reader = BinaryReader::new(import, 0);
    wasmparser::ComponentExternName::from_reader(&mut reader)?;
    Ok(&import[reader.original_position()..])
}
