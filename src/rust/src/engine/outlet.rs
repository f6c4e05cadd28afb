//! What guests write to streams and futures, on its way to C++.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};

use wasmtime::component::{FutureConsumer, Source, StreamConsumer, StreamResult};
use wasmtime::{AsContextMut, Result, StoreContextMut};

use super::host::Host;
use super::inlet::not_yet;
use super::lock::lock;
use super::pulled::{Given, Pulled};
use super::raw::{RawItem, leb, lift_item_next};
use super::wake::{Wake, waker};
use crate::abi::{OwnedBytes, guard, guard_void};

/// Bytes that wait for C++; more of them are not taken from the guest.
const WINDOW_BYTES: usize = 64 << 10;
/// The same of all streams of a store together. Beyond it they take only what C++ waits for: a
/// guest may open any number of streams that nobody reads.
const MAX_WAITING_BYTES: usize = 32 << 20;

/// Whether a store is still there, and what its streams hold.
#[derive(Clone, Default)]
pub struct Life(Arc<Shared>);

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    waiting_bytes: AtomicUsize,
    /// Streams of the host that a guest gave away, by their addresses.
    given: Mutex<HashMap<usize, Weak<Given>>>,
}

impl Life {
    pub fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
        let given = std::mem::take(&mut *lock(&self.0.given));
        for stream in given.values().filter_map(Weak::upgrade) {
            stream.break_off();
        }
    }

    pub fn enter(&self, stream: &Arc<Given>) {
        let at = Arc::as_ptr(stream) as usize;
        lock(&self.0.given).insert(at, Arc::downgrade(stream));
    }

    pub fn leave(&self, stream: &Arc<Given>) {
        lock(&self.0.given).remove(&(Arc::as_ptr(stream) as usize));
    }

    pub fn given(&self) -> usize {
        lock(&self.0.given).len()
    }

    pub fn lasts(&self) -> bool {
        !self.0.ended.load(Ordering::Relaxed)
    }

    fn is_full(&self) -> bool {
        self.0.waiting_bytes.load(Ordering::Relaxed) >= MAX_WAITING_BYTES
    }
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Open,
    Whole,
    Broken,
}

struct State {
    bytes: Vec<u8>,
    end: End,
    /// C++ reads no more.
    closed: bool,
    /// C++ found nothing when it last read.
    wanted: bool,
    watch: Option<Waker>,
    writer: Option<Waker>,
    life: Life,
}

impl State {
    /// Changes the bytes that wait, unless nobody reads them any more.
    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.closed {
            return;
        }
        let before = self.bytes.len();
        write(&mut self.bytes);
        let more = self.bytes.len() - before;
        self.life.0.waiting_bytes.fetch_add(more, Ordering::Relaxed);
    }

    fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.bytes);
        let waiting = &self.life.0.waiting_bytes;
        waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        bytes
    }
}

/// The reading end; C++ holds it as `NimbusOutlet`.
pub enum Outlet {
    Written(Written),
    Pulled(Pulled),
}

/// What a read found.
pub enum Read {
    /// Whole lists, or the value.
    Data(Vec<u8>),
    Pending,
    End,
    Broken,
}

/// The reading end of what a guest writes.
pub struct Written(Arc<Mutex<State>>);

/// The writing end.
pub struct Inflow(Arc<Mutex<State>>);

pub fn open(life: Life) -> (Inflow, Outlet) {
    let state = Arc::new(Mutex::new(State {
        bytes: Vec::new(),
        end: End::Open,
        closed: false,
        wanted: false,
        watch: None,
        writer: None,
        life,
    }));
    (Inflow(state.clone()), Outlet::Written(Written(state)))
}

/// Tells C++ that reading is worthwhile, if it waits for that.
fn announce(mut state: MutexGuard<'_, State>) {
    if !std::mem::take(&mut state.wanted) {
        return;
    }
    let watch = state.watch.clone();
    drop(state);
    if let Some(watch) = watch {
        watch.wake();
    }
}

impl Inflow {
    /// Bytes that may be written now; none: the reader is gone. If there is no room, waits for it.
    fn room(&self, cx: &Context<'_>) -> Option<usize> {
        let mut state = lock(&self.0);
        if state.closed {
            return None;
        }
        let room = match state.life.is_full() && !state.wanted {
            true => 0,
            false => WINDOW_BYTES.saturating_sub(state.bytes.len()),
        };
        if room == 0 {
            state.writer = Some(cx.waker().clone());
        }
        Some(room)
    }

    /// A list of so many items, which take these bytes.
    fn write_list(&self, count: usize, items: &[u8]) {
        if count == 0 {
            return;
        }
        let mut state = lock(&self.0);
        state.put(|bytes| {
            leb::unsigned(bytes, count as u64);
            bytes.extend_from_slice(items);
        });
        announce(state);
    }

    fn end(&self, end: End, last: &[u8]) {
        let mut state = lock(&self.0);
        if state.end == End::Open {
            state.put(|bytes| bytes.extend_from_slice(last));
            state.end = end;
        }
        announce(state);
    }

    /// The guest has dropped its end, or its instance is gone.
    fn end_stream(&self) {
        let lasts = lock(&self.0).life.lasts();
        match lasts {
            true => self.end(End::Whole, &[0]),
            false => self.end(End::Broken, &[]),
        }
    }
}

/// Takes what a guest writes to a `stream<u8>`.
pub struct ByteConsumer(pub Inflow);

impl StreamConsumer<Host> for ByteConsumer {
    type Item = u8;

    fn poll_consume(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<Host>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        let room = match self.0.room(cx) {
            None => return Poll::Ready(Ok(StreamResult::Dropped)),
            Some(0) => return not_yet(finish),
            Some(room) => room,
        };
        let mut source = source.as_direct(store);
        let written = source.remaining();
        let count = written.len().min(room);
        self.0.write_list(count, &written[..count]);
        source.mark_read(count);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl Drop for ByteConsumer {
    fn drop(&mut self) {
        self.0.end_stream();
    }
}

/// Takes what a guest writes to any other stream.
pub struct ItemConsumer {
    inflow: Inflow,
    /// Encoded items of one write.
    items: Vec<u8>,
}

impl ItemConsumer {
    pub fn new(inflow: Inflow) -> ItemConsumer {
        ItemConsumer {
            inflow,
            items: Vec::new(),
        }
    }

    /// How many were taken. A write begins anew after each time: the first one's index is 0.
    fn take(
        &mut self,
        room: usize,
        store: &mut StoreContextMut<Host>,
        mut source: Source<'_, RawItem>,
    ) -> Result<usize> {
        let mut count = 0;
        while self.items.len() < room && source.remaining(&mut *store) > 0 {
            lift_item_next(count);
            let mut item: Option<RawItem> = None;
            source.read(&mut *store, &mut item)?;
            let Some(RawItem(bytes)) = item else {
                break;
            };
            self.items.extend_from_slice(&bytes);
            count += 1;
        }
        Ok(count)
    }
}

impl StreamConsumer<Host> for ItemConsumer {
    type Item = RawItem;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<Host>,
        source: Source<'_, RawItem>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        let room = match self.inflow.room(cx) {
            None => return Poll::Ready(Ok(StreamResult::Dropped)),
            Some(0) => return not_yet(finish),
            Some(room) => room,
        };
        let count = self.take(room, &mut store.as_context_mut(), source)?;
        self.inflow.write_list(count, &self.items);
        self.items.clear();
        self.items.shrink_to(WINDOW_BYTES);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl Drop for ItemConsumer {
    fn drop(&mut self) {
        self.inflow.end_stream();
    }
}

/// Takes the value of a future.
pub struct ValueConsumer(pub Inflow);

impl FutureConsumer<Host> for ValueConsumer {
    type Item = RawItem;

    fn poll_consume(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<Host>,
        mut source: Source<'_, RawItem>,
        finish: bool,
    ) -> Poll<Result<()>> {
        if self.0.room(cx) == Some(0) {
            return match finish {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            };
        }
        lift_item_next(0);
        let mut item: Option<RawItem> = None;
        source.read(store, &mut item)?;
        if let Some(RawItem(bytes)) = item {
            self.0.end(End::Whole, &bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for ValueConsumer {
    fn drop(&mut self) {
        // Unless the value has come.
        self.0.end(End::Broken, &[]);
    }
}

impl Written {
    fn read(&self) -> Read {
        let mut state = lock(&self.0);
        let found = match (state.bytes.is_empty(), state.end) {
            (false, _) => Read::Data(state.take()),
            (true, End::Open) => Read::Pending,
            (true, End::Whole) => return Read::End,
            (true, End::Broken) => return Read::Broken,
        };
        state.wanted = matches!(found, Read::Pending);
        let writer = state.writer.take();
        drop(state);
        // There is room now, also where all streams together hold too much.
        if let Some(writer) = writer {
            writer.wake();
        }
        found
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.closed = true;
        state.watch = None;
        drop(state.take());
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

impl Outlet {
    fn read(&self) -> Read {
        match self {
            Outlet::Written(written) => written.read(),
            Outlet::Pulled(pulled) => pulled.read(),
        }
    }
}

const DATA: i32 = 0;
const PENDING: i32 = 1;
const END: i32 = 2;
const BROKEN: i32 = 3;

/// # Safety
/// `outlet` is alive, and `out` has room for bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_outlet_read(outlet: *mut Outlet, out: *mut OwnedBytes) -> i32 {
    guard(BROKEN, || {
        // SAFETY: by this function's contract.
        Ok(match unsafe { &*outlet }.read() {
            Read::Data(bytes) => {
                // SAFETY: as above.
                unsafe { out.write(OwnedBytes::from_bytes(bytes.into())) };
                DATA
            }
            Read::Pending => PENDING,
            Read::End => END,
            Read::Broken => BROKEN,
        })
    })
}

/// # Safety
/// `outlet` is alive; `wake` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_outlet_watch(outlet: *mut Outlet, wake: Wake) {
    guard_void(|| {
        let watch = waker(wake);
        // SAFETY: by this function's contract.
        match unsafe { &*outlet } {
            Outlet::Written(written) => lock(&written.0).watch = Some(watch),
            Outlet::Pulled(pulled) => pulled.watch(watch),
        }
    });
}

/// # Safety
/// `outlet` is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_outlet_free(outlet: *mut Outlet) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        drop(unsafe { Box::from_raw(outlet) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::MaybeUninit;

    fn room(of: &Inflow) -> Option<usize> {
        of.room(&Context::from_waker(Waker::noop()))
    }

    fn read(from: &mut Outlet) -> i32 {
        let mut bytes = MaybeUninit::<OwnedBytes>::uninit();
        // SAFETY: both live during the call.
        let status = unsafe { nimbus_outlet_read(from, bytes.as_mut_ptr()) };
        if status == DATA {
            // SAFETY: written, as the status says.
            let bytes = unsafe { bytes.assume_init() };
            if let Some(release) = bytes.release {
                release(bytes.owner);
            }
        }
        status
    }

    #[test]
    fn streams_that_nobody_reads_hold_little_together() {
        let life = Life::default();
        let full = MAX_WAITING_BYTES / WINDOW_BYTES;
        let unread: Vec<_> = (0..full).map(|_| open(life.clone())).collect();
        let (read_one, mut reader) = open(life.clone());
        let (other, _other_reader) = open(life);
        for (inflow, _) in &unread {
            assert_eq!(room(inflow), Some(WINDOW_BYTES));
            inflow.write_list(WINDOW_BYTES, &[0; WINDOW_BYTES]);
        }
        assert_eq!(room(&read_one), Some(0));
        assert_eq!(room(&other), Some(0));

        // Whoever waits for a stream gets what comes.
        assert_eq!(read(&mut reader), PENDING);
        assert_eq!(room(&read_one), Some(WINDOW_BYTES));
        assert_eq!(room(&other), Some(0));
        read_one.write_list(3, b"abc");
        assert_eq!(room(&read_one), Some(0));
        assert_eq!(read(&mut reader), DATA);

        drop(unread);
        assert_eq!(room(&other), Some(WINDOW_BYTES));
    }

    #[test]
    fn what_comes_when_nobody_reads_any_more_is_not_kept() {
        let life = Life::default();
        let (inflow, outlet) = open(life.clone());
        inflow.write_list(3, b"abc");
        drop(outlet);
        inflow.end(End::Whole, &[0]);
        assert_eq!(room(&inflow), None);
        assert_eq!(life.0.waiting_bytes.load(Ordering::Relaxed), 0);
    }
}
