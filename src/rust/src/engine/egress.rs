//! Outgoing HTTP of guests: the hook hands requests to C++ and waits. It runs on whatever thread
//! polls it (a Tokio thread for P2, the shard for P3) and never touches a store.

use std::ffi::c_void;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::context::Shared;
use super::error_names::error_named;
use super::heads::{Held, MAX_FIELDS_BYTES, Portion, fields_bytes};
use super::incoming_body::ContentQueue;
use super::lock::lock;
use crate::abi::{Field, OwnedBytes, Str, fields, guard_void, header_map, with_fields};

#[repr(C)]
pub struct EgressRequest {
    method: Str,
    scheme: Str,
    authority: Str,
    path: Str,
    headers: *const Field,
    header_count: usize,
    connect_timeout_ns: i64,
    first_byte_timeout_ns: i64,
    between_bytes_timeout_ns: i64,
    import: u32,
}

const _: () = assert!(size_of::<EgressRequest>() == 112);

/// For requests that leave the workload, which go to no import.
const NO_IMPORT: u32 = u32::MAX;

/// The most that a guest writes to an outgoing body in one call, and how many such pieces wait.
const BODY_CHUNK_BYTES: usize = 64 * 1024;
const BODY_CHUNKS: usize = 4;

/// Smaller pieces C++ copies and joins: of each that it shared it would keep much more than the
/// piece's bytes.
const SHARE_FROM_BYTES: usize = 2048;

/// What a guest of WASI 0.2 may have written to the body of a message that has not left, with
/// trailers.
pub const OPEN_BODY_BYTES: usize = (BODY_CHUNKS + 1) * BODY_CHUNK_BYTES + MAX_FIELDS_BYTES;

#[derive(Default)]
struct State {
    head: Option<Result<http::response::Parts, Error>>,
    head_waker: Option<Waker>,
    chunks: ContentQueue,
    trailers: Option<http::HeaderMap>,
    ended: bool,
    error: Option<Error>,
    body_waker: Option<Waker>,
    credit: i64,
    credit_waker: Option<Waker>,
}

struct Token(*mut c_void);

// SAFETY: the contract of NimbusHostCalls: egress functions may be called on any thread.
unsafe impl Send for Token {}
// SAFETY: as above.
unsafe impl Sync for Token {}

pub struct Inner {
    host: Arc<Shared>,
    token: OnceLock<Token>,
    state: Mutex<State>,
    /// Heads, and content that the other side has not taken.
    held: Portion,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn token(&self) -> *mut c_void {
        self.token
            .get()
            .map_or(std::ptr::null_mut(), |token| token.0)
    }

    fn change(&self, change: impl FnOnce(&mut State) -> Option<Waker>) {
        let waker = change(&mut self.state());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_head(&self, cx: &mut Context<'_>) -> Poll<Result<http::response::Parts, Error>> {
        let mut state = self.state();
        match state.head.take() {
            Some(head) => Poll::Ready(head),
            None => {
                state.head_waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_credit(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.credit > 0 {
            return Poll::Ready(());
        }
        state.credit_waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

// What C++ is told.
impl Inner {
    fn tell_body(&self, bytes: Bytes) {
        self.state().credit -= bytes.len() as i64;
        self.held.add(bytes.len());
        let tell = self.host.calls.egress_body;
        if bytes.len() < SHARE_FROM_BYTES {
            return tell(self.token(), OwnedBytes::borrowed(&bytes));
        }
        tell(self.token(), OwnedBytes::from_bytes(bytes));
    }

    fn tell_body_end(&self, trailers: &http::HeaderMap) {
        with_fields(trailers, |fields| {
            (self.host.calls.egress_body_end)(self.token(), fields.as_ptr(), fields.len());
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(token) = self.token.get() {
            (self.host.calls.egress_release)(token.0);
        }
    }
}

/// The handle that C++ holds.
pub struct Egress(Arc<Inner>);

/// Tells C++ that nobody waits for the response any more.
struct CancelOnDrop(Arc<Inner>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        (self.0.host.calls.egress_cancel)(self.0.token());
    }
}

/// The content of a response that comes from C++.
struct ResponseBody {
    inner: Arc<Inner>,
    _cancel: CancelOnDrop,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.inner.state();
        if let Some(chunk) = state.chunks.pop_front() {
            drop(state);
            self.inner.held.give(chunk.len());
            (self.inner.host.calls.egress_consumed)(self.inner.token(), chunk.len());
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if let Some(error) = state.error.take() {
            state.ended = true;
            return Poll::Ready(Some(Err(error)));
        }
        if state.ended {
            let trailers = state.trailers.take();
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        state.body_waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Moves the request's content to C++; gives it up if dropped before its end.
struct Pump {
    inner: Arc<Inner>,
    finished: bool,
}

impl Pump {
    async fn run(mut self, mut body: WasiBody) {
        loop {
            poll_fn(|cx| self.inner.poll_credit(cx)).await;
            let frame = match body.frame().await {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => return,
                None => {
                    self.finished = true;
                    return self.inner.tell_body_end(&http::HeaderMap::new());
                }
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => self.inner.tell_body(data),
                Err(frame) => {
                    self.finished = true;
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return self.inner.tell_body_end(&trailers);
                }
            }
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if !self.finished {
            (self.inner.host.calls.egress_body_error)(self.inner.token());
        }
    }
}

fn nanoseconds(timeout: Option<Duration>) -> i64 {
    timeout.map_or(-1, |timeout| {
        i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// Tells C++ of a request: one for the component behind an import, or for the world outside.
pub fn start(
    host: &Arc<Shared>,
    held: &Held,
    parts: &http::request::Parts,
    options: RequestOptions,
    import: u32,
) -> Arc<Inner> {
    let state = State {
        credit: host.egress_window_bytes as i64,
        ..State::default()
    };
    let inner = Arc::new(Inner {
        host: host.clone(),
        token: OnceLock::new(),
        state: Mutex::new(state),
        held: held.portion(),
    });
    let handle = Box::into_raw(Box::new(Egress(inner.clone())));
    let uri = &parts.uri;
    let path = uri.path_and_query().map(|path| path.as_str());
    let authority = uri.authority().map(|authority| authority.as_str());
    let texts = [Some(parts.method.as_str()), authority, path];
    let texts = texts.into_iter().flatten().map(str::len).sum::<usize>();
    inner.held.add(fields_bytes(&parts.headers) + texts);
    let text = |part: Option<&str>| Str::of(part.unwrap_or_default().as_bytes());
    let token = with_fields(&parts.headers, |headers| {
        let request = EgressRequest {
            method: Str::of(parts.method.as_str().as_bytes()),
            scheme: text(uri.scheme_str()),
            authority: text(authority),
            path: text(path),
            headers: headers.as_ptr(),
            header_count: headers.len(),
            connect_timeout_ns: nanoseconds(options.connect_timeout),
            first_byte_timeout_ns: nanoseconds(options.first_byte_timeout),
            between_bytes_timeout_ns: nanoseconds(options.between_bytes_timeout),
            import,
        };
        host.egress_start(handle, &request)
    });
    _ = inner.token.set(Token(token));
    inner
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
pub type Sent = Result<(http::Response<WasiBody>, Io), Error>;

/// Moves content both ways until the response's head is there; then the future with it moves what
/// is left of the request's, and the response's body gives what comes.
pub async fn exchange(inner: Arc<Inner>, body: WasiBody) -> Sent {
    let cancel = CancelOnDrop(inner.clone());
    let pump = Pump {
        inner: inner.clone(),
        finished: false,
    };
    let mut pump = Some(Box::pin(pump.run(body)));
    let head = poll_fn(|cx| {
        if let Some(running) = pump.as_mut()
            && running.as_mut().poll(cx).is_ready()
        {
            pump = None;
        }
        inner.poll_head(cx)
    })
    .await?;
    let body = ResponseBody {
        inner,
        _cancel: cancel,
    };
    let io: Io = Box::new(async move {
        if let Some(pump) = pump {
            pump.await;
        }
        Ok(())
    });
    Ok((http::Response::from_parts(head, body.boxed_unsync()), io))
}

/// Fields of connections, which guests neither see nor send: Wasmtime's own choice, but without its
/// making the list anew for each field that it looks at.
fn is_forbidden(name: &http::HeaderName) -> bool {
    static NAMES: [http::HeaderName; 9] = DEFAULT_FORBIDDEN_HEADERS;
    NAMES.contains(name)
}

pub struct Hooks {
    host: Arc<Shared>,
    held: Held,
    import: u32,
}

impl Hooks {
    /// `held`: of the store.
    pub fn new(host: Arc<Shared>, held: Held) -> Hooks {
        Hooks {
            host,
            held,
            import: NO_IMPORT,
        }
    }

    /// For requests to the component that serves an import.
    pub fn to_component(host: Arc<Shared>, held: Held, import: u32) -> Hooks {
        Hooks { host, held, import }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (parts, body) = request.into_parts();
        let options = options.unwrap_or_default();
        let inner = start(&self.host, &self.held, &parts, options, self.import);
        Box::new(exchange(inner, body))
    }

    fn is_forbidden_header(&mut self, name: &http::HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        static FILTER: LazyLock<ForbiddenHeaderFilter> = LazyLock::new(|| Arc::new(is_forbidden));
        FILTER.clone()
    }

    /// A request within a workload is never encrypted.
    fn default_scheme(&mut self) -> Option<Scheme> {
        Some(match self.import {
            NO_IMPORT => Scheme::HTTPS,
            _ => Scheme::HTTP,
        })
    }

    /// C++ writes the host field from the authority.
    fn set_host_header(&mut self) -> bool {
        false
    }
    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        BODY_CHUNKS
    }
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
}

/// # Safety
/// `egress` is alive; the texts are alive during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_egress_fail(egress: *mut Egress, code: Str, message: Str) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (egress, code, message) = unsafe {
            (
                &*egress,
                code.bytes(),
                String::from_utf8_lossy(message.bytes()),
            )
        };
        let error = || error_named(std::str::from_utf8(code).unwrap_or_default(), &message);
        egress.0.change(|state| {
            if state.head.is_none() {
                state.head = Some(Err(error()));
            }
            state.error = Some(error());
            state.head_waker.take()
        });
        egress.0.change(|state| state.body_waker.take());
    });
}

/// # Safety
/// `egress` and the fields are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_egress_respond(
    egress: *mut Egress,
    status: u16,
    headers: *const Field,
    count: usize,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (egress, headers) = unsafe { (&*egress, header_map(fields(headers, count))) };
        if let Ok(headers) = &headers {
            egress.0.held.add(fields_bytes(headers));
        }
        let head = headers.and_then(|headers| {
            let mut response = http::Response::new(());
            *response.status_mut() = http::StatusCode::from_u16(status)?;
            *response.headers_mut() = headers;
            Ok(response.into_parts().0)
        });
        egress.0.change(|state| {
            state.head = Some(head.map_err(|_| Error::HttpProtocolError));
            state.head_waker.take()
        });
    });
}

/// # Safety
/// `egress` is alive; `bytes` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_egress_push(egress: *mut Egress, bytes: OwnedBytes) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (egress, bytes) = unsafe { (&*egress, bytes.into_bytes()) };
        if !bytes.is_empty() {
            egress.0.held.add(bytes.len());
            egress.0.change(|state| {
                state.chunks.push_back(bytes);
                state.body_waker.take()
            });
        }
    });
}

/// # Safety
/// `egress` and the fields are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_egress_end(
    egress: *mut Egress,
    trailers: *const Field,
    count: usize,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (egress, trailers) = unsafe { (&*egress, header_map(fields(trailers, count))) };
        if let Ok(trailers) = &trailers {
            egress.0.held.add(fields_bytes(trailers));
        }
        egress.0.change(|state| {
            match trailers {
                Ok(trailers) => state.trailers = Some(trailers).filter(|map| !map.is_empty()),
                Err(_) => state.error = Some(Error::HttpProtocolError),
            }
            state.ended = true;
            state.body_waker.take()
        });
    });
}

/// # Safety
/// `egress` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_egress_grant(egress: *mut Egress, bytes: usize) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let egress = unsafe { &*egress };
        egress.0.held.give(bytes);
        egress.0.change(|state| {
            state.credit = state.credit.saturating_add(bytes as i64);
            state.credit_waker.take()
        });
    });
}

/// # Safety
/// `egress` came from `egress_start` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_egress_free(egress: *mut Egress) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(egress) }));
}
