//! The large core modules of a component, taken out of it and without their data: from one edit of
//! a script to the next only data differs, and what stays the same need not be compiled again.
//!
//! Of what a component defines nothing is renumbered but core modules and their instances. The data
//! of a module that is taken out goes, with the memory, into a module in front of all others, from
//! which the one taken out imports its memory: the memory is as it was before anything runs.

use crate::tools::binary::{HEADER_BYTES, Section, sections, walk};
use crate::tools::core_module::{CoreModule, MEMORY_FROM, code_bytes};
use anyhow::{Context, Result, ensure};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    ComponentAliasSection, ComponentImportSection, ComponentSection, ComponentTypeRef,
    CoreTypeSection, InstanceSection, ModuleArg, RawSection,
};
use wasmparser::{
    ComponentAlias, ComponentAliasSectionReader, ComponentExportSectionReader,
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

/// What is left of a component and then each of the modules, every one behind its size, as
/// `tools.h` says.
pub type Pieces = Vec<u8>;

/// Each has an instance more, and there is a limit to those.
const MOST_TAKEN: usize = 100;
const SIZE_BYTES: usize = size_of::<u64>();
/// For what is written beside what is copied.
const ROOM: usize = 64 << 10;
const IMPORT_NAME: &str = "nimbus-code-m";

/// What a component imports such a module as.
pub fn import_name(number: usize) -> String {
    format!("{IMPORT_NAME}{number}")
}

pub fn is_import_name(name: &str) -> bool {
    name.starts_with(IMPORT_NAME)
}

/// None if it has no module with that much code, or one that cannot be taken out, or passes modules
/// around by itself.
pub fn split(component: &[u8], min_code_bytes: usize) -> Result<Option<Pieces>> {
    let walked = walk(component, |_, _| Ok(()))?;
    ensure!(
        walked.encoding == Encoding::Component,
        "a core module is not a component"
    );
    let sections = sections(component)?;
    if passes_modules(&sections)? {
        return Ok(None);
    }
    match takings(&sections, min_code_bytes)? {
        Some(takings) => rebuild(component, &sections, &takings).map(Some),
        None => Ok(None),
    }
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

/// Each module of the component, if it is to be taken out. None if there are none, or if a large
/// one cannot be: it would be compiled with all that is left.
fn takings<'a>(
    component: &[Section<'a>],
    min_code_bytes: usize,
) -> Result<Option<Vec<Option<CoreModule<'a>>>>> {
    let mut modules = Vec::new();
    let mut taken = 0;
    for section in component.iter().filter(|s| s.id == id::CORE_MODULE) {
        let parts = sections(section.contents)?;
        if code_bytes(&parts) < min_code_bytes {
            modules.push(None);
            continue;
        }
        let Some(module) = CoreModule::read(parts)? else {
            return Ok(None);
        };
        modules.push(Some(module));
        taken += 1;
    }
    if taken == 0 || taken > MOST_TAKEN {
        return Ok(None);
    }
    let instances = instances_of(component, modules.len())?;
    // Instances of one module have a memory each.
    let several = modules.iter().zip(instances).any(|(module, instances)| {
        instances != 1 && module.as_ref().is_some_and(CoreModule::has_data)
    });
    Ok((!several).then_some(modules))
}

/// How many each module has.
fn instances_of(component: &[Section<'_>], modules: usize) -> Result<Vec<usize>> {
    let mut instances = vec![0; modules];
    for section in component.iter().filter(|s| s.id == id::CORE_INSTANCE) {
        for instance in InstanceSectionReader::new(section.reader())? {
            if let Instance::Instantiate { module_index, .. } = instance? {
                let count = instances.get_mut(module_index as usize);
                *count.context("an instance of a module that is not defined")? += 1;
            }
        }
    }
    Ok(instances)
}

/// Numbers for core modules and their instances, behind those of the modules with data in front.
struct Numbering {
    in_front: u32,
    /// Of a module as it was numbered before: that with its data.
    data_of: Vec<Option<u32>>,
}

impl Reencode for Numbering {
    type Error = Infallible;
}

impl ReencodeComponent for Numbering {
    fn module_index(&mut self, module: u32) -> u32 {
        module.saturating_add(self.in_front)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        instance.saturating_add(self.in_front)
    }

    fn parse_instance(
        &mut self,
        instances: &mut InstanceSection,
        instance: Instance<'_>,
    ) -> Result<(), Error<Infallible>> {
        let Instance::Instantiate { module_index, args } = &instance else {
            return component_utils::parse_instance(self, instances, instance);
        };
        let data = self.data_of.get(*module_index as usize).copied().flatten();
        let shifted = |arg: &InstantiationArg<'_>| {
            let number = arg.index.saturating_add(self.in_front);
            (arg.name.to_string(), ModuleArg::Instance(number))
        };
        let mut args: Vec<_> = args.iter().map(shifted).collect();
        args.extend(data.map(|data| (MEMORY_FROM.to_string(), ModuleArg::Instance(data))));
        instances.instantiate(module_index.saturating_add(self.in_front), args);
        Ok(())
    }
}

fn rebuild(
    component: &[u8],
    sections: &[Section<'_>],
    takings: &[Option<CoreModule<'_>>],
) -> Result<Pieces> {
    let mut pieces = Vec::with_capacity(component.len() + ROOM);
    piece(&mut pieces, |out| {
        out.extend_from_slice(&component[..HEADER_BYTES]);
        write_rest(out, sections, takings)
    })?;
    for module in takings.iter().flatten() {
        piece(&mut pieces, |out| module.write_without_data(out))?;
    }
    Ok(pieces)
}

fn piece(pieces: &mut Pieces, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let begin = pieces.len();
    pieces.extend([0; SIZE_BYTES]);
    write(pieces)?;
    let size = pieces.len() - begin - SIZE_BYTES;
    pieces[begin..begin + SIZE_BYTES].copy_from_slice(&(size as u64).to_le_bytes());
    Ok(())
}

fn write_rest(
    rest: &mut Vec<u8>,
    sections: &[Section<'_>],
    takings: &[Option<CoreModule<'_>>],
) -> Result<()> {
    let mut numbering = write_data(rest, takings);
    let mut imported = 0;
    let mut takings = takings.iter();
    for each in sections {
        let taken = (each.id == id::CORE_MODULE).then(|| takings.next().and_then(Option::as_ref));
        match (each.id, taken.flatten()) {
            (_, Some(module)) => {
                write_import(rest, imported, module)?;
                imported += 1;
            }
            (id::CORE_INSTANCE, _) => {
                let mut instances = InstanceSection::new();
                let reader = InstanceSectionReader::new(each.reader())?;
                numbering.parse_instance_section(&mut instances, reader)?;
                instances.append_to_component(rest);
            }
            (id::ALIAS, _) => {
                let mut aliases = ComponentAliasSection::new();
                let reader = ComponentAliasSectionReader::new(each.reader())?;
                numbering.parse_component_alias_section(&mut aliases, reader)?;
                aliases.append_to_component(rest);
            }
            _ => each.raw().append_to_component(rest),
        }
    }
    Ok(())
}

/// The modules with data, each with an instance.
fn write_data(rest: &mut Vec<u8>, takings: &[Option<CoreModule<'_>>]) -> Numbering {
    let mut numbering = Numbering {
        in_front: 0,
        data_of: Vec::new(),
    };
    for taken in takings {
        let data = taken.as_ref().and_then(CoreModule::data_module);
        let number = data.as_ref().map(|_| numbering.in_front);
        numbering.data_of.push(number);
        if let Some(data) = &data {
            let id = id::CORE_MODULE;
            RawSection { id, data }.append_to_component(rest);
            let mut instance = InstanceSection::new();
            instance.instantiate::<_, &str>(numbering.in_front, []);
            instance.append_to_component(rest);
            numbering.in_front += 1;
        }
    }
    numbering
}

/// In the place of the definition: it has the same number.
fn write_import(rest: &mut Vec<u8>, number: usize, module: &CoreModule<'_>) -> Result<()> {
    let mut types = CoreTypeSection::new();
    types.ty().module(&module.type_without_data()?);
    types.append_to_component(rest);
    let mut imports = ComponentImportSection::new();
    let ty = ComponentTypeRef::Module(u32::try_from(number)?);
    imports.import(import_name(number).as_str(), ty);
    imports.append_to_component(rest);
    Ok(())
}
