//! Native code: compiling it, loading it, resolving its imports.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};
use wasmtime::component::{Component as WasmComponent, InstancePre, Linker};
use wasmtime::{Engine as WasmEngine, Module, bail, ensure};
use wasmtime_wasi::p2::bindings::CommandPre as CommandP2;
use wasmtime_wasi::p3::bindings::CommandPre as CommandP3;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::budget::Total;
use super::compile_threads::compile_threads;
use super::config::Engine;
use super::exports::ExportTable;
use super::host::Host;
use super::imports::{self, ImportTable};
use super::labels::{self, Label, MAX_SLOTS};
use crate::abi::{OwnedBytes, Str, guard, guard_void, slice};
use crate::tools::split;

pub struct Component(WasmComponent);

/// Of a component that was taken apart: `tools::split`.
pub struct CoreModule(Module);

/// # Safety
/// The pointers are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_compile(
    engine: *const Engine,
    wasm: Str,
    core_module: u8,
    code: *mut OwnedBytes,
) -> i32 {
    let Some(threads) = guard(None, || compile_threads().map(Some)) else {
        return -2;
    };
    guard(-1, || {
        // SAFETY: by this function's contract.
        let (engine, wasm) = unsafe { (&*engine, wasm.bytes()) };
        let compiler = WasmEngine::new(&engine.compiling)?;
        let native = threads.install(|| match core_module {
            0 => compiler.precompile_component(wasm),
            _ => compiler.precompile_module(wasm),
        })?;
        // SAFETY: by this function's contract.
        unsafe { code.write(OwnedBytes::from_bytes(native.into())) };
        Ok(0)
    })
}

fn boxed(component: WasmComponent) -> *mut Component {
    Box::into_raw(Box::new(Component(component)))
}

/// # Safety
/// The file holds what `nimbus_compile` made, verified by the caller, and is not changed while
/// the component lives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_component_map(engine: *const Engine, path: Str) -> *mut Component {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let mapped = unsafe { WasmComponent::deserialize_file(&(*engine).wasm, path.text()?)? };
        Ok(boxed(mapped))
    })
}

/// # Safety
/// `code` is what `nimbus_compile` made in this process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_component_load(engine: *const Engine, code: Str) -> *mut Component {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let loaded = unsafe { WasmComponent::deserialize(&(*engine).wasm, code.bytes())? };
        Ok(boxed(loaded))
    })
}

/// # Safety
/// `component` came from this module and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_component_free(component: *mut Component) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(component) }));
}

/// # Safety
/// As for `nimbus_component_map`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_core_module_map(
    engine: *const Engine,
    path: Str,
) -> *mut CoreModule {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let mapped = unsafe { Module::deserialize_file(&(*engine).wasm, path.text()?)? };
        Ok(Box::into_raw(Box::new(CoreModule(mapped))))
    })
}

/// # Safety
/// As for `nimbus_component_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_core_module_load(
    engine: *const Engine,
    code: Str,
) -> *mut CoreModule {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let loaded = unsafe { Module::deserialize(&(*engine).wasm, code.bytes())? };
        Ok(Box::into_raw(Box::new(CoreModule(loaded))))
    })
}

/// Memories of instances are mapped from it: without a file their content is copied into one.
fn file_in_memory(content: &[u8]) -> std::io::Result<File> {
    let file = File::from(memfd_create(c"data", MemfdFlags::CLOEXEC)?);
    (&file).write_all(content)?;
    Ok(file)
}

/// # Safety
/// The pointers are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_core_module_of_data(
    engine: *const Engine,
    wasm: Str,
) -> *mut CoreModule {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (engine, wasm) = unsafe { (&(*engine).wasm, wasm.bytes()) };
        let code = compile_threads()?.install(|| engine.precompile_module(wasm))?;
        let made = match file_in_memory(&code) {
            // SAFETY: it was made just now, and nobody else has it.
            Ok(file) => unsafe { Module::deserialize_open_file(engine, file)? },
            // SAFETY: the same.
            Err(_) => unsafe { Module::deserialize(engine, &code)? },
        };
        Ok(Box::into_raw(Box::new(CoreModule(made))))
    })
}

/// # Safety
/// `module` came from this module and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_core_module_free(module: *mut CoreModule) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(module) }));
}

#[repr(C)]
pub struct Needs {
    memories: u32,
    tables: u32,
    max_initial_memory_bytes: u64,
    max_initial_table_elements: u64,
    code_bytes: u64,
}

const _: () = assert!(size_of::<Needs>() == 32);

/// # Safety
/// Both pointers are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_component_needs(component: *const Component, needs: *mut Needs) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let component = unsafe { &(*component).0 };
        let required = component.resources_required();
        let image = component.image_range();
        let found = Needs {
            memories: required.as_ref().map_or(0, |r| r.num_memories),
            tables: required.as_ref().map_or(0, |r| r.num_tables),
            max_initial_memory_bytes: required
                .as_ref()
                .and_then(|r| r.max_initial_memory_size)
                .unwrap_or(0)
                .saturating_mul(65536),
            max_initial_table_elements: required
                .as_ref()
                .and_then(|r| r.max_initial_table_size)
                .unwrap_or(0),
            code_bytes: image.end as u64 - image.start as u64,
        };
        // SAFETY: by this function's contract.
        unsafe { needs.write(found) };
    });
}

/// A component whose imports are resolved, for one use.
pub enum Entry {
    HttpP2(ProxyPre<Host>),
    HttpP3(ServicePre<Host>),
    CommandP2(CommandP2<Host>),
    CommandP3(CommandP3<Host>),
    /// Nothing to run by itself.
    Library,
}

pub struct Resolved {
    pub engine: WasmEngine,
    pub total: Arc<Total>,
    /// Components inside, each of which sees a context of its own.
    pub slots: usize,
    pub entry: Entry,
    pub pre: InstancePre<Host>,
    /// No component inside can call another one.
    pub single: bool,
    /// Calls overlap on an instance.
    pub concurrency: bool,
    pub imports: ImportTable,
    pub exports: ExportTable,
}

pub struct Linked(pub Arc<Resolved>);

fn resolve(
    engine: &Engine,
    linker: Linker<Host>,
    component: &WasmComponent,
    kind: i32,
    slots: usize,
    single: bool,
) -> wasmtime::Result<Resolved> {
    if !engine.concurrency && matches!(kind, 1 | 3) {
        bail!("the component uses WASI 0.3, which this engine was made without");
    }
    let (linker, imports) = imports::link(engine, linker, component)?;
    let pre = linker.instantiate_pre(component)?;
    let entry = match kind {
        0 => Entry::HttpP2(ProxyPre::new(pre.clone())?),
        1 => Entry::HttpP3(ServicePre::new(pre.clone())?),
        2 => Entry::CommandP2(CommandP2::new(pre.clone())?),
        3 => Entry::CommandP3(CommandP3::new(pre.clone())?),
        4 => Entry::Library,
        _ => bail!("unknown kind {kind}"),
    };
    Ok(Resolved {
        engine: engine.wasm.clone(),
        total: engine.total.clone(),
        slots,
        single,
        entry,
        pre,
        concurrency: engine.concurrency,
        exports: ExportTable::of(&engine.wasm, component, &imports),
        imports,
    })
}

/// Also of what was taken out of a component.
///
/// # Safety
/// The pointers are valid during the call.
unsafe fn linker_with(
    engine: &Engine,
    modules: &[*const CoreModule],
) -> wasmtime::Result<Linker<Host>> {
    let mut linker = engine.linker.clone();
    for (number, module) in modules.iter().enumerate() {
        let name = split::import_name(u32::try_from(number)?);
        // SAFETY: by this function's contract.
        linker.root().module(&name, unsafe { &(**module).0 })?;
    }
    Ok(linker)
}

/// # Safety
/// The pointers and what they point at are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_new(
    engine: *const Engine,
    component: *const Component,
    kind: i32,
    single: u8,
    modules: *const *const CoreModule,
    module_count: usize,
) -> *mut Linked {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (engine, component) = unsafe { (&*engine, &(*component).0) };
        // SAFETY: by this function's contract.
        let linker = unsafe { linker_with(engine, slice(modules, module_count))? };
        let resolved = resolve(engine, linker, component, kind, 1, single != 0)?;
        Ok(Box::into_raw(Box::new(Linked(Arc::new(resolved)))))
    })
}

/// # Safety
/// The pointers, what they point at and the labels' texts are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_new_composed(
    engine: *const Engine,
    component: *const Component,
    kind: i32,
    labels: *const Label,
    label_count: usize,
    slots: usize,
    modules: *const *const CoreModule,
    module_count: usize,
) -> *mut Linked {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (engine, component) = unsafe { (&*engine, &(*component).0) };
        ensure!(
            (1..=MAX_SLOTS).contains(&slots),
            "{slots} components cannot share a store: at least 1, at most {MAX_SLOTS}"
        );
        // SAFETY: by this function's contract.
        let linker = unsafe {
            let mut linker = linker_with(engine, slice(modules, module_count))?;
            let labels = slice(labels, label_count);
            labels::add_to_linker(&mut linker, labels, slots, engine.concurrency)?;
            linker
        };
        let resolved = resolve(engine, linker, component, kind, slots, false)?;
        Ok(Box::into_raw(Box::new(Linked(Arc::new(resolved)))))
    })
}

/// # Safety
/// `linked` came from this module and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_free(linked: *mut Linked) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(linked) }));
}
