//! The threads that compile functions side by side.

use std::num::NonZero;
use std::sync::{Arc, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};
use wasmtime::bail;

use super::lock::lock;

static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);

// As that of the threads which ask for it: components nest.
const STACK_BYTES: usize = 8 << 20;

/// One for each core, or as many as the system gives. Rayon's own pool would panic without its
/// threads, at each later use as well; this one is asked for again.
///
/// # Errors
/// There is no thread to be had.
pub fn compile_threads() -> wasmtime::Result<Arc<ThreadPool>> {
    let mut kept = lock(&POOL);
    if let Some(pool) = &*kept {
        return Ok(pool.clone());
    }
    let mut threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    loop {
        let built = ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK_BYTES)
            .thread_name(|_| "compile".to_owned())
            .build();
        match built {
            Ok(pool) => return Ok(kept.insert(Arc::new(pool)).clone()),
            Err(_) if threads > 1 => threads /= 2,
            Err(error) => bail!("cannot start a thread: {error}"),
        }
    }
}
