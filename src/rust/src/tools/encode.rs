//! Core modules to components.

use crate::tools::abi::Source;
use crate::tools::classify::{Entry, names_of};
use crate::tools::exit_status::keep_exit_status;
use crate::tools::stack::on_large_stack;
use crate::tools::validate::validate;
use crate::tools::wit_text;
use anyhow::{Context, Result, bail, ensure};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::Encoding;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

const AUTO: i32 = 0;
const COMMAND: i32 = 1;
const REACTOR: i32 = 2;
const PROXY: i32 = 3;

/// What the C side passes for "whatever the library knows".
const ALL_FEATURES: u32 = 1 << 30;

pub fn wrap_preview1(module: &[u8], kind: i32) -> Result<Vec<u8>> {
    let names = module_names(module)?;
    ensure!(
        names.preview1 || names.entry.is_some(),
        "the module neither imports wasi_snapshot_preview1 nor exports _start or _initialize"
    );
    let adapter = match (kind, names.entry) {
        (COMMAND, _) | (AUTO, Some(Entry::Command)) => WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        (REACTOR, _) | (AUTO, _) => WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        (PROXY, _) => WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER,
        _ => bail!("{kind} is not a kind of preview 1 module"),
    };
    on_large_stack(|| {
        // The proxy adapter is for hosts without wasi:cli.
        let exact = match kind {
            PROXY => None,
            _ => keep_exit_status(module)?,
        };
        component_of(exact.as_deref().unwrap_or(module), Some(adapter))
    })
}

pub fn encode(module: &[u8], files: &[Source<'_>], world: &str) -> Result<Vec<u8>> {
    let names = module_names(module)?;
    let adapter = names
        .preview1
        .then_some(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
    on_large_stack(|| {
        let (resolve, main) = wit_text::resolve(files)?;
        let world = (!world.is_empty()).then_some(world);
        let world = resolve.select_world(&[main], world)?;
        let mut embedded = module.to_vec();
        embed_component_metadata(&mut embedded, &resolve, world, StringEncoding::UTF8)?;
        component_of(&embedded, adapter)
    })
}

pub fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    let names = module_names(module)?;
    ensure!(
        names.world || names.entry == Some(Entry::Command),
        "the module says nothing of its world, and is no command"
    );
    if names.preview1 || names.entry == Some(Entry::Command) {
        return wrap_preview1(module, AUTO);
    }
    on_large_stack(|| component_of(module, None))
}

fn module_names(module: &[u8]) -> Result<crate::tools::classify::Names> {
    let names = names_of(module)?;
    match names.encoding {
        Some(Encoding::Module) => {}
        Some(Encoding::Component) => bail!("this is already a component"),
        None => bail!("not a WebAssembly binary"),
    }
    // The encoder trusts its input, and panics on some that is not valid.
    validate(module, ALL_FEATURES).context("the module is not valid")?;
    Ok(names)
}

fn component_of(module: &[u8], adapter: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut encoder = ComponentEncoder::default().validate(true).module(module)?;
    if let Some(adapter) = adapter {
        encoder = encoder.adapter(ADAPTER_NAME, adapter)?;
    }
    encoder
        .encode()
        .context("the module cannot become a component")
}
