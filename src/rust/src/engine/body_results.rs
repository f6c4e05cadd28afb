//! What a guest of WASI 0.3 says became of a message: of one whose content it took, or after the
//! content of one that it made. It stays in the memory of the host, where nothing counts it, until
//! somebody asks: so the texts in it are short here.

use std::pin::Pin;
use std::result;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::component::{
    FutureConsumer, FutureReader, Lift, Linker, Lower, Resource, Source, StreamReader,
};
use wasmtime::{AsContextMut, Error, Result, StoreContextMut};
use wasmtime_wasi_http::p3::bindings::http::types::{
    ErrorCode, Headers, HostRequestWithStore, HostResponseWithStore, RequestOptions, Trailers,
};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};

use super::host::Host;

/// Enough for a sentence that says what went wrong.
const MAX_TEXT_BYTES: usize = 1024;

type Told<T> = result::Result<T, ErrorCode>;
/// What became of it.
type Outcome = FutureReader<Told<()>>;
type TrailersToCome = FutureReader<Told<Option<Resource<Trailers>>>>;

fn shorten(mut code: ErrorCode) -> ErrorCode {
    let text = match &mut code {
        ErrorCode::DnsError(said) => said.rcode.as_mut(),
        ErrorCode::TlsAlertReceived(said) => said.alert_message.as_mut(),
        ErrorCode::HttpRequestHeaderSize(Some(said))
        | ErrorCode::HttpRequestTrailerSize(said)
        | ErrorCode::HttpResponseHeaderSize(said)
        | ErrorCode::HttpResponseTrailerSize(said) => said.field_name.as_mut(),
        ErrorCode::HttpResponseTransferCoding(text)
        | ErrorCode::HttpResponseContentCoding(text)
        | ErrorCode::InternalError(text) => text.as_mut(),
        _ => None,
    };
    if let Some(text) = text {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.shrink_to_fit();
    }
    code
}

/// What a future may hold.
trait Held: Lift + Lower + Default + Send + 'static {
    /// Nobody takes it any more.
    fn forget(self, host: &mut Host);
}

impl Held for () {
    fn forget(self, _: &mut Host) {}
}

impl Held for Option<Resource<Trailers>> {
    fn forget(self, host: &mut Host) {
        if let Some(trailers) = self {
            _ = host.table.delete(trailers);
        }
    }
}

struct Shortener<T>(Option<oneshot::Sender<Told<T>>>);

impl<T: Held> FutureConsumer<Host> for Shortener<T> {
    type Item = Told<T>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'_, Host>,
        mut source: Source<'_, Told<T>>,
        _: bool,
    ) -> Poll<Result<()>> {
        let mut told = None;
        source.read(&mut store, &mut told)?;
        if let (Some(tell), Some(told)) = (self.0.take(), told)
            && let Err(Ok(unwanted)) = tell.send(told.map_err(shorten))
        {
            unwanted.forget(store.data_mut());
        }
        Poll::Ready(Ok(()))
    }
}

fn shortened<T: Held>(
    mut store: impl AsContextMut<Data = Host>,
    told: FutureReader<Told<T>>,
) -> Result<FutureReader<Told<T>>> {
    let (tell, is_told) = oneshot::channel();
    told.pipe(&mut store, Shortener(Some(tell)))?;
    // What is dropped without a word went well, as wasmtime-wasi-http has it.
    FutureReader::new(&mut store, async move {
        Ok::<_, Error>(is_told.await.unwrap_or_else(|_| Ok(T::default())))
    })
}

type Store<'a> = StoreContextMut<'a, Host>;
type Access<'a> = wasmtime::component::Access<'a, Host, WasiHttp>;

type RequestParts = (
    Resource<Headers>,
    Option<StreamReader<u8>>,
    TrailersToCome,
    Option<Resource<RequestOptions>>,
);

fn new_request(
    mut store: Store<'_>,
    parts: RequestParts,
) -> Result<((Resource<Request>, Outcome),)> {
    let (headers, contents, trailers, options) = parts;
    let trailers = shortened(&mut store, trailers)?;
    let access = Access::new(store, Host::http);
    let made = HostRequestWithStore::new(access, headers, contents, trailers, options)?;
    Ok((made,))
}

type ResponseParts = (Resource<Headers>, Option<StreamReader<u8>>, TrailersToCome);

fn new_response(
    mut store: Store<'_>,
    (headers, contents, trailers): ResponseParts,
) -> Result<((Resource<Response>, Outcome),)> {
    let trailers = shortened(&mut store, trailers)?;
    let access = Access::new(store, Host::http);
    let made = HostResponseWithStore::new(access, headers, contents, trailers)?;
    Ok((made,))
}

type Content = (StreamReader<u8>, TrailersToCome);

fn consume_request(
    mut store: Store<'_>,
    (request, told): (Resource<Request>, Outcome),
) -> Result<(Content,)> {
    let told = shortened(&mut store, told)?;
    let access = Access::new(store, Host::http);
    Ok((HostRequestWithStore::consume_body(access, request, told)?,))
}

fn consume_response(
    mut store: Store<'_>,
    (response, told): (Resource<Response>, Outcome),
) -> Result<(Content,)> {
    let told = shortened(&mut store, told)?;
    let access = Access::new(store, Host::http);
    Ok((HostResponseWithStore::consume_body(access, response, told)?,))
}

/// Replaces what makes messages and what takes their content.
pub fn add_to_linker(linker: &mut Linker<Host>) -> Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance("wasi:http/types@0.3.0")?;
    types.func_wrap("[static]request.new", new_request)?;
    types.func_wrap("[static]response.new", new_response)?;
    types.func_wrap("[static]request.consume-body", consume_request)?;
    types.func_wrap("[static]response.consume-body", consume_response)?;
    linker.allow_shadowing(false);
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasmtime_wasi_http::p3::bindings::http::types::{DnsErrorPayload, FieldSizePayload};

    use super::{ErrorCode, MAX_TEXT_BYTES, shorten};

    #[test]
    fn texts_are_short() {
        let long = || Some("\u{e9}".repeat(MAX_TEXT_BYTES));
        let short = Some("\u{e9}".repeat(MAX_TEXT_BYTES / 2));
        match shorten(ErrorCode::InternalError(long())) {
            ErrorCode::InternalError(text) => assert_eq!(text, short),
            other => panic!("{other:?}"),
        }
        let payload = DnsErrorPayload {
            rcode: long(),
            info_code: Some(3),
        };
        match shorten(ErrorCode::DnsError(payload)) {
            ErrorCode::DnsError(said) => {
                assert_eq!((said.rcode, said.info_code), (short.clone(), Some(3)))
            }
            other => panic!("{other:?}"),
        }
        let payload = FieldSizePayload {
            field_name: Some("x".into()),
            field_size: None,
        };
        match shorten(ErrorCode::HttpRequestHeaderSize(Some(payload))) {
            ErrorCode::HttpRequestHeaderSize(Some(said)) => {
                assert_eq!(said.field_name.as_deref(), Some("x"));
            }
            other => panic!("{other:?}"),
        }
    }
}
