//! Engines: configuration, epoch, fingerprint, and the linker with everything WASI.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, Engine as WasmEngine, Inlining, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

use super::body_results;
use super::budget::{Budget, Total};
use super::function_cache::FunctionCache;
use super::host::Host;
use super::{files, heads, lookup, sockets};
use crate::abi::{guard, guard_void};

#[repr(C)]
pub struct EngineConfig {
    concurrency: u8,
    pooling: u8,
    pagemap_scan: u8,
    inlining: u8,
    instances: u32,
    core_instances: u32,
    memories: u32,
    tables: u32,
    table_elements: u32,
    proposals: u32,
    max_memory_bytes: u64,
    memory_keep_bytes: u64,
    table_keep_bytes: u64,
    stack_keep_bytes: u64,
    stack_bytes: u64,
    function_cache_bytes: u64,
    parts_per_component: u64,
}

const _: () = assert!(size_of::<EngineConfig>() == 88);

/// Of `proposals`.
const WIDE_ARITHMETIC: u32 = 1;
const COMPONENT_MODEL_MAP: u32 = 2;

pub struct Engine {
    pub wasm: WasmEngine,
    /// Of engines that compile for this one, and have no pools: a compiler keeps the working memory
    /// of every function of the largest component that it has seen, so each is for one component.
    pub compiling: Config,
    pub linker: Linker<Host>,
    pub concurrency: bool,
    pub total: Arc<Total>,
}

/// The small Tokio runtime behind WASI's timers, sockets and files. One for the process: it holds
/// no state of any engine.
pub fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("wasi-io")
            .enable_all()
            .build()
            .expect("the WASI runtime starts")
    })
}

/// Makes it the calling thread's, for good: entering anew costs each poll two atomic counts.
pub fn enter_runtime() {
    thread_local! {
        static ENTERED: () = std::mem::forget(runtime().enter());
    }
    ENTERED.with(|()| {});
}

fn pooling(config: &EngineConfig) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let parts = u32::try_from(config.parts_per_component).unwrap_or(u32::MAX);
    pool.total_component_instances(config.instances)
        .total_core_instances(config.core_instances)
        .total_memories(config.memories)
        .total_tables(config.tables)
        .max_core_instances_per_component(parts)
        .max_memories_per_component(parts)
        .max_tables_per_component(parts)
        .total_stacks(config.instances)
        .total_gc_heaps(config.instances)
        .table_elements(config.table_elements as usize)
        .max_memory_size(config.max_memory_bytes as usize)
        .max_unused_warm_slots(config.memories)
        .linear_memory_keep_resident(config.memory_keep_bytes as usize)
        .table_keep_resident(config.table_keep_bytes as usize)
        .async_stack_keep_resident(config.stack_keep_bytes as usize)
        .pagemap_scan(match config.pagemap_scan {
            0 => Enabled::No,
            _ => Enabled::Auto,
        });
    if config.function_cache_bytes != 0 {
        // What is edited is in chunks: that of all their functions (`tools::chunks`).
        pool.max_tables_per_module(2);
    }
    pool
}

fn make(config: &EngineConfig, budget: &Budget) -> wasmtime::Result<Engine> {
    let concurrency = config.concurrency != 0;
    let mut wasm = Config::new();
    wasm.epoch_interruption(true);
    wasm.async_stack_size(config.stack_bytes as usize);
    wasm.max_wasm_stack(config.stack_bytes as usize / 2);
    wasm.concurrency_support(concurrency);
    if concurrency {
        wasm.wasm_component_model_async(true);
    }
    wasm.wasm_component_model_implements(true);
    wasm.wasm_wide_arithmetic(config.proposals & WIDE_ARITHMETIC != 0);
    wasm.wasm_component_model_map(config.proposals & COMPONENT_MODEL_MAP != 0);
    wasm.compiler_inlining(match config.inlining {
        0 => Inlining::No,
        1 => Inlining::InterModule,
        _ => Inlining::Yes,
    });
    if config.function_cache_bytes != 0 {
        let functions = FunctionCache::new(config.function_cache_bytes as usize);
        wasm.enable_incremental_compilation(Arc::new(functions))?;
    }
    let compiling = wasm.clone();
    if config.pooling != 0 {
        wasm.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(config)));
    }
    let wasm = WasmEngine::new(&wasm)?;
    let mut linker = Linker::new(&wasm);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    if concurrency {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    files::add_to_linker(&mut linker, concurrency)?;
    heads::add_to_linker(&mut linker, concurrency)?;
    if concurrency {
        body_results::add_to_linker(&mut linker)?;
    }
    lookup::add_to_linker(&mut linker, concurrency)?;
    sockets::add_to_linker(&mut linker, concurrency)?;
    Ok(Engine {
        wasm,
        compiling,
        linker,
        concurrency,
        total: budget.0.clone(),
    })
}

/// # Safety
/// Both pointers are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_engine_new(
    config: *const EngineConfig,
    budget: *const Budget,
) -> *mut Engine {
    guard(std::ptr::null_mut(), || {
        runtime();
        // SAFETY: by this function's contract.
        let engine = unsafe { make(&*config, &*budget)? };
        Ok(Box::into_raw(Box::new(engine)))
    })
}

/// # Safety
/// `engine` came from `nimbus_engine_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_engine_free(engine: *mut Engine) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(engine) }));
}

/// # Safety
/// `engine` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_engine_tick(engine: *const Engine) {
    // SAFETY: by this function's contract.
    unsafe { &*engine }.wasm.increment_epoch();
}

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_engine_version() -> *const std::ffi::c_char {
    c"wasmtime 48.0.8".as_ptr()
}

/// # Safety
/// `engine` is alive and `out` has room for 16 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_engine_fingerprint(engine: *const Engine, out: *mut u8) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (engine, out) = unsafe { (&*engine, std::slice::from_raw_parts_mut(out, 16)) };
        for (half, bytes) in out.chunks_exact_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            half.hash(&mut hasher);
            engine
                .wasm
                .precompile_compatibility_hash()
                .hash(&mut hasher);
            bytes.copy_from_slice(&hasher.finish().to_le_bytes());
        }
    });
}
