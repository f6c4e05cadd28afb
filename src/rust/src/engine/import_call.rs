//! Calls of guests to what C++ provides.

use std::ffi::c_void;
use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use wasmtime::{Error, Result, format_err};

use super::channels::{Outgoing, Outlets};
use super::context::Shared;
use super::handles::Handles;
use super::inlet::Channels;
use super::lock::lock;
use super::raw::{Lifted, Lowerable, Pieces, Recycled};
use crate::abi::{OwnedBytes, Str, guard_void};

/// See `NimbusImportReply`.
#[repr(C)]
pub struct ImportReply {
    results: Pieces,
    channels: Channels,
    error: Str,
    call: *mut c_void,
}

const _: () = assert!(size_of::<ImportReply>() == 72);

const DONE: i32 = 0;
const PENDING: i32 = 1;

/// The functions of `NimbusHostCalls` that serve imports.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ImportCalls {
    open: extern "C" fn(*mut c_void) -> *mut c_void,
    call: extern "C" fn(*mut c_void, u32, OwnedBytes, i64, *mut ImportReply) -> i32,
    suspended: extern "C" fn(*mut c_void, *mut ReplySlot),
    cancel: extern "C" fn(*mut c_void),
    drop: extern "C" fn(*mut c_void, u32, Str),
    close: extern "C" fn(*mut c_void),
    channels: extern "C" fn(*mut c_void, *const Outgoing, usize),
}

/// Encoded values from C++, and the streams and futures among them.
pub struct Answer {
    pub values: Recycled<Lowerable>,
    pub channels: Channels,
}

impl Answer {
    /// # Safety
    /// Both follow their contracts; the pieces are not used again.
    unsafe fn new(pieces: &Pieces, channels: Channels) -> Answer {
        let mut values = Recycled::<Lowerable>::default();
        // SAFETY: by this function's contract.
        unsafe { values.data.fill(pieces) };
        Answer { values, channels }
    }
}

/// What one instance has open of its imports.
pub struct Imports {
    context: Arc<Shared>,
    /// Null until the first call.
    opened: *mut c_void,
    pub handles: Handles,
    /// Of the call that runs on the instance, on C++'s steady clock; 0: none.
    pub deadline_ns: i64,
}

// SAFETY: the contract of NimbusHostCalls: an instance's calls come from the thread that polls it.
unsafe impl Send for Imports {}
// SAFETY: everything goes through `&mut self`.
unsafe impl Sync for Imports {}

impl Imports {
    pub fn new(context: Arc<Shared>) -> Imports {
        Imports {
            context,
            opened: std::ptr::null_mut(),
            handles: Handles::default(),
            deadline_ns: 0,
        }
    }

    fn calls(&self) -> ImportCalls {
        self.context.calls.imports
    }

    fn open(&mut self) -> *mut c_void {
        if self.opened.is_null() {
            self.opened = (self.calls().open)(self.context.calls.context());
        }
        self.opened
    }

    /// The streams and futures of the call that begins next.
    pub fn announce(&mut self, outlets: Outlets) {
        if !outlets.is_empty() {
            let (calls, opened) = (self.calls(), self.open());
            outlets.hand_over(|list| (calls.channels)(opened, list.as_ptr(), list.len()));
        }
    }

    /// Starts a call.
    pub fn begin(&mut self, function: u32, params: &mut Lifted) -> Begun {
        if !params.large.is_empty()
            && let Err(error) = self.handles.write_large(params)
        {
            return Begun::Ready(Err(error));
        }
        let calls = self.calls();
        let mut reply = MaybeUninit::<ImportReply>::uninit();
        let bytes = params.take_bytes();
        let status = (calls.call)(
            self.open(),
            function,
            bytes,
            self.deadline_ns,
            reply.as_mut_ptr(),
        );
        // SAFETY: by the contract of import_call, what belongs to the status is set.
        unsafe {
            match status {
                DONE => Begun::Ready(Ok(Answer::new(
                    &(*reply.as_ptr()).results,
                    Channels::read(&raw const (*reply.as_ptr()).channels),
                ))),
                PENDING => {
                    let call = (&raw const (*reply.as_ptr()).call).read();
                    Begun::Pending(PendingCall::new(call, calls))
                }
                _ => {
                    let message = (&raw const (*reply.as_ptr()).error).read();
                    Begun::Ready(Err(refusal(message.bytes())))
                }
            }
        }
    }

    /// The guest dropped a resource of that import.
    pub fn drop_resource(&mut self, import: u32, rep: u32) {
        let (calls, opened) = (self.calls(), self.open());
        self.handles.drop(rep, |handle| {
            (calls.drop)(opened, import, Str::of(handle));
        });
    }
}

impl Drop for Imports {
    fn drop(&mut self) {
        if !self.opened.is_null() {
            (self.calls().close)(self.opened);
        }
    }
}

fn refusal(message: &[u8]) -> Error {
    format_err!("{}", String::from_utf8_lossy(message))
}

pub enum Begun {
    Ready(Result<Answer>),
    Pending(PendingCall),
}

#[derive(Default)]
struct Waiting {
    result: Option<Result<Answer>>,
    waker: Option<Waker>,
}

/// Where the answer of a call that waits goes; C++ holds one as `NimbusReplySlot`.
pub struct ReplySlot(Arc<Mutex<Waiting>>);

impl ReplySlot {
    fn set(self, result: Result<Answer>) {
        let mut answer = lock(&self.0);
        answer.result = Some(result);
        let waker = answer.waker.take();
        drop(answer);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A call that waits for its answer. Dropping it cancels the call.
pub struct PendingCall {
    answer: Arc<Mutex<Waiting>>,
    call: *mut c_void,
    cancel: extern "C" fn(*mut c_void),
    ended: bool,
}

// SAFETY: polled and dropped by whoever polls the instance, on that thread.
unsafe impl Send for PendingCall {}
// SAFETY: as above.
unsafe impl Sync for PendingCall {}

impl PendingCall {
    fn new(call: *mut c_void, calls: ImportCalls) -> PendingCall {
        let answer = Arc::new(Mutex::new(Waiting::default()));
        let slot = Box::new(ReplySlot(answer.clone()));
        (calls.suspended)(call, Box::into_raw(slot));
        PendingCall {
            answer,
            call,
            cancel: calls.cancel,
            ended: false,
        }
    }
}

impl Future for PendingCall {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Answer>> {
        let mut answer = lock(&self.answer);
        if let Some(result) = answer.result.take() {
            drop(answer);
            self.ended = true;
            return Poll::Ready(result);
        }
        answer.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if !self.ended && lock(&self.answer).result.is_none() {
            (self.cancel)(self.call);
        }
    }
}

/// # Safety
/// `slot` came from `import_suspended` and is not used again; `results` and `channels` follow their
/// contracts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_reply(slot: *mut ReplySlot, results: Pieces, channels: Channels) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (slot, answer) = unsafe { (Box::from_raw(slot), Answer::new(&results, channels)) };
        slot.set(Ok(answer));
    });
}

/// # Safety
/// `slot` came from `import_suspended` and is not used again; `message` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_reply_error(slot: *mut ReplySlot, message: Str) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (slot, error) = unsafe { (Box::from_raw(slot), refusal(message.bytes())) };
        slot.set(Err(error));
    });
}

/// # Safety
/// `slot` came from `import_suspended` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_reply_free(slot: *mut ReplySlot) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(slot) }));
}
