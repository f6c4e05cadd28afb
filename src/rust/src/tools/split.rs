//! The core modules of a component, taken out of it and without their data: from one edit of a
//! script to the next only data differs, and what stays the same need not be compiled again.
//!
//! Of what a component defines nothing is renumbered but core modules and their instances. The
//! data of a module that is taken out is, with the memory, a module by itself, whose instance is
//! in front of all others: that with the code imports its memory from there, and the memory is as
//! it was before anything runs. What is left imports both and has neither: it stays the same, too.
//! Several of which this is left can be composed: each one's modules have numbers of their own.

use crate::tools::binary::{HEADER_BYTES, Section, sections, walk};
use crate::tools::chunks::{Chunked, Layout, SHARED_FROM, chunked};
use crate::tools::core_module::{CoreModule, MEMORY_FROM};
use anyhow::{Context, Result, ensure};
use rustc_hash::FxHasher;
use std::convert::Infallible;
use std::hash::Hasher;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    ComponentAliasSection, ComponentImportSection, ComponentSection, ComponentTypeRef,
    CoreTypeSection, Encode, InstanceSection, ModuleArg, ModuleType,
};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentAliasSectionReader, ComponentExportSectionReader,
    ComponentExternalKind, ComponentImportSectionReader, ComponentInstance,
    ComponentInstanceSectionReader, ComponentOuterAliasKind, Encoding, FromReader, Instance,
    InstanceSectionReader, InstantiationArg, SectionLimited,
};

/// Sections of a component.
mod id {
    pub const CORE_MODULE: u8 = 1;
    pub const CORE_INSTANCE: u8 = 2;
    pub const CORE_TYPE: u8 = 3;
    pub const COMPONENT: u8 = 4;
    pub const INSTANCE: u8 = 5;
    pub const ALIAS: u8 = 6;
    pub const IMPORT: u8 = 10;
    pub const EXPORT: u8 = 11;
}

/// What is left of a component and then each of the modules, in the order in which they are
/// imported; every one behind its kind and its size, as `tools.h` says.
pub type Pieces = Vec<u8>;

/// What a piece is: `tools.h`.
mod kind {
    pub const REST: u8 = 0;
    pub const DATA: u8 = 1;
    pub const CODE: u8 = 2;
    pub const LAYOUTS: u8 = 3;
}

/// Each has an instance more, and there is a limit to those.
const MOST_TAKEN: usize = 100;
/// One with a smaller share of the code of the largest is not large itself: it is a library, whose
/// code an edit leaves as it is, and chunks cost requests something.
const LEAST_SHARE: usize = 8;
const SIZE_BYTES: usize = size_of::<u64>();
/// For what is written beside what is copied, which names all that modules import and export.
const ROOM: usize = 1 << 20;
const IMPORT_NAME: &str = "nimbus-part-m";

/// What a component imports such a module as.
pub fn import_name(number: u32) -> String {
    format!("{IMPORT_NAME}{number}")
}

pub fn is_import_name(name: &str) -> bool {
    // Such names conflict whatever their case.
    let begin = name.as_bytes().get(..IMPORT_NAME.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(IMPORT_NAME.as_bytes()))
}

/// Layouts of the modules of components that were taken apart, the newest last, each under what the
/// component is but for its modules.
#[derive(Default)]
pub struct Layouts(Vec<(u64, Vec<Layout>)>);

impl Layouts {
    const MOST: usize = 64;

    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = BinaryReader::new(bytes, 0);
        let mut known = Vec::new();
        while !reader.eof() {
            let key = reader.read_u64()?;
            let mut layouts = Vec::new();
            for _ in 0..reader.read_var_u32()? {
                let size = reader.read_var_u32()? as usize;
                layouts.push(Layout::decode(reader.read_bytes(size)?)?);
            }
            known.push((key, layouts));
        }
        Ok(Layouts(known))
    }

    fn take(&mut self, key: u64) -> Vec<Layout> {
        let known = self.0.iter().position(|(of, _)| *of == key);
        known.map_or_else(Vec::new, |known| self.0.remove(known).1)
    }

    fn keep(&mut self, key: u64, layouts: Vec<Layout>) {
        self.0.push((key, layouts));
        let old = self.0.len().saturating_sub(Self::MOST);
        self.0.drain(..old);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for (key, layouts) in &self.0 {
            out.extend(key.to_le_bytes());
            layouts.len().encode(out);
            for layout in layouts {
                let mut bytes = Vec::new();
                layout.encode(&mut bytes);
                bytes.encode(out);
            }
        }
    }
}

/// What a component is but for its modules, and which of several that is.
fn key_of(sections: &[Section<'_>], which: u32) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u32(which);
    for section in sections.iter().filter(|s| s.id != id::CORE_MODULE) {
        hasher.write_u8(section.id);
        hasher.write(section.contents);
    }
    hasher.finish()
}

/// A module that is taken out.
struct Taking<'a> {
    module: CoreModule<'a>,
    chunked: Option<Chunked>,
}

/// How a component is taken apart: `tools.h`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    min_code_bytes: usize,
    large_code_bytes: usize,
    first: u32,
    which: u32,
}

const _: () = assert!(size_of::<Options>() == 24);

/// None if no module has enough code, or a large one cannot be taken out, or if the component
/// passes modules around by itself. Large ones are taken out in chunks, where that is possible.
pub fn split(component: &[u8], options: Options, mut known: Layouts) -> Result<Option<Pieces>> {
    let walked = walk(component, |_, _| Ok(()))?;
    ensure!(
        walked.encoding == Encoding::Component,
        "a core module is not a component"
    );
    let sections = sections(component)?;
    if passes_modules(&sections)? {
        return Ok(None);
    }
    let Some((modules, large)) = movable(&sections, options)? else {
        return Ok(None);
    };
    let key = key_of(&sections, options.which);
    let mut before = known.take(key).into_iter();
    let mut layouts = Vec::new();
    let mut takings = Vec::new();
    for module in modules {
        let mut layout = before.next().unwrap_or_default();
        let is_large = module.code_bytes() >= large;
        let chunked = is_large
            .then(|| chunked(&module, &mut layout))
            .transpose()?;
        layouts.push(layout);
        takings.push(Taking {
            chunked: chunked.flatten(),
            module,
        });
    }
    known.keep(key, layouts);
    let mut pieces = rebuild(component, &sections, &takings, options.first)?;
    piece(&mut pieces, kind::LAYOUTS, |out| {
        known.encode(out);
        Ok(())
    })?;
    Ok(Some(pieces))
}

/// In other ways than by instantiating those that it defines.
fn passes_modules(sections: &[Section<'_>]) -> Result<bool> {
    for section in sections {
        let found = match section.id {
            id::CORE_TYPE => true,
            id::COMPONENT => has_core_parts(section.contents)?,
            id::INSTANCE => any(
                ComponentInstanceSectionReader::new(section.reader())?,
                instance_passes_modules,
            )?,
            id::ALIAS => names_modules(section)?,
            id::IMPORT => any(
                ComponentImportSectionReader::new(section.reader())?,
                |import| {
                    import.ty.kind() == ComponentExternalKind::Module
                        || is_import_name(import.name.name)
                },
            )?,
            id::EXPORT => any(
                ComponentExportSectionReader::new(section.reader())?,
                |export| export.kind == ComponentExternalKind::Module,
            )?,
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A component inside that does more than name things.
fn has_core_parts(component: &[u8]) -> Result<bool> {
    for section in sections(component)? {
        let found = match section.id {
            id::CORE_MODULE | id::CORE_INSTANCE | id::CORE_TYPE | id::COMPONENT => true,
            id::ALIAS => names_modules(&section)?,
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A section of aliases.
fn names_modules(section: &Section<'_>) -> Result<bool> {
    let aliases = ComponentAliasSectionReader::new(section.reader())?;
    any(aliases, is_alias_of_module)
}

fn any<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
    is: impl Fn(&T) -> bool,
) -> Result<bool> {
    for item in section {
        if is(&item?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn instance_passes_modules(instance: &ComponentInstance<'_>) -> bool {
    match instance {
        ComponentInstance::Instantiate { args, .. } => args
            .iter()
            .any(|arg| arg.kind == ComponentExternalKind::Module),
        ComponentInstance::FromExports(exports) => exports
            .iter()
            .any(|export| export.kind == ComponentExternalKind::Module),
    }
}

fn is_alias_of_module(alias: &ComponentAlias<'_>) -> bool {
    match alias {
        ComponentAlias::InstanceExport { kind, .. } => *kind == ComponentExternalKind::Module,
        ComponentAlias::CoreInstanceExport { .. } => false,
        ComponentAlias::Outer { kind, .. } => matches!(
            kind,
            ComponentOuterAliasKind::CoreModule | ComponentOuterAliasKind::CoreType
        ),
    }
}

/// The modules of the component: all of them, or none is taken out, and how much code large ones
/// have. A small one stays as it is if its data cannot be told from its code; a large one so would
/// be what an edit has to compile.
fn movable<'a>(
    component: &[Section<'a>],
    options: Options,
) -> Result<Option<(Vec<CoreModule<'a>>, usize)>> {
    let mut modules = Vec::new();
    for section in component.iter().filter(|s| s.id == id::CORE_MODULE) {
        modules.push(CoreModule::read(sections(section.contents)?)?);
    }
    let most = modules
        .iter()
        .map(CoreModule::code_bytes)
        .max()
        .unwrap_or(0);
    if modules.is_empty() || most < options.min_code_bytes || modules.len() > MOST_TAKEN {
        return Ok(None);
    }
    let large = options.large_code_bytes.max(most / LEAST_SHARE);
    let stays = |module: &CoreModule<'_>| module.code_bytes() >= large && !module.is_movable();
    if modules.iter().any(stays) {
        return Ok(None);
    }
    let Some(instances) = instances_of(component, modules.len())? else {
        return Ok(None);
    };
    // Instances of one module have a memory each.
    let several = modules
        .iter()
        .zip(instances)
        .any(|(module, instances)| instances != 1 && module.moves_data());
    Ok((!several).then_some((modules, large)))
}

/// How many each module has. None if one has what a module without its data imports.
fn instances_of(component: &[Section<'_>], modules: usize) -> Result<Option<Vec<usize>>> {
    let mut instances = vec![0; modules];
    for section in component.iter().filter(|s| s.id == id::CORE_INSTANCE) {
        for instance in InstanceSectionReader::new(section.reader())? {
            let Instance::Instantiate { module_index, args } = instance? else {
                continue;
            };
            if args
                .iter()
                .any(|arg| [MEMORY_FROM, SHARED_FROM].contains(&arg.name))
            {
                return Ok(None);
            }
            let count = instances.get_mut(module_index as usize);
            *count.context("an instance of a module that is not defined")? += 1;
        }
    }
    Ok(Some(instances))
}

/// Where a module is now.
struct Placed {
    /// The instances that it imports from, in front of all others.
    data: Option<u32>,
    shared: Option<u32>,
    /// So many modules before that which exports.
    chunks: u32,
    number: u32,
}

/// New numbers for core modules and their instances.
struct Numbering {
    in_front: u32,
    modules: Vec<Placed>,
    /// Of those that there were so far.
    instances: Vec<u32>,
    next_instance: u32,
}

impl Numbering {
    fn add_instance(&mut self) {
        self.instances.push(self.next_instance);
        self.next_instance += 1;
    }
}

impl Reencode for Numbering {
    type Error = Infallible;
}

/// No module and no instance has it: what is left does not validate.
const NOT_DEFINED: u32 = u32::MAX;

impl ReencodeComponent for Numbering {
    fn module_index(&mut self, module: u32) -> u32 {
        let placed = self.modules.get(module as usize);
        placed.map_or(NOT_DEFINED, |placed| placed.number)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        let number = self.instances.get(instance as usize);
        number.copied().unwrap_or(NOT_DEFINED)
    }

    fn parse_instance(
        &mut self,
        instances: &mut InstanceSection,
        instance: Instance<'_>,
    ) -> Result<(), Error<Infallible>> {
        let Instance::Instantiate { module_index, args } = &instance else {
            component_utils::parse_instance(self, instances, instance)?;
            self.add_instance();
            return Ok(());
        };
        let mut named: Vec<_> = Vec::new();
        for InstantiationArg { name, index, .. } in args {
            named.push(((*name).to_owned(), self.instance_index(*index)));
        }
        let (mut chunks, number) = (0, self.module_index(*module_index));
        if let Some(placed) = self.modules.get(*module_index as usize) {
            named.extend(placed.data.map(|data| (MEMORY_FROM.to_owned(), data)));
            named.extend(placed.shared.map(|shared| (SHARED_FROM.to_owned(), shared)));
            chunks = placed.chunks;
        }
        let named = named.iter();
        let named = named.map(|(name, number)| (name.as_str(), ModuleArg::Instance(*number)));
        let named: Vec<_> = named.collect();
        for before in (1..=chunks).rev() {
            instances.instantiate(number - before, named.iter().copied());
            self.next_instance += 1;
        }
        instances.instantiate(number, named.iter().copied());
        self.add_instance();
        Ok(())
    }
}

fn rebuild(
    component: &[u8],
    sections: &[Section<'_>],
    takings: &[Taking<'_>],
    first: u32,
) -> Result<Pieces> {
    let mut pieces = Vec::with_capacity(component.len() + ROOM);
    piece(&mut pieces, kind::REST, |out| {
        out.extend_from_slice(&component[..HEADER_BYTES]);
        Rest { out, first }.write(sections, takings)
    })?;
    for Taking { module, chunked } in takings.iter().filter(|taking| taking.module.moves_data()) {
        piece(&mut pieces, kind::DATA, |out| {
            module.write_data(out);
            Ok(())
        })?;
        if let Some(chunked) = chunked {
            copied_piece(&mut pieces, kind::DATA, &chunked.shared)?;
        }
    }
    for Taking { module, chunked } in takings {
        match chunked {
            Some(chunked) => {
                for chunk in chunked.chunks.iter().chain([&chunked.exports]) {
                    copied_piece(&mut pieces, kind::CODE, chunk)?;
                }
            }
            None => piece(&mut pieces, kind::CODE, |out| {
                module.write_without_data(out)
            })?,
        }
    }
    Ok(pieces)
}

fn copied_piece(pieces: &mut Pieces, kind: u8, content: &[u8]) -> Result<()> {
    piece(pieces, kind, |out| {
        out.extend_from_slice(content);
        Ok(())
    })
}

fn piece(
    pieces: &mut Pieces,
    kind: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    pieces.push(kind);
    let begin = pieces.len();
    pieces.extend([0; SIZE_BYTES]);
    write(pieces)?;
    let size = pieces.len() - begin - SIZE_BYTES;
    pieces[begin..begin + SIZE_BYTES].copy_from_slice(&(size as u64).to_le_bytes());
    Ok(())
}

/// What is left, as far as it is written.
struct Rest<'a> {
    out: &'a mut Vec<u8>,
    /// As what the first module is imported.
    first: u32,
}

impl Rest<'_> {
    fn write(mut self, sections: &[Section<'_>], takings: &[Taking<'_>]) -> Result<()> {
        let mut numbering = self.import_data(takings)?;
        let mut imported = numbering.in_front;
        let mut takings = takings.iter();
        for each in sections {
            match each.id {
                id::CORE_MODULE => {
                    let taking = takings.next().context("a module that was not read")?;
                    imported = self.import_code(imported, taking)?;
                }
                id::CORE_INSTANCE => {
                    let mut instances = InstanceSection::new();
                    let reader = InstanceSectionReader::new(each.reader())?;
                    numbering.parse_instance_section(&mut instances, reader)?;
                    instances.append_to_component(self.out);
                }
                id::ALIAS => {
                    let mut aliases = ComponentAliasSection::new();
                    let reader = ComponentAliasSectionReader::new(each.reader())?;
                    numbering.parse_component_alias_section(&mut aliases, reader)?;
                    aliases.append_to_component(self.out);
                }
                _ => each.raw().append_to_component(self.out),
            }
        }
        Ok(())
    }

    /// The modules without code, each with an instance.
    fn import_data(&mut self, takings: &[Taking<'_>]) -> Result<Numbering> {
        let mut in_front = 0;
        let mut import = |ty: ModuleType| {
            self.import(in_front, &ty);
            let mut instance = InstanceSection::new();
            instance.instantiate::<_, &str>(in_front, []);
            instance.append_to_component(self.out);
            in_front += 1;
            in_front - 1
        };
        let mut modules = Vec::new();
        for Taking { module, chunked } in takings {
            modules.push(Placed {
                data: module.type_of_data()?.map(&mut import),
                shared: chunked
                    .as_ref()
                    .map(|chunked| import(chunked.shared_type.clone())),
                chunks: u32::try_from(chunked.as_ref().map_or(0, |chunked| chunked.chunks.len()))?,
                number: 0,
            });
        }
        let mut next = in_front;
        for placed in &mut modules {
            placed.number = next + placed.chunks;
            next = placed.number + 1;
        }
        Ok(Numbering {
            in_front,
            modules,
            instances: Vec::new(),
            next_instance: in_front,
        })
    }

    /// In the place of the definition. Returns the number of the next one.
    fn import_code(&mut self, mut number: u32, taking: &Taking<'_>) -> Result<u32> {
        let Taking { module, chunked } = taking;
        match chunked {
            Some(chunked) => {
                for _ in &chunked.chunks {
                    self.import(number, &chunked.chunk_type);
                    number += 1;
                }
                self.import(number, &chunked.exports_type);
            }
            None => self.import(number, &module.type_without_data()?),
        }
        Ok(number + 1)
    }

    fn import(&mut self, number: u32, ty: &ModuleType) {
        let mut types = CoreTypeSection::new();
        types.ty().module(ty);
        types.append_to_component(self.out);
        let mut imports = ComponentImportSection::new();
        let ty = ComponentTypeRef::Module(number);
        let name = import_name(self.first.wrapping_add(number));
        imports.import(name.as_str(), ty);
        imports.append_to_component(self.out);
    }
}
