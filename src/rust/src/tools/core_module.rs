//! A core module as something that a component can import: its type, its code, and its data apart.

use crate::tools::binary::Section;
use anyhow::{Context, Result};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    Encode, EntityType, ExportKind, ExportSection, Module, ModuleType, RawSection, Section as _,
};
use wasmparser::{
    BinaryReader, DataKind, DataSectionReader, ExportSectionReader, ExternalKind, FromReader,
    FunctionSectionReader, GlobalSectionReader, ImportSectionReader, MemorySectionReader,
    MemoryType, Operator, SectionLimited, TableSectionReader, TagSectionReader, TypeRef,
    TypeSectionReader,
};

/// What a module without its data imports its memory from, and as what.
pub const MEMORY_FROM: &str = "nimbus:memory";
const MEMORY: &str = "memory";

/// Sections of a module.
mod id {
    pub const CUSTOM: u8 = 0;
    pub const TYPE: u8 = 1;
    pub const IMPORT: u8 = 2;
    pub const FUNCTION: u8 = 3;
    pub const TABLE: u8 = 4;
    pub const MEMORY: u8 = 5;
    pub const GLOBAL: u8 = 6;
    pub const EXPORT: u8 = 7;
    pub const CODE: u8 = 10;
    pub const DATA: u8 = 11;
    pub const DATA_COUNT: u8 = 12;
    pub const TAG: u8 = 13;
}

pub struct CoreModule<'a> {
    sections: Vec<Section<'a>>,
    /// The one that it defines, if it has data.
    memory: Option<MemoryType>,
}

impl<'a> CoreModule<'a> {
    /// None if it has data that cannot be taken out: not all of it placed in the one memory that
    /// the module defines, at places known beforehand.
    pub fn read(sections: Vec<Section<'a>>) -> Result<Option<Self>> {
        let mut module = CoreModule {
            sections,
            memory: None,
        };
        let movable = match module.section(id::DATA) {
            Some(data) => is_placed(data)?,
            None => return Ok(Some(module)),
        };
        module.memory = module.only_memory()?;
        Ok((movable && module.has_data()).then_some(module))
    }

    pub fn has_data(&self) -> bool {
        self.memory.is_some()
    }

    fn section(&self, id: u8) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.id == id)
    }

    fn only_memory(&self) -> Result<Option<MemoryType>> {
        if let Some(imports) = self.section(id::IMPORT) {
            for import in ImportSectionReader::new(imports.reader())?.into_imports() {
                let import = import?;
                if matches!(import.ty, TypeRef::Memory(_)) || import.module == MEMORY_FROM {
                    return Ok(None);
                }
            }
        }
        let Some(memories) = self.section(id::MEMORY) else {
            return Ok(None);
        };
        let mut memories = MemorySectionReader::new(memories.reader())?.into_iter();
        match (memories.next(), memories.next()) {
            (Some(memory), None) => Ok(Some(memory?)),
            _ => Ok(None),
        }
    }

    /// The memory with its data in it; none if it has no data.
    pub fn data_module(&self) -> Option<Vec<u8>> {
        self.memory?;
        let mut exports = ExportSection::new();
        exports.export(MEMORY, ExportKind::Memory, 0);
        let mut module = Module::new();
        for section in &self.sections {
            match section.id {
                id::MEMORY => module.section(&section.raw()).section(&exports),
                id::DATA => module.section(&section.raw()),
                _ => continue,
            };
        }
        Some(module.finish())
    }

    /// Appends the module, importing the memory that its data is in; as it is if it has no data.
    pub fn write_without_data(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend(Module::HEADER);
        let mut memory = self.memory;
        for section in &self.sections {
            let behind_imports = !matches!(section.id, id::CUSTOM | id::TYPE);
            if let Some(memory) = memory.take_if(|_| behind_imports) {
                let own = (section.id == id::IMPORT).then_some(section);
                let id = id::IMPORT;
                let data = &with_import(own, memory)?;
                RawSection { id, data }.append_to(out);
                if own.is_some() {
                    continue;
                }
            }
            let of_memory = matches!(section.id, id::MEMORY | id::DATA | id::DATA_COUNT);
            let moved = of_memory && self.has_data();
            if !moved && !tells_of_a_build(section)? {
                section.raw().append_to(out);
            }
        }
        Ok(())
    }

    /// Of what `write_without_data` writes.
    pub fn type_without_data(&self) -> Result<ModuleType> {
        let mut reencoder = RoundtripReencoder;
        let mut ty = ModuleType::new();
        let mut items = Items::default();
        for section in &self.sections {
            let reader = section.reader();
            match (section.id, self.memory) {
                (id::TYPE, _) => {
                    for function in TypeSectionReader::new(reader)?.into_iter_err_on_gc_types() {
                        let function = function?;
                        let params = reencoder.val_types(function.params().to_vec())?;
                        let results = reencoder.val_types(function.results().to_vec())?;
                        ty.ty().function(params, results);
                    }
                }
                (id::IMPORT, _) => {
                    for import in ImportSectionReader::new(reader)?.into_imports() {
                        let import = import?;
                        let entity = reencoder.entity_type(import.ty)?;
                        ty.import(import.module, import.name, entity);
                        items.add(import.ty);
                    }
                }
                (id::EXPORT, _) => {
                    for export in ExportSectionReader::new(reader)? {
                        let export = export?;
                        let item = items.find(export.kind, export.index)?;
                        ty.export(export.name, reencoder.entity_type(item)?);
                    }
                }
                (id::MEMORY, Some(memory)) => {
                    ty.import(MEMORY_FROM, MEMORY, memory_entity(memory)?);
                    items.add(TypeRef::Memory(imported(memory)));
                }
                _ => items.define(section)?,
            }
        }
        Ok(ty)
    }
}

pub fn code_bytes(sections: &[Section<'_>]) -> usize {
    let code = sections.iter().find(|section| section.id == id::CODE);
    code.map_or(0, |code| code.contents.len())
}

fn is_placed(data: &Section<'_>) -> Result<bool> {
    for segment in DataSectionReader::new(data.reader())? {
        let DataKind::Active {
            memory_index: 0,
            offset_expr,
        } = segment?.kind
        else {
            return Ok(false);
        };
        let mut place = offset_expr.get_operators_reader();
        let is_number = matches!(
            place.read()?,
            Operator::I32Const { .. } | Operator::I64Const { .. }
        );
        if !is_number || !matches!(place.read()?, Operator::End) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Custom sections that tell of what was built, and not of how its code is run.
fn tells_of_a_build(section: &Section<'_>) -> Result<bool> {
    if section.id != id::CUSTOM {
        return Ok(false);
    }
    let name = section.reader().read_string()?;
    Ok(name != "name" && !name.starts_with("metadata.code."))
}

/// As a module without its data imports it: how large it is goes with the data.
fn imported(memory: MemoryType) -> MemoryType {
    if memory.shared {
        return memory;
    }
    MemoryType {
        initial: 0,
        maximum: None,
        ..memory
    }
}

fn memory_entity(memory: MemoryType) -> Result<EntityType> {
    let imported = RoundtripReencoder.memory_type(imported(memory))?;
    Ok(EntityType::Memory(imported))
}

/// The imports and one more, behind them: functions keep their numbers.
fn with_import(imports: Option<&Section<'_>>, memory: MemoryType) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(imports.map_or(&[0], |imports| imports.contents), 0);
    let count = reader.read_var_u32()?;
    let mut out = Vec::new();
    count
        .checked_add(1)
        .context("too many imports")?
        .encode(&mut out);
    out.extend_from_slice(reader.read_bytes(reader.bytes_remaining())?);
    MEMORY_FROM.encode(&mut out);
    MEMORY.encode(&mut out);
    memory_entity(memory)?.encode(&mut out);
    Ok(out)
}

/// What exports name by kind and number.
#[derive(Default)]
struct Items {
    functions: Vec<TypeRef>,
    tables: Vec<TypeRef>,
    memories: Vec<TypeRef>,
    globals: Vec<TypeRef>,
    tags: Vec<TypeRef>,
}

impl Items {
    fn add(&mut self, item: TypeRef) {
        let list = match item {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => &mut self.functions,
            TypeRef::Table(_) => &mut self.tables,
            TypeRef::Memory(_) => &mut self.memories,
            TypeRef::Global(_) => &mut self.globals,
            TypeRef::Tag(_) => &mut self.tags,
        };
        list.push(item);
    }

    fn define(&mut self, section: &Section<'_>) -> Result<()> {
        let reader = section.reader();
        match section.id {
            id::FUNCTION => self.add_all(FunctionSectionReader::new(reader)?, TypeRef::Func),
            id::TABLE => self.add_all(TableSectionReader::new(reader)?, |table| {
                TypeRef::Table(table.ty)
            }),
            id::MEMORY => self.add_all(MemorySectionReader::new(reader)?, TypeRef::Memory),
            id::GLOBAL => self.add_all(GlobalSectionReader::new(reader)?, |global| {
                TypeRef::Global(global.ty)
            }),
            id::TAG => self.add_all(TagSectionReader::new(reader)?, TypeRef::Tag),
            _ => Ok(()),
        }
    }

    fn add_all<'a, T: FromReader<'a>>(
        &mut self,
        section: SectionLimited<'a, T>,
        type_of: impl Fn(T) -> TypeRef,
    ) -> Result<()> {
        for item in section {
            self.add(type_of(item?));
        }
        Ok(())
    }

    fn find(&self, kind: ExternalKind, number: u32) -> Result<TypeRef> {
        let list = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            ExternalKind::Tag => &self.tags,
        };
        let item = list.get(number as usize).copied();
        item.with_context(|| format!("an export of {kind:?} {number}, not defined"))
    }
}
