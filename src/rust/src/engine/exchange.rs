//! One HTTP request and its response, between C++ (which pushes content and grants credit) and the
//! future that runs the guest (which pulls content and uses credit up).

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use wasmtime::format_err;
use wasmtime_wasi_http::WasiBody;

use super::incoming_body::{ContentQueue, IncomingBody};
use super::lock::lock;
use crate::abi::{
    Field, OwnedBytes, Str, fields, guard, guard_void, header_map, set_last_error, with_fields,
};

#[repr(C)]
pub struct Outcome {
    pub kind: i32,
    exit_code: i32,
    pub message: Str,
    error_code: Str,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Sink {
    context: *mut c_void,
    head: extern "C" fn(*mut c_void, u16, *const Field, usize),
    body: extern "C" fn(*mut c_void, *const u8, usize, *const Bytes),
    end: extern "C" fn(*mut c_void, *const Field, usize),
    consumed: extern "C" fn(*mut c_void, usize),
    unread: extern "C" fn(*mut c_void),
    done: extern "C" fn(*mut c_void, *const Outcome),
}

#[repr(C)]
pub struct Request {
    method: Str,
    scheme: Str,
    authority: Str,
    path: Str,
    headers: *const Field,
    header_count: usize,
    has_body: u8,
    credit_bytes: u64,
    deadline_ns: i64,
}

const _: () = {
    assert!(size_of::<Outcome>() == 40);
    assert!(size_of::<Sink>() == 56);
    assert!(size_of::<Request>() == 104);
};

/// Why a call did not end well.
pub enum Failure {
    /// With its name, see `error_names`.
    ErrorCode(&'static str, String),
    NoResponse,
    Trap(String),
    Exit(i32),
    Collateral(String),
    NotStarted,
    Resources(String),
    Panic(String),
    Truncated(String),
    /// The parameters are not what the function takes.
    Refused(String),
}

pub type Ended = Result<(), Failure>;

impl Failure {
    fn message(&self) -> &str {
        match self {
            Failure::NoResponse => "the guest returned without a response",
            Failure::Exit(_) => "the guest called exit",
            Failure::NotStarted => "the instance ended before it took the call",
            Failure::ErrorCode(_, text)
            | Failure::Trap(text)
            | Failure::Collateral(text)
            | Failure::Resources(text)
            | Failure::Panic(text)
            | Failure::Truncated(text)
            | Failure::Refused(text) => text,
        }
    }

    /// Whether it is that of the whole instance, which is of no more use.
    pub fn is_of_guest(&self) -> bool {
        !matches!(
            self,
            Failure::ErrorCode(..)
                | Failure::NoResponse
                | Failure::NotStarted
                | Failure::Truncated(_)
                | Failure::Refused(_)
        )
    }

    /// What another call on the same instance is told: the cause at the end of the message, without
    /// the backtrace.
    pub fn collateral(&self) -> Failure {
        let line = self
            .message()
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty());
        // Chains of causes are numbered.
        let cause = line.unwrap_or_default().trim();
        let cause = match cause.split_once(": ") {
            Some((number, rest)) if number.bytes().all(|digit| digit.is_ascii_digit()) => rest,
            _ => cause,
        };
        Failure::Collateral(format!("another call ended its instance: {cause}"))
    }
}

/// Shows an end to C++.
pub fn with_outcome(ended: Result<&(), &Failure>, show: impl FnOnce(&Outcome)) {
    let (kind, exit_code) = match ended {
        Ok(()) => (0, 0),
        Err(Failure::ErrorCode(..)) => (1, 0),
        Err(Failure::NoResponse) => (2, 0),
        Err(Failure::Trap(_)) => (3, 0),
        Err(Failure::Exit(code)) => (4, *code),
        Err(Failure::Collateral(_)) => (5, 0),
        Err(Failure::NotStarted) => (6, 0),
        Err(Failure::Resources(_)) => (7, 0),
        Err(Failure::Panic(_)) => (8, 0),
        Err(Failure::Truncated(_)) => (9, 0),
        Err(Failure::Refused(_)) => (10, 0),
    };
    let message = ended.err().map_or("", Failure::message);
    let error_code = match ended {
        Err(Failure::ErrorCode(name, _)) => *name,
        _ => "",
    };
    show(&Outcome {
        kind,
        exit_code,
        message: Str::of(message.as_bytes()),
        error_code: Str::of(error_code.as_bytes()),
    });
}

struct State {
    request: Option<http::Request<()>>,
    credit: i64,
    credit_waker: Option<Waker>,
    chunks: ContentQueue,
    ended: bool,
    failed: bool,
    /// Nobody reads the response any more.
    unwanted: bool,
    trailers: Option<http::HeaderMap>,
    body_waker: Option<Waker>,
    /// What was taken of the content on other threads, and that no more of it will be read.
    untold_bytes: usize,
    untold_unread: bool,
    teller: Option<Waker>,
}

/// A number that no other living thread has.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}

pub struct Inner {
    sink: Sink,
    /// Where it was made: the sink is called there only.
    thread: usize,
    has_body: bool,
    /// The request is a HEAD: its response has no content.
    pub is_head: bool,
    /// False once the sink must not be called any more.
    open: AtomicBool,
    /// Of the call, on C++'s steady clock; 0: none.
    pub deadline_ns: i64,
    state: Mutex<State>,
}

// SAFETY: the sink is called only while `open`, and only on the thread that made the exchange: by
// whoever drives it, which NimbusSink's contract puts there, and by `taken` after a look.
unsafe impl Send for Inner {}
// SAFETY: as above; everything else is behind the mutex.
unsafe impl Sync for Inner {}

/// What the next pull of request content finds.
pub enum Pulled {
    Chunk(Bytes),
    Trailers(http::HeaderMap),
    End,
    Failed,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn sink(&self) -> Option<&Sink> {
        self.open.load(Ordering::Relaxed).then_some(&self.sink)
    }

    /// Whether somebody waits for it.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// The request as Wasmtime's HTTP crate takes it. Once.
    pub fn take_request(self: &Arc<Self>) -> Option<http::Request<WasiBody>> {
        let mut state = self.state();
        let request = state.request.take()?;
        let body = match self.has_body {
            true => IncomingBody(self.clone()).boxed_unsync(),
            false => Empty::new().map_err(|never| match never {}).boxed_unsync(),
        };
        Some(request.map(|()| body))
    }

    pub fn poll_pull(&self, cx: &mut Context<'_>) -> Poll<Pulled> {
        let mut state = self.state();
        if let Some(chunk) = state.chunks.pop_front() {
            drop(state);
            self.taken(chunk.len(), false);
            return Poll::Ready(Pulled::Chunk(chunk));
        }
        if state.failed {
            return Poll::Ready(Pulled::Failed);
        }
        if state.ended {
            return Poll::Ready(match state.trailers.take() {
                Some(trailers) => Pulled::Trailers(trailers),
                None => Pulled::End,
            });
        }
        state.body_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn at_end(&self) -> bool {
        let state = self.state();
        !state.failed && state.ended && state.chunks.is_empty() && state.trailers.is_none()
    }

    pub fn unread(&self) {
        let mut state = self.state();
        state.chunks.clear();
        drop(state);
        self.taken(0, true);
    }

    /// Content that a guest hands on as it is becomes that of an outgoing request, which Wasmtime's
    /// HTTP crate moves on a thread of Tokio. Then it is for `tell` to tell.
    fn taken(&self, bytes: usize, unread: bool) {
        if self.thread == this_thread() {
            return self.tell_taken(bytes, unread);
        }
        let mut state = self.state();
        state.untold_bytes += bytes;
        state.untold_unread |= unread;
        let teller = state.teller.take();
        drop(state);
        if let Some(teller) = teller {
            teller.wake();
        }
    }

    fn tell_taken(&self, bytes: usize, unread: bool) {
        let Some(sink) = self.sink() else { return };
        if bytes > 0 {
            (sink.consumed)(sink.context, bytes);
        }
        if unread {
            (sink.unread)(sink.context);
        }
    }

    /// Tells C++ what was taken on other threads, and wakes the caller when there is more of it.
    /// Whoever drives the exchange does so as long as it lasts.
    pub fn tell(&self, cx: &Context<'_>) {
        if !self.has_body {
            return;
        }
        let mut state = self.state();
        let bytes = std::mem::take(&mut state.untold_bytes);
        let unread = std::mem::take(&mut state.untold_unread);
        match &state.teller {
            Some(teller) if teller.will_wake(cx.waker()) => {}
            _ => state.teller = Some(cx.waker().clone()),
        }
        drop(state);
        self.tell_taken(bytes, unread);
    }

    pub fn poll_credit(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.credit > 0 || state.unwanted || !self.open.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        state.credit_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether the response is to be dropped; wakes the caller should it become so.
    pub fn poll_unwanted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.unwanted {
            return Poll::Ready(());
        }
        state.credit_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn unwanted(&self) -> bool {
        self.state().unwanted
    }

    pub fn head(&self, status: u16, headers: &http::HeaderMap) {
        if let Some(sink) = self.sink() {
            with_fields(headers, |fields| {
                (sink.head)(sink.context, status, fields.as_ptr(), fields.len());
            });
        }
    }

    pub fn body(&self, bytes: Bytes) {
        self.state().credit -= bytes.len() as i64;
        if let Some(sink) = self.sink() {
            (sink.body)(sink.context, bytes.as_ptr(), bytes.len(), &bytes);
        }
    }

    pub fn end(&self, trailers: &http::HeaderMap) {
        if let Some(sink) = self.sink() {
            with_fields(trailers, |fields| {
                (sink.end)(sink.context, fields.as_ptr(), fields.len());
            });
        }
    }

    pub fn done(&self, ended: &Ended) {
        if self.open.swap(false, Ordering::Relaxed) {
            with_outcome(ended.as_ref(), |outcome| {
                (self.sink.done)(self.sink.context, outcome)
            });
        }
    }

    fn detach(&self) {
        self.open.store(false, Ordering::Relaxed);
        self.discard();
    }

    fn discard(&self) {
        let mut state = self.state();
        state.failed = true;
        state.unwanted = true;
        // A guest may keep what would read it for long.
        state.chunks.clear();
        state.trailers = None;
        let wakers = [state.credit_waker.take(), state.body_waker.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn expire(&self) {
        self.state().request = None;
        self.discard();
    }

    /// Whether a guest is to begin with it, of one that waits for that.
    pub fn is_wanted(&self) -> bool {
        self.is_open() && self.state().request.is_some()
    }

    /// Changes the content's state and wakes whoever waits for it.
    fn feed(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let waker = state.body_waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

pub struct Exchange(pub Arc<Inner>);

/// # Safety
/// The texts of `request` are alive.
unsafe fn to_http(request: &Request) -> wasmtime::Result<http::Request<()>> {
    // SAFETY: by this function's contract.
    let (method, scheme, authority, path, headers) = unsafe {
        (
            request.method.bytes(),
            request.scheme.bytes(),
            request.authority.bytes(),
            request.path.bytes(),
            header_map(fields(request.headers, request.header_count))?,
        )
    };
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(match scheme {
        b"https" => http::uri::Scheme::HTTPS,
        _ => http::uri::Scheme::HTTP,
    });
    uri.authority = Some(http::uri::Authority::from_maybe_shared(
        Bytes::copy_from_slice(authority),
    )?);
    uri.path_and_query = Some(http::uri::PathAndQuery::from_maybe_shared(
        Bytes::copy_from_slice(path),
    )?);
    let mut http = http::Request::new(());
    *http.method_mut() = http::Method::from_bytes(method)?;
    *http.uri_mut() = http::Uri::from_parts(uri)?;
    *http.headers_mut() = headers;
    Ok(http)
}

/// # Safety
/// Both pointers and what they point at are alive during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_new(
    request: *const Request,
    sink: *const Sink,
) -> *mut Exchange {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (request, sink) = unsafe { (&*request, *sink) };
        // SAFETY: as above.
        let http =
            unsafe { to_http(request) }.map_err(|error| format_err!("bad request: {error}"))?;
        let is_head = http.method() == http::Method::HEAD;
        let state = State {
            request: Some(http),
            credit: request.credit_bytes as i64,
            credit_waker: None,
            chunks: ContentQueue::default(),
            ended: false,
            failed: false,
            unwanted: false,
            trailers: None,
            body_waker: None,
            untold_bytes: 0,
            untold_unread: false,
            teller: None,
        };
        let inner = Inner {
            sink,
            thread: this_thread(),
            has_body: request.has_body != 0,
            is_head,
            open: AtomicBool::new(true),
            deadline_ns: request.deadline_ns,
            state: Mutex::new(state),
        };
        Ok(Box::into_raw(Box::new(Exchange(Arc::new(inner)))))
    })
}

/// # Safety
/// `exchange` is alive; `bytes` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_push(exchange: *mut Exchange, bytes: OwnedBytes) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (exchange, bytes) = unsafe { (&*exchange, bytes.into_bytes()) };
        if !bytes.is_empty() {
            exchange.0.feed(|state| {
                if !state.failed {
                    state.chunks.push_back(bytes);
                }
            });
        }
    });
}

/// # Safety
/// `exchange` and the fields are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_end(
    exchange: *mut Exchange,
    trailers: *const Field,
    count: usize,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (exchange, trailers) = unsafe { (&*exchange, header_map(fields(trailers, count))) };
        exchange.0.feed(|state| match trailers {
            Ok(trailers) => {
                state.ended = true;
                state.trailers = Some(trailers).filter(|trailers| !trailers.is_empty());
            }
            Err(error) => {
                set_last_error(format!("bad trailers: {error}"));
                state.failed = true;
            }
        });
    });
}

/// # Safety
/// `exchange` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_fail(exchange: *mut Exchange) {
    // SAFETY: by this function's contract.
    guard_void(|| unsafe { &*exchange }.0.feed(|state| state.failed = true));
}

/// # Safety
/// `exchange` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_grant(exchange: *mut Exchange, bytes: usize) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let mut state = unsafe { &*exchange }.0.state();
        state.credit = state.credit.saturating_add(bytes as i64);
        let waker = if state.credit > 0 {
            state.credit_waker.take()
        } else {
            None
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    });
}

/// # Safety
/// `exchange` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_discard(exchange: *mut Exchange) {
    // SAFETY: by this function's contract.
    guard_void(|| unsafe { &*exchange }.0.discard());
}

/// # Safety
/// `exchange` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_expire(exchange: *mut Exchange) {
    // SAFETY: by this function's contract.
    guard_void(|| unsafe { &*exchange }.0.expire());
}

/// # Safety
/// `exchange` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_started(exchange: *const Exchange) -> i32 {
    guard(0, || {
        // SAFETY: by this function's contract.
        let exchange = unsafe { &*exchange };
        Ok(i32::from(exchange.0.state().request.is_none()))
    })
}

/// # Safety
/// `exchange` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_detach(exchange: *mut Exchange) {
    // SAFETY: by this function's contract.
    guard_void(|| unsafe { &*exchange }.0.detach());
}

/// # Safety
/// `exchange` came from `nimbus_exchange_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_exchange_free(exchange: *mut Exchange) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let exchange = unsafe { Box::from_raw(exchange) };
        exchange.0.detach();
    });
}

/// # Safety
/// `bytes` was given to a sink's `body` that has not returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_bytes_keep(bytes: *const Bytes) -> OwnedBytes {
    // SAFETY: by this function's contract.
    OwnedBytes::from_bytes(unsafe { &*bytes }.clone())
}

#[cfg(test)]
mod tests;
