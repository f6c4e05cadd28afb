//! HTTP requests from one component to another that is not in its store: what imports of
//! `wasi:http/incoming-handler` and `wasi:http/handler` do. A request goes to C++ like one that
//! leaves (see `egress`), with the import to whose provider it goes, and so does the response come
//! back.

use std::future::{pending, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::{Either, select};
use http::uri::{Authority, PathAndQuery, Scheme};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use wasmtime::component::{LinkerInstance, Resource, ResourceTable};
use wasmtime::{Result, StoreContextMut, ensure, format_err};
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p2::bindings::http::types::HostIncomingRequest as _;
use wasmtime_wasi_http::p2::body::{HostFutureTrailers, HostIncomingBody, HostIncomingBodyStream};
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::http::client::HostWithStore;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtxView, WasiHttpView,
};

use super::egress::{exchange, start};
use super::exchange::Inner;
use super::host::Host;
use super::labels::{MAX_SLOTS, is_compatible, per_slot};

/// An interface that takes HTTP requests.
#[derive(Clone, Copy, PartialEq)]
pub enum Handler {
    P2,
    P3,
}

impl Handler {
    pub fn of(interface: &str) -> Option<Handler> {
        let (name, version) = interface.split_once('@')?;
        match name {
            "wasi:http/incoming-handler" if is_compatible(version, "0.2.") => Some(Handler::P2),
            "wasi:http/handler" if is_compatible(version, "0.3.") => Some(Handler::P3),
            _ => None,
        }
    }
}

type Instance<'a, 'b> = &'a mut LinkerInstance<'b, Host>;

// --- WASI 0.3

/// A linker wants plain functions, so each import has its own.
const HANDLERS: [fn(&mut Host) -> WasiHttpCtxView<'_>; MAX_SLOTS] = per_slot!(handler);

fn handler<const POSITION: usize>(host: &mut Host) -> WasiHttpCtxView<'_> {
    host.handler(POSITION)
}

/// Fills in what a server would have been told, as C++ does for HTTP/1.0.
fn complete(table: &mut ResourceTable, request: &Resource<Request>) -> Result<()> {
    let request = table.get_mut(request)?;
    let authority = &mut request.authority;
    authority.get_or_insert_with(|| Authority::from_static("localhost"));
    let path = &mut request.path_with_query;
    path.get_or_insert_with(|| PathAndQuery::from_static("/"));
    Ok(())
}

/// `position`: among the component's imports of this kind.
pub fn add_p3(instance: Instance<'_, '_>, position: usize) -> Result<()> {
    ensure!(
        position < MAX_SLOTS,
        "more than {MAX_SLOTS} imports of wasi:http/handler"
    );
    instance.func_wrap_concurrent(
        "handle",
        move |accessor, (request,): (Resource<Request>,)| {
            let accessor = accessor.with_getter::<WasiHttp>(HANDLERS[position]);
            Box::pin(async move {
                accessor.with(|mut store| complete(store.get().table, &request))?;
                Ok((match WasiHttp::send(&accessor, request).await {
                    Ok(response) => Ok(response),
                    Err(error) => Err(error.downcast()?),
                },))
            })
        },
    )
}

// --- WASI 0.2

/// The content of a request that the guest did not make and hands on.
enum Passed {
    Content(HostIncomingBodyStream, HostIncomingBody),
    Trailers(HostFutureTrailers),
    /// The guest took it.
    Missing,
    Over,
}

impl Passed {
    fn of(body: Option<HostIncomingBody>) -> Passed {
        let Some(mut body) = body else {
            return Passed::Missing;
        };
        match body.take_stream() {
            Some(stream) => Passed::Content(stream, body),
            None => Passed::Missing,
        }
    }

    /// The next piece; None if the content is at its end.
    fn poll_content(
        stream: &mut HostIncomingBodyStream,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            ready!(pin!(stream.ready()).poll(cx));
            return Poll::Ready(match stream.read(usize::MAX) {
                Ok(bytes) if bytes.is_empty() => continue,
                Ok(bytes) => Some(Ok(bytes)),
                Err(StreamError::Closed) => None,
                Err(StreamError::LastOperationFailed(error) | StreamError::Trap(error)) => {
                    Some(Err(error.downcast().unwrap_or_else(|error| {
                        Error::InternalError(Some(error.to_string()))
                    })))
                }
            });
        }
    }
}

type MaybeFrame = Option<Result<Frame<Bytes>, Error>>;

impl Body for Passed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MaybeFrame> {
        let this = self.get_mut();
        if let Passed::Content(stream, _) = this {
            match ready!(Passed::poll_content(stream, cx)) {
                Some(Ok(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Err(error)) => {
                    *this = Passed::Over;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {}
            }
            // Trailers come from the content once its stream is gone.
            if let Passed::Content(stream, body) = mem::replace(this, Passed::Over) {
                drop(stream);
                *this = Passed::Trailers(body.into_future_trailers());
            }
        }
        if let Passed::Trailers(trailers) = this {
            ready!(pin!(trailers.ready()).poll(cx));
        }
        Poll::Ready(match mem::replace(this, Passed::Over) {
            Passed::Trailers(HostFutureTrailers::Done(Ok(Some(trailers)))) => {
                Some(Ok(Frame::trailers(trailers)))
            }
            Passed::Trailers(HostFutureTrailers::Done(Err(error))) => Some(Err(error)),
            Passed::Missing => Some(Err(Error::InternalError(Some(
                "the component that passed the request on had taken its content".into(),
            )))),
            _ => None,
        })
    }
}

/// Takes a request out of the store.
fn take(
    host: &mut Host,
    request: Resource<HostIncomingRequest>,
) -> Result<(http::request::Parts, WasiBody)> {
    let borrowed = || Resource::new_borrow(request.rep());
    let mut http = host.http();
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(match http.scheme(borrowed())? {
        Some(p2::Scheme::Https) => Scheme::HTTPS,
        _ => Scheme::HTTP,
    });
    uri.authority = http
        .authority(borrowed())?
        .map(TryInto::try_into)
        .transpose()?;
    uri.path_and_query = http
        .path_with_query(borrowed())?
        .map(TryInto::try_into)
        .transpose()?;
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.uri = http::Uri::from_parts(uri)?;
    parts.method = http.method(borrowed())?.try_into()?;
    let headers = http.headers(borrowed())?;
    parts.headers = host.table.delete(headers)?.into();
    let body = Passed::of(host.table.delete(request)?.body);
    Ok((parts, body.boxed_unsync()))
}

/// The content of a response, and who waits for it to be read to its end or dropped.
struct Watched {
    body: WasiBody,
    _gone: oneshot::Sender<()>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MaybeFrame> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
}

/// Returns when nobody waits for the response any more that the guest is to give.
async fn gone(client: Option<Arc<Inner>>) {
    match client {
        Some(client) => poll_fn(|cx| client.poll_unwanted(cx)).await,
        None => pending().await,
    }
}

/// Returns when the response is with whoever `out` belongs to: as if the other component had been
/// called in this store, whose own content would have to be written by then.
async fn hand_over(
    mut store: StoreContextMut<'_, Host>,
    import: u32,
    request: Resource<HostIncomingRequest>,
    out: Resource<HostResponseOutparam>,
) -> Result<()> {
    let host = store.data_mut();
    let context = host.context_of(0).clone();
    let (parts, body) = take(host, request)
        .map_err(|error| format_err!("cannot pass the request on: {error:#}"))?;
    let out = host.table.delete(out)?;
    let client = host.answering.clone();
    let begun = start(
        &context,
        &host.held,
        &parts,
        RequestOptions::default(),
        import,
    );
    let sent = match select(pin!(exchange(begun, body)), pin!(gone(client))).await {
        Either::Left((sent, _)) => sent,
        Either::Right(_) => Err(Error::ConnectionTerminated),
    };
    match sent {
        Err(error) => (out.send)(Err(p2::ErrorCode::InternalError(Some(error.to_string())))),
        Ok((response, io)) => {
            let (sender, gone) = oneshot::channel();
            let watched = response.map(|body| {
                let watched = Watched {
                    body,
                    _gone: sender,
                };
                watched.boxed_unsync()
            });
            (out.send)(Ok(watched));
            if let Either::Left((_, gone)) = select(Box::into_pin(io), gone).await {
                _ = gone.await;
            }
        }
    }
    Ok(())
}

pub fn add_p2(instance: Instance<'_, '_>, import: u32) -> Result<()> {
    instance.func_wrap_async("handle", move |store, (request, out)| {
        Box::new(hand_over(store, import, request, out))
    })
}
