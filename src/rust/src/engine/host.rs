//! The data of one store: what one instance sees of the host.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::budget::Share;
use super::context::Shared;
use super::egress::Hooks;

/// Handles that one instance may hold at once.
const MAX_HANDLES: usize = 100_000;

pub struct Host {
    pub table: ResourceTable,
    pub wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    pub share: Share,
    pub context: Arc<Shared>,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

pub fn new_store(
    engine: &Engine,
    total: &Arc<super::budget::Total>,
    context: &Arc<Shared>,
) -> wasmtime::Result<Store<Host>> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_HANDLES);
    let host = Host {
        table,
        wasi: context.wasi()?,
        http: WasiHttpCtx::new(),
        hooks: Hooks::new(context.clone()),
        share: Share::new(
            total.clone(),
            context.max_memory_bytes,
            context.max_table_elements,
        ),
        context: context.clone(),
    };
    let mut store = Store::new(engine, host);
    store.limiter(|host| &mut host.share);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
    Ok(store)
}
