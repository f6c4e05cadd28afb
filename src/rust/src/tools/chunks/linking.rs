//! What ties chunks together: what they share, what exports, and the types of all.

use super::code::{Draft, Slot};
use super::layout::Region;
use super::whole::{Filled, Whole};
use super::{PAGE_BYTES, SHARED_FROM, SLOT_BYTES};
use crate::tools::core_module::{MEMORY, MEMORY_FROM, add_function_type, id};
use anyhow::{Context, Result, bail};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, Encode, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, ImportSection, Instruction, MemorySection,
    MemoryType, Module, ModuleType, RawSection, RefType, StartSection, TableSection, TableType,
};
use wasmparser::{BinaryReader, ExternalKind};

const CONSTANTS: &str = "constants";
const FUNCTIONS: &str = "functions";

impl Whole<'_> {
    pub fn type_section(&self) -> RawSection<'_> {
        RawSection {
            id: id::TYPE,
            data: self.types_as_they_are,
        }
    }

    /// Those functions, and what all chunks share.
    pub fn import_section(&self, functions: &[u32]) -> Result<ImportSection> {
        let mut section = ImportSection::new();
        for function in functions {
            let import = &self.imports[*function as usize];
            let ty = RoundtripReencoder.entity_type(import.ty)?;
            section.import(import.module, import.name, ty);
        }
        section.import(MEMORY_FROM, MEMORY, self.memory);
        self.each_shared(|name, ty| {
            section.import(SHARED_FROM, name, ty);
        })?;
        Ok(section)
    }

    fn each_shared(&self, mut each: impl FnMut(&str, EntityType)) -> Result<()> {
        each(CONSTANTS, constants_type(0));
        for (number, table) in self.tables.iter().enumerate() {
            each(&table_name(number), table_entity(*table)?);
        }
        each(FUNCTIONS, EntityType::Table(functions_type(0)));
        for (number, global) in self.globals.iter().enumerate() {
            let ty = RoundtripReencoder.global_type(*global)?;
            each(&global_name(number), EntityType::Global(ty));
        }
        Ok(())
    }

    pub fn shared(&self, drafts: &[Draft], regions: &[Region], places: &[u32]) -> Result<Vec<u8>> {
        let end = |of: fn(&Region) -> u32| regions.iter().map(of).max().unwrap_or(0);
        let mut constants = vec![0; end(|region| region.slots.end) as usize * SLOT_BYTES];
        for (draft, region) in std::iter::zip(drafts, regions) {
            for (number, slot) in draft.slots.iter().enumerate() {
                let value = match *slot {
                    Slot::I32(value) => u64::from(value.cast_unsigned()),
                    Slot::I64(value) => value.cast_unsigned(),
                    Slot::Function(function) => self.place_of(function, places)?.into(),
                };
                let at = (region.slots.start as usize + number) * SLOT_BYTES;
                constants[at..at + SLOT_BYTES].copy_from_slice(&value.to_le_bytes());
            }
        }
        let mut tables = TableSection::new();
        for table in &self.tables {
            tables.table(RoundtripReencoder.table_type(*table)?);
        }
        tables.table(functions_type(end(|region| region.functions.end).into()));
        let mut memories = MemorySection::new();
        let pages = constants.len().div_ceil(PAGE_BYTES) as u64;
        if let EntityType::Memory(memory) = constants_type(pages) {
            memories.memory(memory);
        }
        let mut exports = ExportSection::new();
        exports.export(CONSTANTS, ExportKind::Memory, 0);
        for number in 0..self.tables.len() {
            exports.export(&table_name(number), ExportKind::Table, number as u32);
        }
        exports.export(FUNCTIONS, ExportKind::Table, self.table_of_all());
        for number in 0..self.globals.len() {
            exports.export(&global_name(number), ExportKind::Global, number as u32);
        }
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(0), constants);
        let mut module = Module::new();
        module.section(&tables).section(&memories);
        if let Some(data) = self.global_section {
            let id = id::GLOBAL;
            module.section(&RawSection { id, data });
        }
        module.section(&exports).section(&data);
        Ok(module.finish())
    }

    fn place_of(&self, function: u32, places: &[u32]) -> Result<u32> {
        let defined = function.checked_sub(self.imported()).map(|n| n as usize);
        let place = defined.and_then(|number| places.get(number));
        place.copied().context("a function that is not defined")
    }

    /// The module that exports what the whole one did, and fills its tables.
    pub fn exports(&self, places: &[u32]) -> Result<Vec<u8>> {
        let mut types = Vec::new();
        let nothing = self.function_types.len() as u32;
        (nothing + 1).encode(&mut types);
        let mut reader = BinaryReader::new(self.types_as_they_are, 0);
        reader.read_var_u32()?;
        types.extend_from_slice(reader.read_bytes(reader.bytes_remaining())?);
        types.extend([0x60, 0, 0]); // without parameters and results
        let imports: Vec<u32> = (0..self.imported()).collect();
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        let mut exports = ExportSection::new();
        for export in &self.exports {
            let mut number = export.index;
            if export.kind == ExternalKind::Func && self.is_defined(number) {
                let ty = self.type_of(number)?;
                code.function(&self.forwarding(number, ty, places)?);
                number = self.imported() + functions.len();
                functions.function(ty);
            }
            let kind = RoundtripReencoder.export_kind(export.kind)?;
            exports.export(export.name, kind, number);
        }
        let start = self.imported() + functions.len();
        functions.function(nothing);
        code.function(&self.starting(places)?);
        let mut named: Vec<u32> = self
            .filled
            .iter()
            .flat_map(|f| f.functions.clone())
            .collect();
        named.retain(|function| !self.is_defined(*function));
        let mut elements = ElementSection::new();
        elements.declared(Elements::Functions(named.into()));
        let mut module = Module::new();
        let id = id::TYPE;
        module
            .section(&RawSection { id, data: &types })
            .section(&self.import_section(&imports)?)
            .section(&functions)
            .section(&exports)
            .section(&StartSection {
                function_index: start,
            })
            .section(&elements)
            .section(&code);
        Ok(module.finish())
    }

    fn forwarding(&self, function: u32, ty: u32, places: &[u32]) -> Result<Function> {
        let params = self
            .function_types
            .get(ty as usize)
            .map(|ty| ty.params().len());
        let mut body = Function::new([]);
        for number in 0..params.context("a type that is not defined")? {
            body.instruction(&Instruction::LocalGet(number as u32));
        }
        self.call(function, places, &mut body)?;
        body.instruction(&Instruction::End);
        Ok(body)
    }

    fn call(&self, function: u32, places: &[u32], body: &mut Function) -> Result<()> {
        if !self.is_defined(function) {
            body.instruction(&Instruction::Call(function));
            return Ok(());
        }
        body.instruction(&number(self.place_of(function, places)?));
        body.instruction(&Instruction::CallIndirect {
            type_index: self.type_of(function)?,
            table_index: self.table_of_all(),
        });
        Ok(())
    }

    fn starting(&self, places: &[u32]) -> Result<Function> {
        let mut body = Function::new([]);
        for filled in &self.filled {
            self.fill(filled, places, &mut body)?;
        }
        if let Some(start) = self.start {
            self.call(start, places, &mut body)?;
        }
        body.instruction(&Instruction::End);
        Ok(body)
    }

    fn fill(&self, filled: &Filled, places: &[u32], body: &mut Function) -> Result<()> {
        let at = |entry: usize| filled.at.cast_unsigned().wrapping_add(entry as u32);
        if filled.functions.is_empty() {
            // Traps if it is outside of the table.
            body.instruction(&number(at(0)))
                .instruction(&number(0))
                .instruction(&number(0))
                .instruction(&self.copying(filled.table));
        }
        let mut entry = 0;
        while let Some(function) = filled.functions.get(entry) {
            body.instruction(&number(at(entry)));
            if !self.is_defined(*function) {
                body.instruction(&Instruction::RefFunc(*function));
                body.instruction(&Instruction::TableSet(filled.table));
                entry += 1;
                continue;
            }
            let place = self.place_of(*function, places)?;
            let mut count = 1;
            while let Some(next) = filled.functions.get(entry + count as usize) {
                if !self.is_defined(*next) || self.place_of(*next, places)? != place + count {
                    break;
                }
                count += 1;
            }
            body.instruction(&number(place)).instruction(&number(count));
            body.instruction(&self.copying(filled.table));
            entry += count as usize;
        }
        Ok(())
    }

    fn copying(&self, table: u32) -> Instruction<'static> {
        Instruction::TableCopy {
            src_table: self.table_of_all(),
            dst_table: table,
        }
    }

    pub fn shared_type(&self) -> Result<ModuleType> {
        let mut ty = ModuleType::new();
        self.each_shared(|name, item| {
            ty.export(name, item);
        })?;
        Ok(ty)
    }

    pub fn chunk_type(&self) -> Result<ModuleType> {
        let mut ty = ModuleType::new();
        for function in &self.function_types {
            add_function_type(&mut ty, function)?;
        }
        for import in &self.imports {
            let item = RoundtripReencoder.entity_type(import.ty)?;
            ty.import(import.module, import.name, item);
        }
        ty.import(MEMORY_FROM, MEMORY, self.memory);
        self.each_shared(|name, item| {
            ty.import(SHARED_FROM, name, item);
        })?;
        Ok(ty)
    }

    pub fn exports_type(&self) -> Result<ModuleType> {
        let mut ty = self.chunk_type()?;
        for export in &self.exports {
            let number = export.index as usize;
            let item = match export.kind {
                ExternalKind::Func if self.is_defined(export.index) => {
                    EntityType::Function(self.type_of(export.index)?)
                }
                ExternalKind::Func => RoundtripReencoder.entity_type(self.imports[number].ty)?,
                ExternalKind::Memory if number == 0 => self.memory,
                ExternalKind::Table => {
                    let table = self.tables.get(number).context("a table not defined")?;
                    table_entity(*table)?
                }
                ExternalKind::Global => {
                    let global = self.globals.get(number).context("a global not defined")?;
                    EntityType::Global(RoundtripReencoder.global_type(*global)?)
                }
                _ => bail!("an export of a kind that modules do not have"),
            };
            ty.export(export.name, item);
        }
        Ok(ty)
    }
}

fn number(value: u32) -> Instruction<'static> {
    Instruction::I32Const(value.cast_signed())
}

fn table_name(number: usize) -> String {
    format!("table{number}")
}

fn global_name(number: usize) -> String {
    format!("global{number}")
}

/// As chunks import it.
fn table_entity(table: wasmparser::TableType) -> Result<EntityType> {
    Ok(EntityType::Table(RoundtripReencoder.table_type(
        wasmparser::TableType {
            initial: 0,
            maximum: None,
            ..table
        },
    )?))
}

fn constants_type(pages: u64) -> EntityType {
    EntityType::Memory(MemoryType {
        minimum: pages,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    })
}

fn functions_type(count: u64) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: count,
        maximum: None,
        shared: false,
    }
}
