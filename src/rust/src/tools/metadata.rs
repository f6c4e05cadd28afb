//! What a binary says of itself in custom sections, and what memory and tables it asks for.
//!
//! Custom sections never make a binary invalid, so a malformed one counts as absent.

use crate::tools::binary::walk;
use anyhow::Result;
use serde_json::{Map, Value, json};
use wasm_metadata::{ComponentNames, ModuleNames, Producers};
use wasmparser::{CustomSectionReader, Encoding, KnownCustom, MemoryType, Payload};

/// Texts about the package, each a custom section of that name holding UTF-8.
const TEXTS: [&str; 7] = [
    "authors",
    "description",
    "homepage",
    "licenses",
    "revision",
    "source",
    "version",
];
const DEFAULT_PAGE_LOG2: u32 = 16;

pub fn metadata(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut facts = Facts::default();
    walk(bytes, |depth, payload| facts.add(depth, payload))?;
    Ok(serde_json::to_vec(&facts.document(bytes.len()))?)
}

#[derive(Default)]
struct Facts {
    name: Option<String>,
    texts: Map<String, Value>,
    producers: Producers,
    components: u64,
    modules: u64,
    tables: u64,
    memories: Vec<Value>,
    sections: Map<String, Value>,
}

impl Facts {
    fn add(&mut self, depth: usize, payload: &Payload<'_>) -> Result<()> {
        self.add_section_size(payload);
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => self.modules += 1,
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } if depth > 0 => {
                self.components += 1;
            }
            Payload::TableSection(section) => self.tables += u64::from(section.count()),
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    self.memories.push(memory_document(&memory?));
                }
            }
            Payload::CustomSection(section) => self.add_custom(depth, section),
            _ => {}
        }
        Ok(())
    }

    fn add_section_size(&mut self, payload: &Payload<'_>) {
        let (Some(kind), Some((_, range))) = (section_kind(payload), payload.as_section()) else {
            return;
        };
        let sum = self.sections.get(kind).and_then(Value::as_u64).unwrap_or(0);
        self.sections
            .insert(kind.into(), json!(sum + range.len() as u64));
    }

    fn add_custom(&mut self, depth: usize, section: &CustomSectionReader<'_>) {
        let (data, offset) = (section.data(), section.data_offset());
        match section.as_known() {
            KnownCustom::Producers(_) => {
                if let Ok(producers) = Producers::from_bytes(data, offset) {
                    self.producers.merge(&producers);
                }
            }
            _ if depth > 0 => {}
            KnownCustom::Name(_) => {
                let names = ModuleNames::from_bytes(data, offset);
                self.name = names.ok().and_then(|names| names.get_name().cloned());
            }
            KnownCustom::ComponentName(_) => {
                let names = ComponentNames::from_bytes(data, offset);
                self.name = names.ok().and_then(|names| names.get_name().cloned());
            }
            KnownCustom::Unknown if TEXTS.contains(&section.name()) => {
                if let Ok(text) = std::str::from_utf8(data) {
                    self.texts.insert(section.name().into(), json!(text));
                }
            }
            _ => {}
        }
    }

    fn document(mut self, size: usize) -> Value {
        let mut document = Map::new();
        document.insert("name".into(), json!(self.name));
        for text in TEXTS {
            document.insert(text.into(), self.texts.remove(text).unwrap_or(Value::Null));
        }
        document.insert("producers".into(), producers_document(&self.producers));
        document.insert("size".into(), json!(size));
        document.insert("components".into(), json!(self.components));
        document.insert("modules".into(), json!(self.modules));
        document.insert("tables".into(), json!(self.tables));
        document.insert("memories".into(), json!(self.memories));
        document.insert("sections".into(), json!(self.sections));
        Value::Object(document)
    }
}

fn memory_document(memory: &MemoryType) -> Value {
    let page_log2 = memory
        .page_size_log2
        .unwrap_or(DEFAULT_PAGE_LOG2)
        .min(DEFAULT_PAGE_LOG2);
    json!({
        "initialPages": memory.initial,
        "maximumPages": memory.maximum,
        "pageBytes": 1u64 << page_log2,
        "memory64": memory.memory64,
        "shared": memory.shared,
    })
}

fn producers_document(producers: &Producers) -> Value {
    let mut fields = Map::new();
    for (field, values) in producers.iter() {
        let values = values
            .iter()
            .map(|(name, version)| (name.clone(), json!(version)));
        fields.insert(field.clone(), Value::Object(values.collect()));
    }
    Value::Object(fields)
}

/// None for headers, for entries of a section, and for modules and components inside, whose own
/// sections are counted instead.
fn section_kind(payload: &Payload<'_>) -> Option<&'static str> {
    Some(match payload {
        Payload::TypeSection(_) | Payload::CoreTypeSection(_) => "coreType",
        Payload::ImportSection(_) => "coreImport",
        Payload::FunctionSection(_) => "function",
        Payload::TableSection(_) => "table",
        Payload::MemorySection(_) => "memory",
        Payload::TagSection(_) => "tag",
        Payload::GlobalSection(_) => "global",
        Payload::ExportSection(_) => "coreExport",
        Payload::StartSection { .. } | Payload::ComponentStartSection { .. } => "start",
        Payload::ElementSection(_) => "element",
        Payload::DataCountSection { .. } | Payload::DataSection(_) => "data",
        Payload::CodeSectionStart { .. } => "code",
        Payload::InstanceSection(_) | Payload::ComponentInstanceSection(_) => "instance",
        Payload::ComponentAliasSection(_) => "alias",
        Payload::ComponentTypeSection(_) => "type",
        Payload::ComponentCanonicalSection(_) => "canonical",
        Payload::ComponentImportSection(_) => "import",
        Payload::ComponentExportSection(_) => "export",
        Payload::CustomSection(_) => "custom",
        _ => return None,
    })
}
