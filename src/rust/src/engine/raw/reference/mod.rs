//! Raw lifting and lowering beside Wasmtime's `Val`, through a codec that shares nothing with it:
//! for tests and the fuzz target. One side at a time: what goes in as `Val` comes out as bytes, and
//! the other way round, so that two mistakes cannot cancel each other.

pub mod codec;
pub mod guest;
pub mod random;

use std::sync::{Arc, Mutex};

use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{Component, Linker, LinkerInstance, Val};
use wasmtime::{Config, Engine, Store, StoreContextMut};

use super::reader::Reader;
use super::{Data, RawLift, RawLower, Shape};
use codec::{decode, encode, same};

pub type Seen<T> = Arc<Mutex<T>>;

/// Runs `$body` with a constant `$n` that equals `$count`.
macro_rules! with_count {
    ($count:expr, $n:ident, $body:expr) => {
        with_count!(@ $count, $n, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    };
    (@ $count:expr, $n:ident, $body:expr, $($each:literal)*) => {
        match $count {
            $($each => { const $n: usize = $each; $body })*
            _ => { const $n: usize = 1; $body }
        }
    };
}

pub fn plain_engine() -> Engine {
    let mut config = Config::new();
    config.concurrency_support(false);
    Engine::new(&config).unwrap()
}

/// The type of each function's parameter, by the function's number.
pub fn types_of(engine: &Engine, component: &Component, count: usize) -> Vec<Type> {
    let ty = component.component_type();
    let import = ty.get_import(engine, "t").unwrap();
    let ComponentItem::ComponentInstance(instance) = import.ty else {
        panic!("an instance");
    };
    let type_of = |index: usize| {
        let function = instance.get_export(engine, &format!("i{index}")).unwrap();
        let ComponentItem::ComponentFunc(function) = function.ty else {
            panic!("a function");
        };
        function.params().next().unwrap().1
    };
    (0..count).map(type_of).collect()
}

/// An import that writes down the bytes it was called with, and returns them.
pub fn echo_raw(
    instance: &mut LinkerInstance<'_, ()>,
    name: &str,
    flat_count: usize,
    seen: Seen<Vec<u8>>,
) {
    with_count!(flat_count, N, {
        instance
            .func_wrap(
                name,
                move |_: StoreContextMut<()>, params: RawLift<N, false>| {
                    *seen.lock().unwrap() = params.0.wire().to_vec();
                    let data = Data::copy_of(params.0.wire());
                    Ok(RawLower::<1, false>(data.into()))
                },
            )
            .unwrap();
    });
}

/// One that does the same with `Val`.
pub fn echo_val(instance: &mut LinkerInstance<'_, ()>, name: &str, seen: Seen<Option<Val>>) {
    instance
        .func_new(name, move |_, _, params, results| {
            *seen.lock().unwrap() = Some(params[0].clone());
            results[0] = params[0].clone();
            Ok(())
        })
        .unwrap();
}

/// An instance that passes on what it is called with: see `guest`.
pub struct Guest {
    pub store: Store<()>,
    instance: wasmtime::component::Instance,
}

impl Guest {
    pub fn new(component: &Component, linker: &Linker<()>) -> Guest {
        let mut store = Store::new(component.engine(), ());
        let instance = linker.instantiate(&mut store, component).unwrap();
        Guest { store, instance }
    }

    pub fn function(&mut self, index: usize) -> wasmtime::component::Func {
        let name = format!("e{index}");
        self.instance.get_func(&mut self.store, name).unwrap()
    }

    pub fn call_val(&mut self, index: usize, value: &Val) -> Val {
        let mut results = [Val::Bool(false)];
        let function = self.function(index);
        function
            .call(&mut self.store, std::slice::from_ref(value), &mut results)
            .unwrap();
        let [result] = results;
        result
    }

    pub fn call_raw(
        &mut self,
        index: usize,
        flat_count: usize,
        bytes: &[u8],
    ) -> wasmtime::Result<Vec<u8>> {
        let function = self.function(index);
        let params = RawLower::<16, true>(Data::copy_of(bytes).into());
        with_count!(flat_count, N, {
            let typed = function.typed::<RawLower<16, true>, RawLift<N, true>>(&self.store)?;
            Ok(typed.call(&mut self.store, params)?.0.wire().to_vec())
        })
    }
}

/// Whether bytes pass the check that comes before a guest is entered.
pub fn checks(shape: &Shape, bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes, &[]);
    let checked = shape.check(&mut reader, &mut |_, _| panic!("no handles"));
    checked.and_then(|()| reader.end()).is_ok()
}

/// The types of `guest`, with their numbers.
pub fn all_types(engine: &Engine) -> Vec<Type> {
    let texts = guest::types();
    let declared = guest::compile(engine, &guest::declarations(&texts));
    types_of(engine, &declared, texts.len())
}

/// Two instances of one guest: one whose imports are raw, and one whose imports are `Val`. The
/// exports of the first are called with `Val`, those of the second raw.
pub struct Comparison {
    types: Vec<Type>,
    shapes: Vec<Shape>,
    component: Component,
    val_linker: Linker<()>,
    raw: Guest,
    val: Guest,
    seen_raw: Seen<Vec<u8>>,
    seen_val: Seen<Option<Val>>,
}

impl Comparison {
    /// `encoding`: that of the guest's strings.
    pub fn new(engine: &Engine, types: &[Type], encoding: &str) -> Comparison {
        let component = guest::compile(engine, &guest::text(types, encoding));
        let seen_raw = Seen::<Vec<u8>>::default();
        let seen_val = Seen::<Option<Val>>::default();
        let (mut raw, mut val) = (Linker::new(engine), Linker::new(engine));
        let shapes: Vec<Shape> = types.iter().map(|ty| Shape::of(ty, &[]).unwrap()).collect();
        for (index, shape) in shapes.iter().enumerate() {
            let name = format!("i{index}");
            let mut instance = raw.instance("t").unwrap();
            echo_raw(&mut instance, &name, shape.flat_count(), seen_raw.clone());
            echo_val(&mut val.instance("t").unwrap(), &name, seen_val.clone());
        }
        Comparison {
            types: types.to_vec(),
            shapes,
            raw: Guest::new(&component, &raw),
            val: Guest::new(&component, &val),
            component,
            val_linker: val,
            seen_raw,
            seen_val,
        }
    }

    /// A value of the type with that number crosses as `Val` says.
    pub fn value(&mut self, index: usize, expected: &Val) {
        let ty = &self.types[index];
        let mut encoded = Vec::new();
        encode(ty, expected, &mut encoded);
        assert!(checks(&self.shapes[index], &encoded));

        // Val → guest → bytes at the import; bytes from the import → guest → Val.
        let returned = self.raw.call_val(index, expected);
        let seen = std::mem::take(&mut *self.seen_raw.lock().unwrap());
        assert_eq!(seen, encoded, "lifted {ty:?} {expected:?}");
        assert!(
            same(&returned, expected),
            "lowered {returned:?} {expected:?}"
        );
        let mut rest = encoded.as_slice();
        assert!(same(&decode(ty, &mut rest), expected) && rest.is_empty());

        // Bytes → guest → Val at the import; Val from the import → guest → bytes.
        let count = self.shapes[index].flat_count();
        let returned = self.val.call_raw(index, count, &encoded).unwrap();
        let seen = self.seen_val.lock().unwrap().take().unwrap();
        assert!(same(&seen, expected), "lowered {seen:?} {expected:?}");
        assert_eq!(returned, encoded, "lifted {ty:?} {expected:?}");
    }

    /// Bytes that may be an encoding of that type: lowering agrees with the check about that, and
    /// if they are one, with the codec about the value. Whether they were one.
    pub fn bytes(&mut self, index: usize, bytes: &[u8]) -> bool {
        let (ty, shape) = (&self.types[index], &self.shapes[index]);
        let accepted = checks(shape, bytes);
        let lowered = self.val.call_raw(index, shape.flat_count(), bytes);
        assert_eq!(accepted, lowered.is_ok(), "{ty:?} {bytes:?} {lowered:?}");
        let Ok(returned) = lowered else {
            // Its instance is of no use any more.
            self.val = Guest::new(&self.component, &self.val_linker);
            return false;
        };
        let seen = self.seen_val.lock().unwrap().take().unwrap();
        let mut rest = bytes;
        let decoded = decode(ty, &mut rest);
        assert!(rest.is_empty(), "{ty:?} {bytes:?}");
        // Encoded again, because a NaN has many forms until then.
        let (mut as_seen, mut as_decoded) = (Vec::new(), Vec::new());
        encode(ty, &seen, &mut as_seen);
        encode(ty, &decoded, &mut as_decoded);
        assert_eq!(as_seen, as_decoded, "{ty:?} {bytes:?}");
        assert_eq!(returned, as_decoded, "{ty:?} {bytes:?}");
        true
    }
}
