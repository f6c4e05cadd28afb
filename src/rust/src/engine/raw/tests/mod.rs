//! Raw lifting and lowering against Wasmtime's `Val`, through a codec that shares nothing with it.
//! One side at a time: what goes in as `Val` comes out as bytes, and the other way round, so that
//! two mistakes cannot cancel each other.

mod codec;
mod guest;
mod inputs;
mod malformed;
mod random;
mod refused;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{Component, Linker, LinkerInstance, Val};
use wasmtime::{Config, Engine, Store, StoreContextMut};

use super::{Data, RawLift, RawLower, Shape};
use codec::{decode, encode, same};
use random::{Random, value};

type Seen<T> = Arc<Mutex<T>>;

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

fn plain_engine() -> Engine {
    let mut config = Config::new();
    config.concurrency_support(false);
    Engine::new(&config).unwrap()
}

/// The type of each function's parameter, by the function's number.
fn types_of(engine: &Engine, component: &Component, count: usize) -> Vec<Type> {
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
fn echo_raw(
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
                    seen.lock().unwrap().clone_from(&params.0.bytes);
                    let data = Data::copy_of(&params.0.bytes);
                    Ok(RawLower::<1, false>(data.into()))
                },
            )
            .unwrap();
    });
}

/// One that does the same with `Val`.
fn echo_val(instance: &mut LinkerInstance<'_, ()>, name: &str, seen: Seen<Option<Val>>) {
    instance
        .func_new(name, move |_, _, params, results| {
            *seen.lock().unwrap() = Some(params[0].clone());
            results[0] = params[0].clone();
            Ok(())
        })
        .unwrap();
}

struct Guest {
    store: Store<()>,
    instance: wasmtime::component::Instance,
}

impl Guest {
    fn new(component: &Component, linker: &Linker<()>) -> Guest {
        let mut store = Store::new(component.engine(), ());
        let instance = linker.instantiate(&mut store, component).unwrap();
        Guest { store, instance }
    }

    fn function(&mut self, index: usize) -> wasmtime::component::Func {
        let name = format!("e{index}");
        self.instance.get_func(&mut self.store, name).unwrap()
    }

    fn call_val(&mut self, index: usize, value: &Val) -> Val {
        let mut results = [Val::Bool(false)];
        let function = self.function(index);
        function
            .call(&mut self.store, std::slice::from_ref(value), &mut results)
            .unwrap();
        let [result] = results;
        result
    }

    fn call_raw(
        &mut self,
        index: usize,
        flat_count: usize,
        bytes: &[u8],
    ) -> wasmtime::Result<Vec<u8>> {
        let function = self.function(index);
        let params = RawLower::<16, true>(Data::copy_of(bytes).into());
        with_count!(flat_count, N, {
            let typed = function.typed::<RawLower<16, true>, RawLift<N, true>>(&self.store)?;
            Ok(typed.call(&mut self.store, params)?.0.bytes.clone())
        })
    }
}

#[test]
fn every_type_crosses_as_val_says() {
    cross_as_val_says(0x1234_5678_9abc_def1);
}

/// The same as a fuzz target: other values each time, for `NIMBUS_FUZZ_SECONDS`.
#[test]
#[ignore = "takes a minute"]
fn values_of_any_seed_cross_as_val_says() {
    let seconds = std::env::var("NIMBUS_FUZZ_SECONDS").map_or(60, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut seeds = Random::new(now.as_nanos() as u64 | 1);
    while Instant::now() < end {
        let seed = seeds.next();
        println!("seed {seed:#x}"); // shown if it fails
        cross_as_val_says(seed);
    }
}

fn cross_as_val_says(seed: u64) {
    let engine = plain_engine();
    let mut random = Random::new(seed);
    let types = guest::types();
    let declared = guest::compile(&engine, &guest::declarations(&types));
    let types = types_of(&engine, &declared, types.len());
    for encoding in ["utf8", "utf16", "latin1+utf16"] {
        let component = guest::compile(&engine, &guest::text(&types, encoding));
        compare(&engine, &component, &types, &mut random);
    }
}

fn compare(engine: &Engine, component: &Component, types: &[Type], random: &mut Random) {
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
    let mut raw = Guest::new(component, &raw);
    let mut val = Guest::new(component, &val);
    for (index, ty) in types.iter().enumerate() {
        for _ in 0..40 {
            let expected = value(ty, random);
            let mut encoded = Vec::new();
            encode(ty, &expected, &mut encoded);

            // Val → guest → bytes at the import; bytes from the import → guest → Val.
            let returned = raw.call_val(index, &expected);
            assert_eq!(
                *seen_raw.lock().unwrap(),
                encoded,
                "lifted {ty:?} {expected:?}"
            );
            assert!(
                same(&returned, &expected),
                "lowered {returned:?} {expected:?}"
            );
            let mut rest = encoded.as_slice();
            assert!(same(&decode(ty, &mut rest), &expected) && rest.is_empty());

            // Bytes → guest → Val at the import; Val from the import → guest → bytes.
            let count = shapes[index].flat_count();
            let returned = val.call_raw(index, count, &encoded).unwrap();
            let seen = seen_val.lock().unwrap().take().unwrap();
            assert!(same(&seen, &expected), "lowered {seen:?} {expected:?}");
            assert_eq!(returned, encoded, "lifted {ty:?} {expected:?}");
        }
    }
}
