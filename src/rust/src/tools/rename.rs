//! New names for imports of a component, in its bytes.

use crate::tools::binary::{HEADER_BYTES, Section, sections};
use anyhow::Result;
use std::borrow::Cow;
use std::collections::HashMap;
use wasm_encoder::{ComponentExternName, ComponentSection, Encode, RawSection};
use wasmparser::{BinaryReader, ComponentImportSectionReader, FromReader};

const IMPORT_SECTION: u8 = 10;

pub struct Renamed {
    pub label: String,
    /// The interface that is imported under that label; none if it has no name.
    pub implements: Option<String>,
}

/// The component with those of its own imports renamed that `names` has; imports of components
/// inside stay.
pub fn rename_imports(component: &[u8], names: &HashMap<String, Renamed>) -> Result<Vec<u8>> {
    let sections = sections(component)?;
    let mut out = component[..HEADER_BYTES].to_vec();
    for section in sections {
        if section.id == IMPORT_SECTION {
            let data = renamed_section(&section, names)?;
            let id = IMPORT_SECTION;
            RawSection { id, data: &data }.append_to_component(&mut out);
        } else {
            section.raw().append_to_component(&mut out);
        }
    }
    Ok(out)
}

fn renamed_section(section: &Section<'_>, names: &HashMap<String, Renamed>) -> Result<Vec<u8>> {
    let contents = section.contents;
    let offset = section.reader().original_position();
    let mut out = Vec::new();
    let section = ComponentImportSectionReader::new(section.reader())?;
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
