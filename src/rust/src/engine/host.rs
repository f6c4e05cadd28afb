//! The data of one store: what one instance sees of the host.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{
    AsContext, AsContextMut, Result, Store, StoreContext, StoreContextMut, WasmBacktrace, ensure,
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::budget::Share;
use super::component::Resolved;
use super::context::{Contexts, Shared};
use super::egress::Hooks;
use super::exchange::Inner;
use super::files::{OpenFiles, Volumes};
use super::heads::{self, Held, MAX_FIELDS_BYTES, fields_bytes};
use super::import_call::Imports;
use super::outlet::Life;
use super::slice;
use super::texts::told;

/// Handles of a guest (of resources, tasks, streams and futures) for each resource of the host that
/// it may have.
const HANDLES_PER_RESOURCE: usize = 4;

/// What one component of a store sees.
struct Slot {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    context: Arc<Shared>,
}

impl Slot {
    fn new(context: &Arc<Shared>, held: &Held) -> Result<Slot> {
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS_BYTES);
        Ok(Slot {
            wasi: context.wasi()?,
            http,
            hooks: Hooks::new(context.clone(), held.clone()),
            context: context.clone(),
        })
    }
}

pub struct Host {
    pub table: ResourceTable,
    pub share: Share,
    pub imports: Imports,
    /// Of the store.
    pub life: Life,
    /// The request that a guest of WASI 0.2 has, which has one at a time.
    pub answering: Option<Arc<Inner>>,
    /// Of the component, or of the one that others were composed into.
    first: Slot,
    others: Vec<Slot>,
    pub files: OpenFiles,
    heads: heads::Looks,
    /// Of the requests of WASI 0.2 that came in.
    largest_head_bytes: usize,
    pub held: Held,
    /// For requests to other components: see `handlers`.
    handlers: Vec<Hooks>,
}

impl Host {
    /// A component was linked for no more slots than its store has: see `new_store`.
    fn slot(&mut self, slot: usize) -> (&mut Slot, &mut ResourceTable) {
        let found = match slot {
            0 => &mut self.first,
            other => &mut self.others[other - 1],
        };
        (found, &mut self.table)
    }

    pub fn context_of(&mut self, slot: usize) -> &Arc<Shared> {
        &self.slot(slot).0.context
    }

    /// Of all components.
    pub fn volumes(&self) -> Vec<Volumes> {
        let slots = std::iter::once(&self.first).chain(&self.others);
        slots
            .map(|slot| slot.context.volume_paths.clone())
            .collect()
    }

    pub fn wasi_of(&mut self, slot: usize) -> WasiCtxView<'_> {
        let (slot, table) = self.slot(slot);
        WasiCtxView {
            ctx: &mut slot.wasi,
            table,
        }
    }

    /// Now and then. A guest that keeps too much of them can keep no more in new ones, and is ended
    /// by the next tick: see `new_store`.
    fn look_at_heads(&mut self) {
        if !self.heads.is_due() {
            return;
        }
        let kept = heads::kept_bytes(&mut self.table, self.largest_head_bytes) + self.held.bytes();
        let limit = match self.share.keep(kept) {
            true => MAX_FIELDS_BYTES,
            false => 0,
        };
        for slot in std::iter::once(&mut self.first).chain(&mut self.others) {
            slot.http.set_field_size_limit(limit);
        }
    }

    /// A request of WASI 0.2 comes in with that head: only Wasmtime's HTTP crate sees it later.
    pub fn note_head(&mut self, request: &http::Request<WasiBody>) {
        let uri = request.uri();
        let target = uri
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        // It is kept twice.
        let authority = 2 * uri
            .authority()
            .map_or(0, |authority| authority.as_str().len());
        let method = request.method().as_str().len();
        let bytes = fields_bytes(request.headers()) + target + authority + method;
        self.largest_head_bytes = self.largest_head_bytes.max(bytes);
    }

    /// What requests go through to the component behind one of the imports of `handlers`.
    pub fn handler(&mut self, position: usize) -> WasiHttpCtxView<'_> {
        self.look_at_heads();
        WasiHttpCtxView {
            ctx: &mut self.first.http,
            table: &mut self.table,
            hooks: &mut self.handlers[position],
        }
    }

    pub fn http_of(&mut self, slot: usize) -> WasiHttpCtxView<'_> {
        self.look_at_heads();
        let (slot, table) = self.slot(slot);
        WasiHttpCtxView {
            ctx: &mut slot.http,
            table,
            hooks: &mut slot.hooks,
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi_of(0)
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http_of(0)
    }
}

/// The store of one instance. Streams of its guest that are open when it goes have not ended: they
/// were broken off.
pub struct InstanceStore(Store<Host>);

impl Deref for InstanceStore {
    type Target = Store<Host>;

    fn deref(&self) -> &Store<Host> {
        &self.0
    }
}

impl DerefMut for InstanceStore {
    fn deref_mut(&mut self) -> &mut Store<Host> {
        &mut self.0
    }
}

impl AsContext for InstanceStore {
    type Data = Host;

    fn as_context(&self) -> StoreContext<'_, Host> {
        self.0.as_context()
    }
}

impl AsContextMut for InstanceStore {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Host> {
        self.0.as_context_mut()
    }
}

impl Drop for InstanceStore {
    fn drop(&mut self) {
        self.0.data().life.end();
    }
}

/// A store for one instance: limits are those of the first context.
pub fn new_store(resolved: &Resolved, contexts: &Contexts) -> Result<InstanceStore> {
    ensure!(
        contexts.len() == resolved.slots,
        "internal: {} contexts for {} components",
        contexts.len(),
        resolved.slots
    );
    let mut table = ResourceTable::new();
    let first = &contexts[0];
    let max_resources = contexts.iter().map(|c| c.max_handles as usize).sum();
    table.set_max_capacity(max_resources);
    let held = Held::default();
    let slot = |context| Slot::new(context, &held);
    let host = Host {
        table,
        share: Share::new(
            resolved.total.clone(),
            first.max_memory_bytes,
            first.max_table_elements,
            max_resources as u64,
        ),
        imports: Imports::new(first.clone()),
        life: Life::default(),
        answering: None,
        first: slot(first)?,
        others: contexts[1..].iter().map(slot).collect::<Result<_>>()?,
        files: OpenFiles::default(),
        heads: heads::Looks::default(),
        largest_head_bytes: 0,
        handlers: resolved.imports.handlers(first, &held),
        held: held.clone(),
    };
    let mut store = Store::new(&resolved.engine, host);
    store.set_max_component_handles(HANDLES_PER_RESOURCE * max_resources);
    store.limiter(|host| &mut host.share);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        ensure!(
            !store.data().share.keeps_too_much(),
            "it keeps too much of HTTP messages in the host"
        );
        Ok(slice::on_tick(|| {
            let place = WasmBacktrace::force_capture(&store);
            told(format_args!("{place}"))
        }))
    });
    Ok(InstanceStore(store))
}
