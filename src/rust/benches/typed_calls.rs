//! What calls cost through Wasmtime's own typed bindings: the yardstick of `bench/calls.py`.
//! `typed_calls GUEST.wat` prints lines of "import|import-sync|export SIZE NANOSECONDS": an import
//! that is able to wait, as those of Nimbus are, and one that is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Config, Engine, Result, Store, StoreContextMut, UpdateDeadline};

const LARGEST: usize = 1 << 20;

/// From the beginning of a line of the cache, as in call_costs.cc: else the allocator's luck
/// decides on a tenth of what a copy takes.
fn aligned_content(size: usize) -> Bytes {
    const LINE: usize = 64;
    let content = Bytes::from(vec![7; size + LINE]);
    let start = content.as_ptr().align_offset(LINE);
    content.slice(start..start + size)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn cpu_nanoseconds() -> u64 {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    const THREAD_CPU: i32 = 3;
    let mut time = Time {
        seconds: 0,
        nanoseconds: 0,
    };
    // SAFETY: `time` is laid out as the C library's timespec on 64-bit Linux.
    unsafe { clock_gettime(THREAD_CPU, &mut time) };
    time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
}

/// The least of several rounds, per call.
fn measure(count: u32, mut round: impl FnMut(u32) -> Result<()>) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..8 {
        let start = cpu_nanoseconds();
        round(count)?;
        best = best.min((cpu_nanoseconds() - start) as f64 / f64::from(count));
    }
    Ok(best)
}

/// The settings of Nimbus for components without WASI 0.3.
fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.concurrency_support(false);
    Engine::new(&config)
}

fn instance(
    engine: &Engine,
    component: &Component,
    size: Arc<AtomicUsize>,
    able_to_wait: bool,
) -> Result<(Store<()>, Instance)> {
    let content = aligned_content(LARGEST);
    let answer = move |_key: String| content.slice(..size.load(Ordering::Relaxed));
    let mut linker = Linker::new(engine);
    let mut imports = linker.instance("bench:calls/store")?;
    if able_to_wait {
        imports.func_wrap_async("get", move |_: StoreContextMut<'_, ()>, (key,)| {
            let found = answer(key);
            Box::new(async move { Ok((found,)) })
        })?;
    } else {
        imports.func_wrap("get", move |_: StoreContextMut<'_, ()>, (key,)| {
            Ok((answer(key),))
        })?;
    }
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
    let instance = block_on(linker.instantiate_async(&mut store, component))?;
    Ok((store, instance))
}

fn main() -> Result<()> {
    let path = std::env::args().nth(1).expect("the guest's path");
    let engine = engine()?;
    let component = Component::new(&engine, wat::parse_file(path)?)?;
    let size = Arc::new(AtomicUsize::new(0));
    for (name, able_to_wait) in [("import", true), ("import-sync", false)] {
        let (mut store, instance) = instance(&engine, &component, size.clone(), able_to_wait)?;
        let run = instance.get_typed_func::<(u32,), ()>(&mut store, "run")?;
        for (bytes, count) in [(16, 200_000), (1 << 16, 20_000), (LARGEST, 1_000)] {
            size.store(bytes, Ordering::Relaxed);
            let cost = measure(count, |count| {
                block_on(run.call_async(&mut store, (count,)))
            })?;
            println!("{name} {bytes} {cost:.1}");
        }
    }
    let (mut store, instance) = instance(&engine, &component, size, true)?;
    let echo = instance.get_typed_func::<(Bytes,), (Bytes,)>(&mut store, "echo")?;
    for (bytes, count) in [(16, 50_000), (1 << 16, 10_000)] {
        let content = aligned_content(bytes);
        let cost = measure(count, |count| {
            block_on(async {
                for _ in 0..count {
                    let (returned,) = echo.call_async(&mut store, (content.clone(),)).await?;
                    assert_eq!(returned.len(), bytes);
                }
                Ok(())
            })
        })?;
        println!("export {bytes} {cost:.1}");
    }
    Ok(())
}
