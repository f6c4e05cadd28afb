//! Validation of modules and components.

use crate::tools::binary::walk;
use anyhow::Result;
use wasmparser::{Parser, Validator, WasmFeatures};

const WIDE_ARITHMETIC: u32 = 1 << 0;
const CUSTOM_PAGE_SIZES: u32 = 1 << 1;
const COMPONENT_ASYNC_MORE: u32 = 1 << 2;
const COMPONENT_MORE: u32 = 1 << 3;
/// Of functions only the types.
const WITHOUT_BODIES: u32 = 1 << 29;
const ALL: u32 = 1 << 30;

pub fn validate(bytes: &[u8], features: u32) -> Result<Vec<u8>> {
    walk(bytes, |_, _| Ok(()))?;
    let accepted = wasm_features(features);
    if features & WITHOUT_BODIES == 0 {
        Validator::new_with_features(accepted).validate_all(bytes)?;
    } else {
        validate_without_bodies(bytes, accepted)?;
    }
    Ok(Vec::new())
}

/// Validates what compose() made: labels with the interface that they stand for are fine, and maps.
/// Functions are what they were in its parts: whoever compiles them validates them.
pub fn validate_composed(bytes: &[u8]) -> Result<()> {
    let features = WasmFeatures::default() | WasmFeatures::CM_IMPLEMENTS | WasmFeatures::CM_MAP;
    validate_without_bodies(bytes, features)
}

fn validate_without_bodies(bytes: &[u8], features: WasmFeatures) -> Result<()> {
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        validator.payload(&payload?)?;
    }
    Ok(())
}

fn wasm_features(features: u32) -> WasmFeatures {
    if features & ALL != 0 {
        return WasmFeatures::all();
    }
    let has = |bit| features & bit != 0;
    let mut accepted = WasmFeatures::default();
    accepted.set(WasmFeatures::WIDE_ARITHMETIC, has(WIDE_ARITHMETIC));
    accepted.set(WasmFeatures::CUSTOM_PAGE_SIZES, has(CUSTOM_PAGE_SIZES));
    let more_async = WasmFeatures::CM_ASYNC_STACKFUL
        | WasmFeatures::CM_MORE_ASYNC_BUILTINS
        | WasmFeatures::CM_THREADING
        | WasmFeatures::CM_ERROR_CONTEXT;
    accepted.set(more_async, has(COMPONENT_ASYNC_MORE));
    let more = WasmFeatures::CM_MAP
        | WasmFeatures::CM_FIXED_LENGTH_LISTS
        | WasmFeatures::CM_IMPLEMENTS
        | WasmFeatures::CM64;
    accepted.set(more, has(COMPONENT_MORE));
    accepted
}
