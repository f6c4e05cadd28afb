//! A module as it was, if it consists of what chunks can have.

use super::LEAST_ADDRESS;
use super::PAGE_BYTES;
use super::SHARED_FROM;
use super::scan::Scan;
use super::side_by_side::side_by_side;
use crate::tools::binary::Section;
use crate::tools::core_module::{CoreModule, Moved, id, memory_entity};
use crate::tools::data::only_operator;
use anyhow::{Context, Result, ensure};
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::ops::Range;
use wasm_encoder::EntityType;
use wasmparser::{
    BinaryReader, CodeSectionReader, ConstExpr, ElementItems, ElementKind, ElementSectionReader,
    Export, ExportSectionReader, FuncType, FunctionBody, FunctionSectionReader,
    GlobalSectionReader, GlobalType, Import, ImportSectionReader, Name, NameSectionReader,
    Operator, RefType, TableInit, TableSectionReader, TableType, TypeRef, TypeSectionReader,
    ValType,
};

/// Bytes of a section.
const MOST_REPEATED: usize = 64 << 10;
/// Functions that are worth a thread.
const LEAST_OF_A_THREAD: usize = 256;

/// An instruction that speaks of an address or a function.
pub enum What {
    I32(i32),
    I64(i64),
    Call(u32),
    ReturnCall(u32),
    Ref(u32),
}

impl What {
    /// What an edit elsewhere does not change.
    fn hash(&self, imported: u32, hasher: &mut FxHasher) {
        let (kind, function) = match *self {
            What::I32(_) => (0, None),
            What::I64(_) => (1, None),
            What::Call(function) => (2, Some(function)),
            What::ReturnCall(function) => (3, Some(function)),
            What::Ref(function) => (4, Some(function)),
        };
        hasher.write_u8(kind);
        if let Some(import) = function.filter(|function| *function < imported) {
            hasher.write_u32(import);
        }
    }

    /// The function that it calls, if the module imports it.
    pub fn import(&self, imported: u32) -> Option<u32> {
        match *self {
            What::Call(function) | What::ReturnCall(function) => {
                (function < imported).then_some(function)
            }
            _ => None,
        }
    }
}

pub struct Body<'a> {
    pub bytes: &'a [u8],
    pub replaced: Vec<(Range<usize>, What)>,
    /// Of all that is not replaced.
    pub hash: u64,
}

/// Entries of a table.
pub struct Filled {
    pub table: u32,
    pub at: i32,
    pub functions: Vec<u32>,
}

/// The module as it was.
pub struct Whole<'a> {
    pub memory: EntityType,
    pub types_as_they_are: &'a [u8],
    pub function_types: Vec<FuncType>,
    pub imports: Vec<Import<'a>>,
    /// Of each function that is defined, its type's number.
    pub types: Vec<u32>,
    pub tables: Vec<TableType>,
    pub globals: Vec<GlobalType>,
    pub global_section: Option<&'a [u8]>,
    pub exports: Vec<Export<'a>>,
    pub start: Option<u32>,
    pub filled: Vec<Filled>,
    pub code: &'a Section<'a>,
    pub names: Vec<(u32, &'a str)>,
    /// What may be an address.
    pub addresses: Range<u64>,
}

impl<'a> Whole<'a> {
    pub fn read(module: &'a CoreModule<'a>) -> Result<Option<Self>> {
        let Some(Moved { memory, data }) = module.moved() else {
            return Ok(None);
        };
        let end = memory.initial.saturating_mul(PAGE_BYTES as u64);
        let (Some(types), Some(code)) = (module.section(id::TYPE), module.section(id::CODE)) else {
            return Ok(None);
        };
        let mut whole = Whole {
            memory: memory_entity(*memory)?,
            function_types: TypeSectionReader::new(types.reader())?
                .into_iter_err_on_gc_types()
                .collect::<Result<_, _>>()?,
            types_as_they_are: types.contents,
            imports: Vec::new(),
            types: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            global_section: None,
            exports: Vec::new(),
            start: None,
            filled: Vec::new(),
            code,
            names: Vec::new(),
            addresses: data.begin().max(LEAST_ADDRESS)..end,
        };
        for section in module.sections() {
            if !whole.take(section)? {
                return Ok(None);
            }
        }
        Ok((whole.repeated(module) <= MOST_REPEATED).then_some(whole))
    }

    /// What each chunk has anew, and code that each export has.
    fn repeated(&self, module: &CoreModule<'_>) -> usize {
        let imports = module.section(id::IMPORT).map_or(0, |s| s.contents.len());
        let params = |ty: &u32| {
            let ty = self.function_types.get(*ty as usize);
            ty.map_or(0, |ty| ty.params().len())
        };
        let params = self.types.iter().map(params).max().unwrap_or(0);
        let forwarding = self.exports.len().saturating_mul(params);
        (self.types_as_they_are.len() + imports).max(forwarding)
    }

    /// Whether chunks can have it.
    fn take(&mut self, section: &'a Section<'a>) -> Result<bool> {
        let reader = section.reader();
        match section.id {
            id::IMPORT => {
                for import in ImportSectionReader::new(reader)?.into_imports() {
                    self.imports.push(import?);
                }
                let is_function = |import: &Import<'_>| {
                    matches!(import.ty, TypeRef::Func(_)) && import.module != SHARED_FROM
                };
                return Ok(self.imports.iter().all(is_function));
            }
            id::FUNCTION => {
                self.types = FunctionSectionReader::new(reader)?
                    .into_iter()
                    .collect::<Result<_, _>>()?;
            }
            id::TABLE => {
                for table in TableSectionReader::new(reader)? {
                    let table = table?;
                    let is_plain = is_plain(ValType::Ref(table.ty.element_type));
                    if !is_plain || !matches!(table.init, TableInit::RefNull) {
                        return Ok(false);
                    }
                    self.tables.push(table.ty);
                }
            }
            id::GLOBAL => {
                for global in GlobalSectionReader::new(reader)? {
                    let global = global?;
                    if !is_plain(global.ty.content_type) || !is_number(&global.init_expr)? {
                        return Ok(false);
                    }
                    self.globals.push(global.ty);
                }
                self.global_section = Some(section.contents);
            }
            id::EXPORT => {
                self.exports = ExportSectionReader::new(reader)?
                    .into_iter()
                    .collect::<Result<_, _>>()?;
            }
            id::START => self.start = Some(BinaryReader::new(section.contents, 0).read_var_u32()?),
            id::ELEMENT => return self.take_elements(section),
            id::CUSTOM => self.take_names(section)?,
            id::TAG => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn take_elements(&mut self, section: &'a Section<'a>) -> Result<bool> {
        for element in ElementSectionReader::new(section.reader())? {
            let element = element?;
            let (table_index, offset_expr) = match element.kind {
                ElementKind::Active {
                    table_index,
                    offset_expr,
                } => (table_index, offset_expr),
                ElementKind::Declared => continue,
                ElementKind::Passive => return Ok(false),
            };
            let Some(Operator::I32Const { value: at }) = only_operator(&offset_expr)? else {
                return Ok(false);
            };
            let ElementItems::Functions(functions) = element.items else {
                return Ok(false);
            };
            let table = table_index.unwrap_or(0);
            if table >= self.table_of_all() {
                return Ok(false);
            }
            self.filled.push(Filled {
                table,
                at,
                functions: functions.into_iter().collect::<Result<_, _>>()?,
            });
        }
        Ok(true)
    }

    fn take_names(&mut self, section: &Section<'a>) -> Result<()> {
        let mut reader = section.reader();
        if reader.read_string()? != "name" {
            return Ok(());
        }
        for names in NameSectionReader::new(reader) {
            if let Ok(Name::Function(names)) = names {
                self.names = names
                    .into_iter()
                    .map_while(|naming| naming.ok().map(|naming| (naming.index, naming.name)))
                    .collect();
                if !self.names.is_sorted_by(|before, next| before.0 < next.0) {
                    self.names.clear();
                }
            }
        }
        Ok(())
    }

    pub fn imported(&self) -> u32 {
        self.imports.len() as u32
    }

    pub fn table_of_all(&self) -> u32 {
        self.tables.len() as u32
    }

    /// None if an instruction among them speaks of segments, which chunks do not have. Takes as
    /// many threads as it can get.
    pub fn bodies(&self) -> Result<Option<Vec<Body<'a>>>> {
        let reader = CodeSectionReader::new(self.code.reader())?;
        let bodies: Vec<_> = reader.into_iter().collect::<Result<_, _>>()?;
        ensure!(bodies.len() == self.types.len(), "a type for each function");
        let read = side_by_side(&bodies, LEAST_OF_A_THREAD, |body| self.body(body))?;
        Ok(read.into_iter().collect())
    }

    fn body(&self, body: &FunctionBody<'a>) -> Result<Option<Body<'a>>> {
        let begin = body.range().start;
        let bytes = body.as_bytes();
        let mut hasher = FxHasher::default();
        let mut replaced = Vec::new();
        let mut hashed = 0;
        let operators = body.get_operators_reader()?;
        let mut scan = Scan::new(bytes, operators.original_position() - begin);
        while let Some((range, operator)) = scan.next()? {
            let what = match operator {
                Operator::I32Const { value } if self.is_address(value.cast_unsigned().into()) => {
                    What::I32(value)
                }
                Operator::I64Const { value } if self.is_address(value.cast_unsigned()) => {
                    What::I64(value)
                }
                Operator::Call { function_index } => What::Call(function_index),
                Operator::ReturnCall { function_index } => What::ReturnCall(function_index),
                Operator::RefFunc { function_index } if self.is_defined(function_index) => {
                    What::Ref(function_index)
                }
                Operator::RefFunc { .. }
                | Operator::MemoryInit { .. }
                | Operator::DataDrop { .. }
                | Operator::TableInit { .. }
                | Operator::ElemDrop { .. } => return Ok(None),
                _ => continue,
            };
            hasher.write(&bytes[hashed..range.start]);
            what.hash(self.imported(), &mut hasher);
            hashed = range.end;
            replaced.push((range, what));
        }
        hasher.write(&bytes[hashed..]);
        Ok(Some(Body {
            bytes,
            replaced,
            hash: hasher.finish(),
        }))
    }

    fn is_address(&self, number: u64) -> bool {
        self.addresses.contains(&number)
    }

    pub fn is_defined(&self, function: u32) -> bool {
        function >= self.imported()
    }

    pub fn type_of(&self, function: u32) -> Result<u32> {
        let defined = function.checked_sub(self.imported()).map(|n| n as usize);
        let ty = defined.and_then(|number| self.types.get(number));
        ty.copied().context("a function that is not defined")
    }
}

/// Needs no type of the module.
fn is_plain(ty: ValType) -> bool {
    match ty {
        ValType::Ref(reference) => reference == RefType::FUNCREF || reference == RefType::EXTERNREF,
        _ => true,
    }
}

/// A single constant, and not the value of something else.
fn is_number(expression: &ConstExpr<'_>) -> Result<bool> {
    Ok(matches!(
        only_operator(expression)?,
        Some(
            Operator::I32Const { .. }
                | Operator::I64Const { .. }
                | Operator::F32Const { .. }
                | Operator::F64Const { .. }
                | Operator::V128Const { .. }
                | Operator::RefNull { .. }
        )
    ))
}
