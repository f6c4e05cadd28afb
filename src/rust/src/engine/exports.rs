//! The exports of a component, and calling one of them on an instance.

use std::future::Future;
use std::pin::Pin;

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{
    Accessor, Component as WasmComponent, ComponentExportIndex, Instance, ResourceType, TypedFunc,
};
use wasmtime::{Engine as WasmEngine, Result, Store, bail, format_err};

use super::component::Linked;
use super::host::Host;
use super::imports::{ImportTable, wire_name};
use super::raw::{Lifted, Lowerable, MAX_FLAT, RawLift, RawLower, Recycled, Shape};
use crate::abi::{Str, guard_void};

/// What a function takes and returns; or why it cannot be called.
type Signature = Result<(Shape, Shape), String>;

pub struct Export {
    /// As in the binary; empty for functions of the world.
    instance: String,
    wire_name: String,
    index: ComponentExportIndex,
    signature: Signature,
    /// Whether streams or futures are among the parameters.
    pub takes_channels: bool,
    /// Whether resources of providers of the component's imports are among the parameters.
    takes_provided: bool,
}

/// All functions that a component exports, and the resources that it defines.
#[derive(Default)]
pub struct ExportTable {
    pub functions: Vec<Export>,
    resources: Vec<(ResourceType, ComponentExportIndex)>,
    /// Those that it only passes on.
    imported: Vec<ResourceType>,
    /// Those of them that C++ provides, by their dynamic types.
    provided: Vec<ResourceType>,
    /// Those of them that are input streams.
    inputs: Vec<ResourceType>,
}

impl ExportTable {
    pub fn of(engine: &WasmEngine, component: &WasmComponent, from: &ImportTable) -> ExportTable {
        let mut table = ExportTable {
            provided: from.resources.clone(),
            inputs: from.inputs.clone(),
            ..ExportTable::default()
        };
        let ty = component.component_type();
        for (_, import) in ty.imports(engine) {
            match import.ty {
                ComponentItem::Resource(resource) => table.imported.push(resource),
                ComponentItem::ComponentInstance(instance) => {
                    for (_, item) in instance.exports(engine) {
                        if let ComponentItem::Resource(resource) = item.ty {
                            table.imported.push(resource);
                        }
                    }
                }
                _ => {}
            }
        }
        for (name, export) in ty.exports(engine) {
            let Some(index) = component.get_export_index(None, name) else {
                continue;
            };
            match export.ty {
                ComponentItem::ComponentInstance(instance) => {
                    // Resources first: functions are judged by them.
                    let items: Vec<_> = instance.exports(engine).collect();
                    for functions in [false, true] {
                        for (item, export) in &items {
                            let is_function = matches!(export.ty, ComponentItem::ComponentFunc(_));
                            let found = component.get_export_index(Some(&index), item);
                            if let Some(found) = found.filter(|_| is_function == functions) {
                                table.add(name, item, found, &export.ty);
                            }
                        }
                    }
                }
                item => table.add("", name, index, &item),
            }
        }
        table
    }

    fn add(
        &mut self,
        instance: &str,
        name: &str,
        index: ComponentExportIndex,
        item: &ComponentItem,
    ) {
        match item {
            ComponentItem::Resource(resource) if self.imported.contains(resource) => {}
            ComponentItem::Resource(resource) => self.resources.push((*resource, index)),
            ComponentItem::ComponentFunc(function) => {
                let signature = self.signature(function);
                let takes_channels = signature
                    .as_ref()
                    .is_ok_and(|(params, _)| params.has_channels());
                let takes_provided = signature.as_ref().is_ok_and(|(params, _)| {
                    params.any(&mut |shape| {
                        matches!(shape, Shape::Own(resource) if self.provided(resource).is_some())
                    })
                });
                self.functions.push(Export {
                    takes_channels,
                    takes_provided,
                    instance: instance.to_owned(),
                    wire_name: wire_name(name).to_owned(),
                    index,
                    signature: signature.map_err(|error| format!("{error:#}")),
                });
            }
            _ => {}
        }
    }

    fn signature(&self, function: &ComponentFunc) -> Result<(Shape, Shape)> {
        let params = Shape::tuple(function.params().map(|(_, ty)| ty), &self.inputs)?;
        let results = Shape::tuple(function.results(), &self.inputs)?;
        for (shape, is_params) in [(&params, true), (&results, false)] {
            let foreign = shape.any(&mut |shape| match shape {
                Shape::Own(resource) if is_params && self.provided(resource).is_some() => false,
                Shape::Own(resource) | Shape::Borrow(resource) => {
                    !self.resources.iter().any(|(known, _)| known == resource)
                }
                _ => false,
            });
            if foreign {
                bail!("a resource of another provider cannot cross");
            }
            shape.check_channels()?;
        }
        Ok((params, results))
    }

    /// The dynamic type of a resource that C++ provides.
    pub fn provided(&self, resource: &ResourceType) -> Option<u32> {
        let found = self.provided.iter().position(|known| known == resource);
        found.map(|index| index as u32)
    }
}

impl Export {
    pub fn params(&self) -> Result<&Shape> {
        match &self.signature {
            Ok((params, _)) => Ok(params),
            Err(why) => Err(format_err!("{why}")),
        }
    }

    pub fn results(&self) -> Result<&Shape> {
        match &self.signature {
            Ok((_, results)) => Ok(results),
            Err(why) => Err(format_err!("{why}")),
        }
    }
}

/// The resources of a component as one instance of it has them.
pub struct ResourceTypes(Vec<(ResourceType, ResourceType)>);

impl ResourceTypes {
    pub fn of(table: &ExportTable, instance: &Instance, store: &mut Store<Host>) -> ResourceTypes {
        let pairs = table.resources.iter().filter_map(|(declared, index)| {
            Some((*declared, instance.get_resource(&mut *store, *index)?))
        });
        ResourceTypes(pairs.collect())
    }

    /// What a handle of the declared type must be.
    pub fn actual(&self, declared: &ResourceType) -> Option<ResourceType> {
        let found = self.0.iter().find(|(known, _)| known == declared);
        found.map(|(_, actual)| *actual)
    }
}

/// Values for a function.
pub type Params = Recycled<Lowerable>;

/// What a function returned.
pub type Called<'a> = Pin<Box<dyn Future<Output = Result<Recycled<Lifted>>> + 'a>>;

/// A function of one instance, whatever it returns.
pub trait Callable {
    fn call<'a>(&'a self, store: &'a mut Store<Host>, params: Params) -> Called<'a>;
    fn call_concurrent<'a>(&'a self, accessor: &'a Accessor<Host>, params: Params) -> Called<'a>;
}

pub struct Typed<const N: usize>(TypedFunc<RawLower<MAX_FLAT, true>, RawLift<N, true>>);

impl<const N: usize> Typed<N> {
    async fn call_directly(
        &self,
        store: &mut Store<Host>,
        params: Params,
    ) -> Result<Recycled<Lifted>> {
        Ok(self.0.call_async(store, RawLower(params)).await?.0)
    }
}

impl<const N: usize> Callable for Typed<N> {
    fn call<'a>(&'a self, store: &'a mut Store<Host>, params: Params) -> Called<'a> {
        Box::pin(self.call_directly(store, params))
    }

    fn call_concurrent<'a>(&'a self, accessor: &'a Accessor<Host>, params: Params) -> Called<'a> {
        let called = self.0.call_concurrent(accessor, RawLower(params));
        Box::pin(async move { Ok(called.await?.0) })
    }
}

/// A function of one instance. The usual ones are called without a future on the heap.
pub enum Function {
    NoResult(Typed<0>),
    OneResult(Typed<1>),
    /// A list or a string, often.
    TwoResults(Typed<2>),
    Other(Box<dyn Callable>),
}

impl Function {
    pub async fn call(&self, store: &mut Store<Host>, params: Params) -> Result<Recycled<Lifted>> {
        match self {
            Function::NoResult(function) => function.call_directly(store, params).await,
            Function::OneResult(function) => function.call_directly(store, params).await,
            Function::TwoResults(function) => function.call_directly(store, params).await,
            Function::Other(function) => function.call(store, params).await,
        }
    }

    pub fn call_concurrent<'a>(
        &'a self,
        accessor: &'a Accessor<Host>,
        params: Params,
    ) -> Called<'a> {
        match self {
            Function::NoResult(function) => function.call_concurrent(accessor, params),
            Function::OneResult(function) => function.call_concurrent(accessor, params),
            Function::TwoResults(function) => function.call_concurrent(accessor, params),
            Function::Other(function) => function.call_concurrent(accessor, params),
        }
    }
}

/// Looks the function up in an instance.
pub fn callable(
    export: &Export,
    instance: &Instance,
    mut store: impl wasmtime::AsContextMut<Data = Host>,
) -> Result<Function> {
    let Ok((_, results)) = &export.signature else {
        bail!("the function cannot be called");
    };
    let Some(function) = instance.get_func(&mut store, export.index) else {
        bail!("the instance has no such function");
    };
    macro_rules! by_count {
        ($($count:literal)*) => {
            match results.flat_count() {
                0 => Function::NoResult(Typed(function.typed(&store)?)),
                2 => Function::TwoResults(Typed(function.typed(&store)?)),
                $($count => {
                    Function::Other(Box::new(Typed::<$count>(function.typed(&store)?)))
                })*
                // One, or many through memory.
                _ => Function::OneResult(Typed(function.typed(&store)?)),
            }
        };
    }
    const { assert!(MAX_FLAT == 16) };
    Ok(by_count!(3 4 5 6 7 8 9 10 11 12 13 14 15 16))
}

/// See `NimbusExportFunction`.
#[repr(C)]
pub struct ExportFunction {
    instance: Str,
    wire_name: Str,
    refused: Str,
    takes_provided: u8,
}

const _: () = assert!(size_of::<ExportFunction>() == 56);

/// # Safety
/// `linked` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_export_count(linked: *const Linked) -> usize {
    // SAFETY: by this function's contract.
    unsafe { &*linked }.0.exports.functions.len()
}

/// # Safety
/// `linked` is alive, `index` is below the count, and `out` has room for one function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_linked_export(
    linked: *const Linked,
    index: usize,
    out: *mut ExportFunction,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let linked = unsafe { &*linked };
        let export = &linked.0.exports.functions[index];
        let refused = export.signature.as_ref().err().map_or("", String::as_str);
        let found = ExportFunction {
            instance: Str::of(export.instance.as_bytes()),
            wire_name: Str::of(export.wire_name.as_bytes()),
            refused: Str::of(refused.as_bytes()),
            takes_provided: export.takes_provided.into(),
        };
        // SAFETY: as above.
        unsafe { out.write(found) };
    });
}
