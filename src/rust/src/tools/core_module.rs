//! A core module as something that a component can import: its type, its code, and its data apart.

use crate::tools::binary::Section;
use crate::tools::data::PlacedData;
use anyhow::{Context, Result};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    EntityType, ExportKind, ExportSection, ImportSection, Module, ModuleType, Section as _,
};
use wasmparser::{
    ExportSectionReader, ExternalKind, FromReader, FuncType, FunctionSectionReader,
    GlobalSectionReader, ImportSectionReader, MemorySectionReader, MemoryType, SectionLimited,
    TableSectionReader, TableType, TagSectionReader, TypeRef, TypeSectionReader,
};

/// What a module without its data imports its memory from, and as what.
pub const MEMORY_FROM: &str = "nimbus:memory";
pub const MEMORY: &str = "memory";

/// Sections of a module.
pub mod id {
    pub const CUSTOM: u8 = 0;
    pub const TYPE: u8 = 1;
    pub const IMPORT: u8 = 2;
    pub const FUNCTION: u8 = 3;
    pub const TABLE: u8 = 4;
    pub const MEMORY: u8 = 5;
    pub const GLOBAL: u8 = 6;
    pub const EXPORT: u8 = 7;
    pub const START: u8 = 8;
    pub const ELEMENT: u8 = 9;
    pub const CODE: u8 = 10;
    pub const DATA: u8 = 11;
    pub const DATA_COUNT: u8 = 12;
    pub const TAG: u8 = 13;
}

pub struct CoreModule<'a> {
    sections: Vec<Section<'a>>,
    moved: Option<Moved<'a>>,
    is_movable: bool,
}

/// What is taken out of a module: its data, and the memory that it defines.
pub struct Moved<'a> {
    pub memory: MemoryType,
    pub data: PlacedData<'a>,
}

impl<'a> CoreModule<'a> {
    /// Its data can be taken out if all of it is placed in the one memory that the module defines,
    /// at places known beforehand.
    pub fn read(sections: Vec<Section<'a>>) -> Result<Self> {
        let mut module = CoreModule {
            sections,
            moved: None,
            is_movable: true,
        };
        if let Some(data) = module.section(id::DATA).copied() {
            if let Some(memory) = module.only_memory()? {
                let data = PlacedData::read(data)?;
                module.moved = data.map(|data| Moved { memory, data });
            }
            module.is_movable = module.moved.is_some();
        }
        Ok(module)
    }

    /// It has no data, or such that can be taken out.
    pub fn is_movable(&self) -> bool {
        self.is_movable
    }

    pub fn moves_data(&self) -> bool {
        self.moved.is_some()
    }

    pub fn code_bytes(&self) -> usize {
        self.section(id::CODE).map_or(0, |code| code.contents.len())
    }

    pub fn moved(&self) -> Option<&Moved<'a>> {
        self.moved.as_ref()
    }

    fn moved_memory(&self) -> Option<MemoryType> {
        self.moved().map(|moved| moved.memory)
    }

    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    pub fn section(&self, id: u8) -> Option<&Section<'a>> {
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

    /// Appends a module of the memory with its data in it, if that is taken out.
    pub fn write_data(&self, out: &mut Vec<u8>) {
        let (Some(memory), Some(moved)) = (self.section(id::MEMORY), &self.moved) else {
            return;
        };
        let mut exports = ExportSection::new();
        exports.export(MEMORY, ExportKind::Memory, 0);
        out.extend(Module::HEADER);
        memory.raw().append_to(out);
        exports.append_to(out);
        moved.data.append_to(out);
    }

    /// Of what `write_data` writes; none if it has no data to take out.
    pub fn type_of_data(&self) -> Result<Option<ModuleType>> {
        let Some(memory) = self.moved_memory() else {
            return Ok(None);
        };
        let mut ty = ModuleType::new();
        ty.export(MEMORY, memory_entity(memory)?);
        Ok(Some(ty))
    }

    /// Appends the module, importing the memory that its data is in, if data is taken out.
    pub fn write_without_data(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend(Module::HEADER);
        let mut memory = self.moved_memory();
        for section in &self.sections {
            let own = (section.id == id::IMPORT).then_some(section);
            let behind_imports = !matches!(section.id, id::CUSTOM | id::TYPE);
            let moved = memory.take_if(|_| behind_imports);
            if own.is_some() || moved.is_some() {
                imports(own, moved)?.append_to(out);
            }
            let of_memory = matches!(section.id, id::MEMORY | id::DATA | id::DATA_COUNT);
            let is_moved = of_memory && self.moves_data();
            if own.is_none() && !is_moved && !tells_of_a_build(section)? {
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
            match (section.id, self.moved_memory()) {
                (id::TYPE, _) => {
                    for function in TypeSectionReader::new(reader)?.into_iter_err_on_gc_types() {
                        add_function_type(&mut ty, &function?)?;
                    }
                }
                (id::IMPORT, _) => {
                    for import in ImportSectionReader::new(reader)?.into_imports() {
                        let import = import?;
                        let item = imported(import.ty);
                        ty.import(import.module, import.name, reencoder.entity_type(item)?);
                        items.add(item);
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
                    items.add(imported(TypeRef::Memory(memory)));
                }
                _ => items.define(section)?,
            }
        }
        Ok(ty)
    }
}

pub fn add_function_type(ty: &mut ModuleType, function: &FuncType) -> Result<()> {
    let params = RoundtripReencoder.val_types(function.params().to_vec())?;
    let results = RoundtripReencoder.val_types(function.results().to_vec())?;
    ty.ty().function(params, results);
    Ok(())
}

/// Custom sections that tell of what was built, and not of how its code is run.
fn tells_of_a_build(section: &Section<'_>) -> Result<bool> {
    if section.id != id::CUSTOM {
        return Ok(false);
    }
    let name = section.reader().read_string()?;
    Ok(name != "name" && !name.starts_with("metadata.code."))
}

/// As modules that are taken out import it: how large a memory is goes with its data, and a table
/// with functions, which another module may have.
fn imported(ty: TypeRef) -> TypeRef {
    match ty {
        TypeRef::Memory(memory) if !memory.shared => TypeRef::Memory(MemoryType {
            initial: 0,
            maximum: None,
            ..memory
        }),
        TypeRef::Table(table) if !table.shared => TypeRef::Table(TableType {
            initial: 0,
            maximum: None,
            ..table
        }),
        _ => ty,
    }
}

pub fn memory_entity(memory: MemoryType) -> Result<EntityType> {
    Ok(RoundtripReencoder.entity_type(imported(TypeRef::Memory(memory)))?)
}

/// Those of a module and, behind them, so that functions keep their numbers, the memory.
fn imports(own: Option<&Section<'_>>, memory: Option<MemoryType>) -> Result<ImportSection> {
    let mut section = ImportSection::new();
    if let Some(own) = own {
        for import in ImportSectionReader::new(own.reader())?.into_imports() {
            let import = import?;
            let ty = RoundtripReencoder.entity_type(imported(import.ty))?;
            section.import(import.module, import.name, ty);
        }
    }
    if let Some(memory) = memory {
        section.import(MEMORY_FROM, MEMORY, memory_entity(memory)?);
    }
    Ok(section)
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
