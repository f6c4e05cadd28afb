//! What C++ sends through streams and futures, on its way to guests.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wasmtime::component::{Destination, FutureProducer, StreamProducer, StreamResult, VecBuffer};
use wasmtime::{Error, Result, StoreContextMut, bail, format_err};

use super::host::Host;
use super::raw::reader::{Reader, Truncated};
use super::raw::{Data, Pieces, RawItem, Shape};
use crate::abi::{Str, guard_void};

/// Of one item or value.
const MAX_ITEM_BYTES: usize = 16 << 20;
/// What looking for the end of one item may cost: so many times its bytes and so many more, as
/// `wrpc::MeasuringBudget` has it. Who sends a byte at a time must not cost their square.
const MAX_LOOKS: usize = 128;
const FREE_BYTES: usize = 4 << 20;
/// Items that a host, if it is the reader, gets at once.
const MAX_ITEMS: usize = 64;
/// The same of bytes.
const HOST_BUFFER_BYTES: usize = 64 << 10;

/// See `NimbusChannelCalls`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ChannelCalls {
    take: extern "C" fn(*mut c_void, *const u32, usize) -> *mut c_void,
    release: extern "C" fn(*mut c_void),
    read: extern "C" fn(*mut c_void, *mut SourceWaker, *mut Incoming) -> i32,
    close: extern "C" fn(*mut c_void),
}

/// See `NimbusIncoming`.
#[repr(C)]
pub struct Incoming {
    bytes: Pieces,
    error: Str,
}

const _: () = assert!(size_of::<Incoming>() == 48);

const DATA: i32 = 0;
const PENDING: i32 = 1;
const END: i32 = 2;

/// The streams and futures that belong to values from C++; see `NimbusChannels`.
#[repr(C)]
pub struct Channels {
    channels: *mut c_void,
    calls: *const ChannelCalls,
}

const _: () = assert!(size_of::<Channels>() == 16);

// SAFETY: the contract of NimbusChannels: used and dropped on the thread that polls the instance.
unsafe impl Send for Channels {}
// SAFETY: as above.
unsafe impl Sync for Channels {}

impl Channels {
    pub const NONE: Channels = Channels {
        channels: std::ptr::null_mut(),
        calls: std::ptr::null(),
    };

    /// What C++ has put there: most often none, which is not copied.
    ///
    /// # Safety
    /// `from` is set, follows the contract of NimbusChannels, and is not used again.
    pub unsafe fn read(from: *const Channels) -> Channels {
        // SAFETY: by this function's contract.
        unsafe {
            match (*from).channels.is_null() {
                true => Channels::NONE,
                false => from.read(),
            }
        }
    }

    pub fn is_none(&self) -> bool {
        self.channels.is_null()
    }

    /// The one at that path.
    pub fn take(&self, path: &[u32]) -> Option<Inlet> {
        if self.is_none() {
            return None;
        }
        // SAFETY: by the contract of NimbusChannels, the calls outlive everything.
        let calls = unsafe { *self.calls };
        let source = (calls.take)(self.channels, path.as_ptr(), path.len());
        (!source.is_null()).then(|| Inlet {
            source: Some((source, calls)),
            data: Data::NONE,
            at: 0,
        })
    }
}

impl Drop for Channels {
    fn drop(&mut self) {
        if !self.is_none() {
            // SAFETY: as in take().
            unsafe { ((*self.calls).release)(self.channels) };
        }
    }
}

/// C++ holds one as `NimbusWaker`.
pub struct SourceWaker(Waker);

/// The reading end of a channel. Dropping it tells the writer that nobody reads.
pub struct Inlet {
    source: Option<(*mut c_void, ChannelCalls)>,
    /// What came last, of which `at` bytes are used up.
    data: Data,
    at: usize,
}

// SAFETY: the contract of NimbusChannels, as for Channels.
unsafe impl Send for Inlet {}
// SAFETY: everything goes through `&mut self`.
unsafe impl Sync for Inlet {}

impl Inlet {
    /// One that has everything.
    pub fn of(bytes: Vec<u8>) -> Inlet {
        Inlet {
            source: None,
            data: Data::Buffer(bytes),
            at: 0,
        }
    }

    fn reader(&self) -> Result<Reader<'_>> {
        let mut reader = self.data.reader();
        reader.skip(self.at)?;
        Ok(reader)
    }

    /// The next bytes, once all before are used up; false: no more will come.
    fn poll_more(&mut self, cx: &Context<'_>) -> Poll<Result<bool>> {
        let Some((source, calls)) = self.source else {
            return Poll::Ready(Ok(self.reader()?.remaining() > 0));
        };
        let waker = Box::new(SourceWaker(cx.waker().clone()));
        let mut incoming = MaybeUninit::<Incoming>::uninit();
        let status = (calls.read)(source, Box::into_raw(waker), incoming.as_mut_ptr());
        // SAFETY: by the contract of `read`, the field that belongs to the status is set, and
        // follows its own contract.
        unsafe {
            match status {
                DATA => {
                    let bytes = (&raw const (*incoming.as_ptr()).bytes).read();
                    self.data = bytes.into_data();
                    self.at = 0;
                    Poll::Ready(Ok(true))
                }
                PENDING => Poll::Pending,
                END => Poll::Ready(Ok(false)),
                _ => {
                    let message = (&raw const (*incoming.as_ptr()).error).read();
                    let message = String::from_utf8_lossy(message.bytes());
                    Poll::Ready(Err(format_err!("{message}")))
                }
            }
        }
    }

    fn close(&mut self) {
        if let Some((source, calls)) = self.source.take() {
            (calls.close)(source);
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.close();
    }
}

#[cold]
fn broken_off() -> Error {
    format_err!("a stream or future from outside was broken off")
}

/// What is polled in vain says so: it waits, unless it is to finish.
pub fn not_yet(finish: bool) -> Poll<Result<StreamResult>> {
    match finish {
        true => Poll::Ready(Ok(StreamResult::Cancelled)),
        false => Poll::Pending,
    }
}

/// The length of a list, of which some bytes may be there.
#[derive(Default)]
struct Count {
    value: u32,
    shift: u32,
}

impl Count {
    /// The length, with the byte that completes it.
    fn add(&mut self, byte: u8) -> Result<Option<usize>> {
        let payload = u32::from(byte & 0x7f);
        if self.shift > 28 || (self.shift == 28 && payload > 0xf) {
            bail!("the length of a list is out of range");
        }
        self.value |= payload << self.shift;
        self.shift += 7;
        if byte & 0x80 != 0 {
            return Ok(None);
        }
        Ok(Some(std::mem::take(self).value as usize))
    }
}

/// Gives a guest the bytes of a `stream<u8>`.
pub struct ByteProducer {
    inlet: Inlet,
    count: Count,
    /// Of the list that has begun.
    left: usize,
    ended: bool,
}

impl ByteProducer {
    pub fn new(inlet: Inlet) -> ByteProducer {
        ByteProducer {
            inlet,
            count: Count::default(),
            left: 0,
            ended: false,
        }
    }

    /// Fills `to` with what is there, as far as it goes; empty lists end the stream.
    fn fill(&mut self, to: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        let mut reader = self.inlet.reader()?;
        let before = reader.remaining();
        while reader.remaining() > 0 && !self.ended {
            if self.left == 0 {
                if let Some(count) = self.count.add(reader.byte()?)? {
                    self.left = count;
                    self.ended = count == 0;
                }
                continue;
            }
            let count = self.left.min(to.len() - filled).min(reader.remaining());
            if count == 0 {
                break;
            }
            reader.copy_to(&mut to[filled..filled + count])?;
            filled += count;
            self.left -= count;
        }
        let used = before - reader.remaining();
        self.inlet.at += used;
        Ok(filled)
    }

    /// Up to so many of the bytes that are there.
    pub fn take(&mut self, most: usize) -> Result<Vec<u8>> {
        let there = self.inlet.reader()?.remaining();
        let mut bytes = vec![0; most.min(there).min(HOST_BUFFER_BYTES)];
        let filled = self.fill(&mut bytes)?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Tells the writer that nobody reads any more.
    pub fn close(&mut self) {
        self.inlet.close();
    }

    /// Whether there are bytes, or the end.
    pub fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<Result<()>> {
        loop {
            self.fill(&mut [])?;
            if self.ended {
                self.inlet.close();
                return Poll::Ready(Ok(()));
            }
            if self.left > 0 && self.inlet.reader()?.remaining() > 0 {
                return Poll::Ready(Ok(()));
            }
            match self.inlet.poll_more(cx)? {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(Err(broken_off())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl StreamProducer<Host> for ByteProducer {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Host>,
        destination: Destination<'a, u8, VecBuffer<u8>>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        if self.poll_ready(cx)?.is_pending() {
            return not_yet(finish);
        }
        if self.ended {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut destination = destination.as_direct(store, HOST_BUFFER_BYTES);
        let filled = self.fill(destination.remaining())?;
        destination.mark_written(filled);
        if self.ended {
            self.inlet.close();
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// Gathers whole values from what arrives.
struct Gatherer {
    inlet: Inlet,
    bytes: Vec<u8>,
    at: usize,
    /// Of the next value, by all looks at it together.
    looked: usize,
}

impl Gatherer {
    fn new(inlet: Inlet) -> Gatherer {
        Gatherer {
            inlet,
            bytes: Vec::new(),
            at: 0,
            looked: 0,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// The next value; none: it is not yet there.
    fn value(&mut self, shape: &Shape) -> Result<Option<RawItem>> {
        let there = &self.bytes[self.at..];
        let mut reader = Reader::new(there, &[]);
        match shape.check(&mut reader, &mut |_, _| bail!("a handle in a stream")) {
            Ok(()) => {}
            Err(error) if error.is::<Truncated>() && there.len() <= MAX_ITEM_BYTES => {
                self.looked += there.len();
                if self.looked > MAX_LOOKS * there.len() + FREE_BYTES {
                    bail!("an item of a stream comes in too many small pieces");
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let size = there.len() - reader.remaining();
        let item = RawItem(there[..size].to_vec());
        self.at += size;
        self.looked = 0;
        Ok(Some(item))
    }

    fn poll_more(&mut self, cx: &Context<'_>) -> Poll<Result<()>> {
        match self.inlet.poll_more(cx)? {
            Poll::Ready(true) => {}
            Poll::Ready(false) => return Poll::Ready(Err(broken_off())),
            Poll::Pending => return Poll::Pending,
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        let start = self.bytes.len();
        let mut reader = self.inlet.reader()?;
        self.bytes.resize(start + reader.remaining(), 0);
        reader.copy_to(&mut self.bytes[start..])?;
        self.inlet.at += self.bytes.len() - start;
        Poll::Ready(Ok(()))
    }
}

/// Gives a guest the items of any other stream.
pub struct ItemProducer {
    gatherer: Gatherer,
    item: Arc<Shape>,
    count: Count,
    left: usize,
    ended: bool,
    /// One that was looked for when the guest had no room for it.
    next: Option<RawItem>,
}

impl ItemProducer {
    pub fn new(inlet: Inlet, item: Arc<Shape>) -> ItemProducer {
        ItemProducer {
            gatherer: Gatherer::new(inlet),
            item,
            count: Count::default(),
            left: 0,
            ended: false,
            next: None,
        }
    }

    /// The next item, if it is there.
    fn take(&mut self) -> Result<Option<RawItem>> {
        if self.next.is_some() {
            return Ok(self.next.take());
        }
        while self.left == 0 && !self.ended {
            let Some(byte) = self.gatherer.byte() else {
                return Ok(None);
            };
            if let Some(count) = self.count.add(byte)? {
                self.left = count;
                self.ended = count == 0;
            }
        }
        if self.ended {
            self.gatherer.inlet.close();
            return Ok(None);
        }
        let item = self.gatherer.value(&self.item)?;
        self.left -= usize::from(item.is_some());
        Ok(item)
    }

    fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<Result<()>> {
        loop {
            self.next = self.take()?;
            if self.next.is_some() || self.ended {
                return Poll::Ready(Ok(()));
            }
            match self.gatherer.poll_more(cx)? {
                Poll::Ready(()) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl StreamProducer<Host> for ItemProducer {
    type Item = RawItem;
    type Buffer = VecBuffer<RawItem>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Host>,
        mut destination: Destination<'a, RawItem, VecBuffer<RawItem>>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        if self.poll_ready(cx)?.is_pending() {
            return not_yet(finish);
        }
        let room = destination.remaining(&mut store).unwrap_or(MAX_ITEMS);
        let mut items = Vec::new();
        while items.len() < room
            && let Some(item) = self.take()?
        {
            items.push(item);
        }
        if !items.is_empty() {
            destination.set_buffer(items.into());
        }
        match self.ended {
            true => Poll::Ready(Ok(StreamResult::Dropped)),
            false => Poll::Ready(Ok(StreamResult::Completed)),
        }
    }
}

/// Gives a guest the value of a future.
pub struct ValueProducer {
    gatherer: Gatherer,
    value: Arc<Shape>,
}

impl ValueProducer {
    pub fn new(inlet: Inlet, value: Arc<Shape>) -> ValueProducer {
        ValueProducer {
            gatherer: Gatherer::new(inlet),
            value,
        }
    }
}

impl FutureProducer<Host> for ValueProducer {
    type Item = RawItem;

    fn poll_produce(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: StoreContextMut<Host>,
        finish: bool,
    ) -> Poll<Result<Option<RawItem>>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.gatherer.value(&this.value)? {
                this.gatherer.inlet.close();
                return Poll::Ready(Ok(Some(item)));
            }
            match this.gatherer.poll_more(cx)? {
                Poll::Ready(()) => {}
                Poll::Pending if finish => return Poll::Ready(Ok(None)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// # Safety
/// `waker` came from `read`, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_waker_wake(waker: *mut SourceWaker) {
    // SAFETY: by this function's contract.
    guard_void(|| unsafe { Box::from_raw(waker) }.0.wake());
}

/// # Safety
/// `waker` came from `read`, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_waker_free(waker: *mut SourceWaker) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(waker) }));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64 << 10;

    /// Gathers one list of so many strings of one byte from pieces of that size.
    fn gather(piece: usize) -> Result<Option<RawItem>> {
        let shape = Shape::List(Box::new(Shape::String));
        let mut encoded = Vec::new();
        crate::engine::raw::leb::unsigned(&mut encoded, SIZE as u64);
        encoded.resize(encoded.len() + SIZE * 2, 1);
        let mut gatherer = Gatherer::new(Inlet::of(Vec::new()));
        for bytes in encoded.chunks(piece) {
            gatherer.bytes.extend_from_slice(bytes);
            if let Some(item) = gatherer.value(&shape)? {
                assert_eq!(item.0, encoded);
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    #[test]
    fn an_item_may_come_in_pieces() {
        assert!(gather(usize::MAX).unwrap().is_some());
        assert!(gather(4096).unwrap().is_some());
    }

    #[test]
    fn what_looking_at_small_pieces_costs_is_bounded() {
        let Err(error) = gather(1) else {
            panic!("all was looked at again with every byte");
        };
        assert!(error.to_string().contains("too many small pieces"));
    }
}
