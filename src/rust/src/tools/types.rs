//! Reads type sections of components without recursion, before a library does it with: how deep
//! component and instance types nest, and whether any type needs component-model async.

use crate::tools::bounds::check_nesting;
use anyhow::{Result, bail};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentImport,
    ComponentType, ComponentTypeRef, CoreType, PrimitiveValType,
};

const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;

/// Reads the contents of one type section, which begin at `offset` of the binary. True if a type in
/// it is async.
pub fn scan_type_section(contents: &[u8], offset: usize) -> Result<bool> {
    let mut reader = BinaryReader::new(contents, offset);
    let mut needs_async = false;
    // Declarations still to be read, per open level. The section itself is the outermost level.
    let mut open = vec![reader.read_var_u32()?];
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        let at_type = open.len() == 1 || next_declaration_is_type(&mut reader)?;
        if !at_type {
            continue;
        }
        if let COMPONENT_TYPE | INSTANCE_TYPE = peek(&reader)? {
            reader.read_u8()?;
            open.push(reader.read_var_u32()?);
            check_nesting(open.len(), reader.original_position())?;
        } else {
            needs_async |= is_async(&reader.read::<ComponentType>()?);
        }
    }
    Ok(needs_async)
}

fn peek(reader: &BinaryReader<'_>) -> Result<u8> {
    Ok(reader.clone().read_u8()?)
}

/// Reads one declaration of a component or instance type, up to the type if it declares one.
fn next_declaration_is_type(reader: &mut BinaryReader<'_>) -> Result<bool> {
    let kind = reader.read_u8()?;
    match kind {
        0x00 => {
            reader.read::<CoreType>()?;
        }
        0x01 => {}
        0x02 => {
            reader.read::<ComponentAlias>()?;
        }
        0x03 => {
            reader.read::<ComponentImport>()?;
        }
        0x04 => {
            reader.read::<ComponentExternName>()?;
            reader.read::<ComponentTypeRef>()?;
        }
        byte => bail!(
            "invalid declaration {byte:#x} in a type (at offset {:#x})",
            reader.original_position() - 1
        ),
    }
    Ok(kind == 0x01)
}

fn is_async(ty: &ComponentType<'_>) -> bool {
    match ty {
        ComponentType::Func(function) => function.async_,
        ComponentType::Defined(defined) => matches!(
            defined,
            ComponentDefinedType::Future(_)
                | ComponentDefinedType::Stream(_)
                | ComponentDefinedType::Primitive(PrimitiveValType::ErrorContext)
        ),
        _ => false,
    }
}
