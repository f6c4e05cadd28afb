//! The imports of a component that C++ provides: all that the engine does not have itself.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component as WasmComponent, Linker, LinkerInstance, ResourceType};
use wasmtime::{AsContextMut, Result, bail, format_err};

use super::channels::{Signature, arriving, inlets, outlets};
use super::component::Linked;
use super::config::Engine;
use super::context::Shared;
use super::egress::Hooks;
use super::handlers::{self, Handler};
use super::heads::Held;
use super::host::Host;
use super::import_call::{Answer, Begun};
use super::labels::is_compatible;
use super::raw::{Channel, Lifted, Lowerable, MAX_FLAT, RawLift, RawLower, Recycled, Shape};
use super::rpc_errors;
use crate::abi::{Str, guard_void};
use crate::tools::split;

/// Packages whose interfaces the engine's own linker has.
const BUILT_IN: &[&str] = &[
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// Of one component, so that tables stay small.
const MAX_FUNCTIONS: usize = 10_000;

/// A group of functions that come from one place: an instance, or the world itself.
struct Import {
    /// As in the binary; empty for functions of the world.
    name: String,
    /// The interface it implements; the name itself unless that is a label.
    interface: String,
    /// It takes HTTP requests: they go the way of those that leave, see `handlers`.
    takes_requests: bool,
}

struct Function {
    import: u32,
    wire_name: String,
    is_async: bool,
}

#[derive(Default)]
pub struct ImportTable {
    imports: Vec<Import>,
    functions: Vec<Function>,
    /// Resources that C++ provides; Wasmtime knows them as dynamic types by their positions.
    pub resources: Vec<ResourceType>,
    /// The engine's input streams, which outside are streams of bytes.
    pub inputs: Vec<ResourceType>,
    /// The imports that take requests of WASI 0.3.
    handlers: Vec<u32>,
}

impl ImportTable {
    /// What a store with that context needs to pass requests to them.
    pub fn handlers(&self, context: &Arc<Shared>, held: &Held) -> Vec<Hooks> {
        let to = |import: &u32| Hooks::to_component(context.clone(), held.clone(), *import);
        self.handlers.iter().map(to).collect()
    }
}

fn is_built_in(interface: &str) -> bool {
    let package = interface
        .split_once('/')
        .map_or(interface, |(package, _)| package);
    BUILT_IN.contains(&package)
}

fn is_input_stream(interface: &str, name: &str) -> bool {
    let versioned = interface.split_once('@');
    name == "input-stream"
        && versioned.is_some_and(|(interface, version)| {
            interface == "wasi:io/streams" && is_compatible(version, "0.2.")
        })
}

/// "[method]bucket.get" is "bucket.get" on the wire, a constructor its resource's name.
pub fn wire_name(name: &str) -> &str {
    match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, plain)) => plain,
        None => name,
    }
}

/// The engine's linker with entries for what it has not, and the table of those.
struct Linking<'e> {
    engine: &'e Engine,
    linker: Linker<Host>,
    table: ImportTable,
    /// Those of the engine's own interfaces, as this component names them.
    built_in: Vec<ResourceType>,
    /// That of `wrpc:rpc/error`, likewise.
    rpc_error: Option<ResourceType>,
}

/// Completes a linker that has all that is the engine's.
pub fn link(
    engine: &Engine,
    linker: Linker<Host>,
    component: &WasmComponent,
) -> Result<(Linker<Host>, ImportTable)> {
    let mut linking = Linking {
        engine,
        linker,
        table: ImportTable::default(),
        built_in: Vec::new(),
        rpc_error: None,
    };
    let ty = component.component_type();
    for (name, import) in ty.imports(&engine.wasm) {
        let interface = import.implements.unwrap_or(name);
        match import.ty {
            ComponentItem::ComponentInstance(_) if Handler::of(interface).is_some() => {
                linking.add_handler(name, interface)?;
            }
            ComponentItem::ComponentInstance(_) if is_built_in(interface) => {
                linking.remember_resources(interface, &import.ty);
            }
            ComponentItem::ComponentInstance(instance) if interface == rpc_errors::INTERFACE => {
                for (item, export) in instance.exports(&engine.wasm) {
                    linking.add_rpc_error(name, item, &export.ty)?;
                }
            }
            ComponentItem::ComponentInstance(instance) => {
                for (item, export) in instance.exports(&engine.wasm) {
                    linking.add_item(name, interface, item, &export.ty)?;
                }
            }
            ComponentItem::ComponentFunc(_) | ComponentItem::Resource(_) => {
                linking.add_item("", "", name, &import.ty)?;
            }
            ComponentItem::Type(_) => {}
            // The linker has it.
            ComponentItem::Module(_) if split::is_import_name(name) => {}
            _ => bail!("the component imports `{name}`, which is not a function or an instance"),
        }
    }
    Ok((linking.linker, linking.table))
}

impl Linking<'_> {
    fn remember_resources(&mut self, interface: &str, item: &ComponentItem) {
        let ComponentItem::ComponentInstance(instance) = item else {
            return;
        };
        for (name, export) in instance.exports(&self.engine.wasm) {
            if let ComponentItem::Resource(resource) = export.ty {
                self.built_in.push(resource);
                if is_input_stream(interface, name) {
                    self.table.inputs.push(resource);
                }
            }
        }
    }

    fn add_rpc_error(&mut self, import: &str, name: &str, item: &ComponentItem) -> Result<()> {
        match item {
            ComponentItem::Resource(resource) if self.built_in.contains(resource) => Ok(()),
            ComponentItem::Resource(resource) => {
                self.rpc_error = Some(*resource);
                rpc_errors::add_resource(&mut self.linker.instance(import)?, name)
            }
            ComponentItem::ComponentFunc(function) => rpc_errors::add_function(
                &mut self.linker.instance(import)?,
                name,
                function,
                self.rpc_error.as_ref(),
                &self.built_in,
            ),
            ComponentItem::Type(_) => Ok(()),
            _ => bail!("the import `{import}` has `{name}`, which is not a function or a type"),
        }
    }

    fn add_handler(&mut self, name: &str, interface: &str) -> Result<()> {
        let import = self.add_import(name, interface);
        self.table.imports[import as usize].takes_requests = true;
        let mut instance = self.linker.instance(name)?;
        match Handler::of(interface) {
            Some(Handler::P3) if self.engine.concurrency => {
                let position = self.table.handlers.len();
                self.table.handlers.push(import);
                handlers::add_p3(&mut instance, position)
            }
            Some(Handler::P2) => handlers::add_p2(&mut instance, import),
            _ => bail!("the import `{name}` needs WASI 0.3, which this engine was made without"),
        }
    }

    fn add_import(&mut self, name: &str, interface: &str) -> u32 {
        let imports = &mut self.table.imports;
        if let Some(known) = imports.iter().position(|import| import.name == name) {
            return known as u32;
        }
        imports.push(Import {
            name: name.to_owned(),
            interface: interface.to_owned(),
            takes_requests: false,
        });
        (imports.len() - 1) as u32
    }

    fn add_item(
        &mut self,
        import: &str,
        interface: &str,
        name: &str,
        item: &ComponentItem,
    ) -> Result<()> {
        match item {
            ComponentItem::Resource(resource) => {
                // One that another interface defined needs no entry of its own.
                if self.built_in.contains(resource)
                    || self.table.resources.contains(resource)
                    || self.rpc_error.as_ref() == Some(resource)
                {
                    return Ok(());
                }
                let import = self.add_import(import, interface);
                self.add_resource(import, name, *resource)
            }
            ComponentItem::ComponentFunc(function) => {
                let index = self.add_import(import, interface);
                self.add_function(index, name, function).map_err(|error| {
                    error.context(format!("the import `{import}` with its function `{name}`"))
                })
            }
            ComponentItem::Type(_) => Ok(()),
            _ => bail!("the import `{import}` has `{name}`, which is not a function or a type"),
        }
    }

    fn linker_instance(&mut self, import: u32) -> Result<LinkerInstance<'_, Host>> {
        match self.table.imports[import as usize].name.as_str() {
            "" => Ok(self.linker.root()),
            name => self.linker.instance(name),
        }
    }

    fn add_resource(&mut self, import: u32, name: &str, resource: ResourceType) -> Result<()> {
        let ty = ResourceType::host_dynamic(self.table.resources.len() as u32);
        self.table.resources.push(resource);
        self.linker_instance(import)?
            .resource(name, ty, move |mut store, rep| {
                store.data_mut().imports.drop_resource(import, rep);
                Ok(())
            })
    }

    fn add_function(&mut self, import: u32, name: &str, function: &ComponentFunc) -> Result<()> {
        if self.table.functions.len() >= MAX_FUNCTIONS {
            bail!("the component imports more than {MAX_FUNCTIONS} functions");
        }
        let inputs = &self.table.inputs;
        let params = Shape::tuple(function.params().map(|(_, ty)| ty), inputs)?;
        let results = Shape::tuple(function.results(), inputs)?;
        let can_fail = rpc_errors::can_fail(function, self.rpc_error.as_ref());
        self.check(&params, false)?;
        self.check(&results, can_fail)?;
        let mut entry = Entry {
            index: self.table.functions.len() as u32,
            is_async: function.async_(),
            channels: None,
            fallible: None,
        };
        self.table.functions.push(Function {
            import,
            wire_name: wire_name(name).to_owned(),
            is_async: function.async_(),
        });
        let (taken, returned) = (params.flat_count(), results.flat_count());
        if can_fail {
            let results = Shape::tuple(function.results(), &self.table.inputs)?;
            entry.fallible = Some(Arc::new(results));
        }
        if params.has_channels() || results.has_channels() {
            entry.channels = Some(Arc::new(Signature { params, results }));
        }
        let mut instance = self.linker_instance(import)?;
        match returned {
            0 => entry.add_by_params::<0>(&mut instance, name, taken),
            _ => entry.add_by_params::<1>(&mut instance, name, taken),
        }
    }

    /// `can_fail`: an error of a call may stand in it, which does not cross.
    fn check(&self, shape: &Shape, can_fail: bool) -> Result<()> {
        let foreign = shape.any(&mut |shape| match shape {
            Shape::Own(resource) if can_fail && self.rpc_error.as_ref() == Some(resource) => false,
            Shape::Own(resource) | Shape::Borrow(resource) => {
                !self.table.resources.contains(resource)
            }
            _ => false,
        });
        if foreign {
            bail!("a resource of another provider cannot cross");
        }
        shape.check_channels()
    }
}

/// One function on its way into the linker.
struct Entry {
    index: u32,
    is_async: bool,
    /// If there are streams or futures in it.
    channels: Option<Arc<Signature>>,
    /// The results, if they can be an error of the call itself.
    fallible: Option<Arc<Shape>>,
}

/// How a call ended, as the guest is to see it.
fn seen(ended: Result<Answer>, fallible: Option<&Arc<Shape>>) -> Result<Answer> {
    match fallible {
        None => ended,
        Some(results) => Ok(rpc_errors::result_of(ended, results)),
    }
}

impl Entry {
    fn add_by_params<const R: usize>(
        self,
        instance: &mut LinkerInstance<'_, Host>,
        name: &str,
        flat_count: usize,
    ) -> Result<()> {
        macro_rules! by_count {
            ($($count:literal)*) => {
                match flat_count {
                    $($count => self.add::<$count, R>(instance, name),)*
                    // Through memory.
                    _ => self.add::<1, R>(instance, name),
                }
            };
        }
        const { assert!(MAX_FLAT == 16) };
        by_count!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    }

    fn add<const P: usize, const R: usize>(
        self,
        instance: &mut LinkerInstance<'_, Host>,
        name: &str,
    ) -> Result<()> {
        let Entry {
            index,
            is_async,
            channels,
            fallible,
        } = self;
        if is_async {
            return instance.func_wrap_concurrent(name, move |accessor, params| {
                let mut params: RawLift<P, false> = params;
                let begun =
                    accessor.with(|store| begin(store, index, channels.as_deref(), &mut params.0));
                let (channels, fallible) = (channels.clone(), fallible.clone());
                Box::pin(async move {
                    let ended = match begun {
                        Begun::Ready(answer) => answer,
                        Begun::Pending(call) => call.await,
                    };
                    let answer = seen(ended, fallible.as_ref())?;
                    let inlets = match &channels {
                        None => Vec::new(),
                        Some(channels) => {
                            accessor.with(|store| receive(store, channels, &answer))?
                        }
                    };
                    Ok(results::<R>(answer, inlets))
                })
            });
        }
        instance.func_wrap_async(name, move |mut store, params| {
            let mut params: RawLift<P, false> = params;
            let begun = begin(&mut store, index, channels.as_deref(), &mut params.0);
            if channels.is_some() || fallible.is_some() {
                let (channels, fallible) = (channels.clone(), fallible.clone());
                return Box::new(async move {
                    let ended = match begun {
                        Begun::Ready(answer) => answer,
                        Begun::Pending(call) => call.await,
                    };
                    let answer = seen(ended, fallible.as_ref())?;
                    let inlets = match &channels {
                        None => Vec::new(),
                        Some(channels) => receive(store, channels, &answer)?,
                    };
                    Ok(results::<R>(answer, inlets))
                });
            }
            match begun {
                Begun::Ready(answer) => {
                    READY.set(Some(answer.map(|answer| answer.values)));
                    Box::new(Ready::<R>)
                }
                Begun::Pending(call) => {
                    Box::new(async move { call.await.map(|answer| RawLower(answer.values)) })
                }
            }
        })
    }
}

thread_local! {
    /// What a call that ended at once has returned, until the engine polls its future: at once too,
    /// and on the same thread.
    static READY: Cell<Option<Result<Recycled<Lowerable>>>> = const { Cell::new(None) };
}

/// Of no size, so that boxing it allocates nothing.
struct Ready<const R: usize>;

impl<const R: usize> Future for Ready<R> {
    type Output = Result<RawLower<R, false>>;

    fn poll(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let values = READY.take();
        let values = values.unwrap_or_else(|| Err(format_err!("internal: no result of an import")));
        Poll::Ready(values.map(RawLower))
    }
}

fn begin(
    mut store: impl AsContextMut<Data = Host>,
    index: u32,
    channels: Option<&Signature>,
    params: &mut Lifted,
) -> Begun {
    if let Some(channels) = channels {
        match outlets(&mut store, &channels.params, params) {
            Ok(outlets) => store.as_context_mut().data_mut().imports.announce(outlets),
            Err(error) => return Begun::Ready(Err(error)),
        }
    }
    let mut store = store.as_context_mut();
    store.data_mut().imports.begin(index, params)
}

fn receive(
    store: impl AsContextMut<Data = Host>,
    channels: &Signature,
    answer: &Answer,
) -> Result<Vec<(Channel, usize)>> {
    let arriving = arriving(&channels.results, &answer.values.data, &answer.channels)?;
    inlets(store, arriving)
}

fn results<const R: usize>(answer: Answer, channels: Vec<(Channel, usize)>) -> RawLower<R, false> {
    let mut values = answer.values;
    values.channels = channels;
    RawLower(values)
}

/// See `NimbusImport`.
#[repr(C)]
pub struct ImportNames {
    name: Str,
    interface: Str,
    takes_requests: u8,
}

/// See `NimbusImportFunction`.
#[repr(C)]
pub struct ImportFunction {
    wire_name: Str,
    import: u32,
    is_async: u8,
}

const _: () = {
    assert!(size_of::<ImportNames>() == 40);
    assert!(size_of::<ImportFunction>() == 24);
};

/// # Safety
/// `linked` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_import_count(linked: *const Linked) -> usize {
    // SAFETY: by this function's contract.
    unsafe { &*linked }.0.imports.imports.len()
}

/// # Safety
/// `linked` is alive, `index` is below the count, and `out` has room for one import.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_import(
    linked: *const Linked,
    index: usize,
    out: *mut ImportNames,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let linked = unsafe { &*linked };
        let import = &linked.0.imports.imports[index];
        let found = ImportNames {
            name: Str::of(import.name.as_bytes()),
            interface: Str::of(import.interface.as_bytes()),
            takes_requests: import.takes_requests.into(),
        };
        // SAFETY: as above.
        unsafe { out.write(found) };
    });
}

/// # Safety
/// `linked` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_function_count(linked: *const Linked) -> usize {
    // SAFETY: by this function's contract.
    unsafe { &*linked }.0.imports.functions.len()
}

/// # Safety
/// `linked` is alive, `index` is below the count, and `out` has room for one function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_function(
    linked: *const Linked,
    index: usize,
    out: *mut ImportFunction,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let linked = unsafe { &*linked };
        let table = &linked.0.imports;
        let function = &table.functions[index];
        let found = ImportFunction {
            wire_name: Str::of(function.wire_name.as_bytes()),
            import: function.import,
            is_async: function.is_async.into(),
        };
        // SAFETY: as above.
        unsafe { out.write(found) };
    });
}
