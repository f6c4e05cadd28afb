//! Encoded values on their way: buffers for what guests send, and memory of C++ for what they get.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::thread::LocalKey;

use super::reader::Reader;
use super::recycled::{Recycle, Recycled, is_kept};
use crate::abi::{OwnedBytes, Str, guard_void, slice};

/// Buffers kept per thread, and the largest that is kept.
const POOLED: usize = 8;
const MAX_POOLED_BYTES: usize = 2 << 20;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static OWNER: Cell<Option<Box<Owner>>> = const { Cell::new(None) };
}

/// Of a buffer while C++ has it.
#[derive(Default)]
struct Owner(Vec<u8>);

impl Recycle for Owner {
    fn slot() -> &'static LocalKey<Cell<Option<Box<Owner>>>> {
        &OWNER
    }

    fn empty(&mut self) {
        give_buffer(std::mem::take(&mut self.0));
    }
}

pub fn take_buffer() -> Vec<u8> {
    let pooled = POOL.with(|pool| pool.borrow_mut().pop());
    pooled.unwrap_or_else(|| Vec::with_capacity(256))
}

pub fn give_buffer(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > MAX_POOLED_BYTES {
        return;
    }
    buffer.clear();
    // A thread that is ending has no pool any more.
    _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < POOLED {
            pool.push(buffer);
        }
    });
}

/// Slack that may go along with bytes that somebody keeps, by their count.
fn may_go_along(buffer: &Vec<u8>) -> bool {
    buffer.capacity() <= buffer.len().saturating_mul(2)
}

/// Hands a buffer to C++, but for the bytes before `from`; it comes back to the pool of the thread
/// that lets go of it.
pub fn hand_over(mut buffer: Vec<u8>, from: usize) -> OwnedBytes {
    extern "C" fn release(owner: *mut c_void) {
        // SAFETY: made by `into_raw` below, released once.
        guard_void(|| drop(unsafe { Recycled::<Owner>::from_raw(owner.cast()) }));
    }
    if !may_go_along(&buffer) {
        let exact = buffer.as_slice().to_vec();
        give_buffer(std::mem::replace(&mut buffer, exact));
    }
    let mut owner = Recycled::<Owner>::default();
    owner.0 = buffer;
    let shown = &owner.0[from..];
    OwnedBytes {
        data: shown.as_ptr(),
        size: shown.len(),
        owner: owner.into_raw().cast(),
        release: Some(release),
    }
}

/// Bytes in pieces that change hands; see `NimbusPieces`.
#[repr(C)]
pub struct Pieces {
    pieces: *const Str,
    count: usize,
    owner: *mut c_void,
    release: Option<extern "C" fn(*mut c_void)>,
}

const _: () = assert!(size_of::<Pieces>() == 32);

impl Pieces {
    pub const NONE: Pieces = Pieces {
        pieces: std::ptr::null(),
        count: 0,
        owner: std::ptr::null_mut(),
        release: None,
    };

    /// # Safety
    /// The struct follows the contract of NimbusPieces, and is alive.
    unsafe fn list<'a>(&self) -> &'a [Str] {
        // SAFETY: by this function's contract.
        unsafe { slice(self.pieces, self.count) }
    }

    /// Takes them over: copies what lives during the call only.
    ///
    /// # Safety
    /// The struct follows the contract of NimbusPieces.
    pub unsafe fn into_data(self) -> Data {
        let mut data = Data::Buffer(take_buffer());
        // SAFETY: by this function's contract.
        unsafe { data.fill(&self) };
        data
    }
}

/// Pieces that C++ keeps alive until they are dropped.
pub struct Shared(Pieces);

impl Shared {
    const NONE: Shared = Shared(Pieces::NONE);
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            release(self.0.owner);
        }
    }
}

/// Encoded values for a guest.
pub enum Data {
    Buffer(Vec<u8>),
    Shared(Shared),
    /// One byte, and behind it others.
    Tagged([u8; 1], Shared),
}

// SAFETY: the contract of NimbusPieces: immutable, and `release` may be called on any thread.
unsafe impl Send for Data {}
// SAFETY: as above; the bytes are only read.
unsafe impl Sync for Data {}

impl Data {
    #[cfg(any(test, feature = "fuzz"))]
    pub fn copy_of(bytes: &[u8]) -> Data {
        let piece = Str::of(bytes);
        let pieces = Pieces {
            pieces: &piece,
            count: 1,
            ..Pieces::NONE
        };
        // SAFETY: alive during the call.
        unsafe { pieces.into_data() }
    }

    pub const NONE: Data = Data::Buffer(Vec::new());

    /// Takes pieces over in place of what is there; copies what lives during the call only, into
    /// memory that is there already.
    ///
    /// # Safety
    /// The struct follows the contract of NimbusPieces, and is not used again.
    pub unsafe fn fill(&mut self, pieces: &Pieces) {
        if pieces.release.is_some() {
            // SAFETY: the original is not used again.
            *self = Data::Shared(Shared(unsafe { std::ptr::read(pieces) }));
            return;
        }
        if !matches!(self, Data::Buffer(_)) {
            *self = Data::Buffer(take_buffer());
        }
        let Data::Buffer(buffer) = self else {
            return;
        };
        buffer.clear();
        // SAFETY: alive during the call, by contract.
        for piece in unsafe { pieces.list() } {
            // SAFETY: as above.
            buffer.extend_from_slice(unsafe { piece.bytes() });
        }
    }

    /// Lets go of the bytes; a little memory stays for the next.
    pub fn empty(&mut self) {
        match self {
            Data::Buffer(bytes) if is_kept(bytes) => bytes.clear(),
            _ => *self = Data::NONE,
        }
    }

    /// The same with a byte before it.
    pub fn tagged(mut self, tag: u8) -> Data {
        match &mut self {
            Data::Buffer(bytes) => {
                bytes.insert(0, tag);
                self
            }
            Data::Shared(shared) | Data::Tagged(_, shared) => {
                Data::Tagged([tag], std::mem::replace(shared, Shared::NONE))
            }
        }
    }

    /// Of one that is a buffer.
    pub fn into_buffer(mut self) -> Vec<u8> {
        match &mut self {
            Data::Buffer(bytes) => std::mem::take(bytes),
            _ => Vec::new(),
        }
    }

    pub fn reader(&self) -> Reader<'_> {
        match self {
            Data::Buffer(bytes) => Reader::new(bytes, &[]),
            // SAFETY: alive until dropped, and `self` is borrowed.
            Data::Shared(shared) => Reader::new(&[], unsafe { shared.0.list() }),
            // SAFETY: as above.
            Data::Tagged(tag, shared) => Reader::new(tag, unsafe { shared.0.list() }),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Data::NONE
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Data::Buffer(bytes) = self {
            give_buffer(std::mem::take(bytes));
        }
    }
}
