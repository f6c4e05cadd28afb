//! What a guest keeps in the memory of the host by way of `wasi:http`: the heads of messages that
//! it has handles of, and what its requests on their way and their responses hold. Each is bounded,
//! but there may be one for each handle. So now and then they are all added up, and what is more
//! than a little counts as the guest's memory does.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p2::types as p2_types;
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::http::types as p3_types;
use wasmtime_wasi_http::{FieldMap, WasiHttpView};

use super::egress::OPEN_BODY_BYTES;
use super::host::Host;

/// What one set of header fields may hold: as much as a request's head by default, and what is
/// counted for each field besides its text.
pub const MAX_FIELDS_BYTES: usize = 128 << 10;

/// Of a method or an authority, which Wasmtime takes at any length.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// Calls of `wasi:http` between two looks. None of them adds more than `OPEN_BODY_BYTES`.
const CALLS_BETWEEN_LOOKS: u32 = 64;

/// When all that is kept is to be looked at.
#[derive(Default)]
pub struct Looks {
    calls: u32,
}

impl Looks {
    /// Before a call of `wasi:http`.
    pub fn is_due(&mut self) -> bool {
        self.calls += 1;
        if self.calls < CALLS_BETWEEN_LOOKS {
            return false;
        }
        self.calls = 0;
        true
    }
}

/// Bytes that all requests of one store hold that are on their way, with their responses.
#[derive(Clone, Default)]
pub struct Held(Arc<AtomicU64>);

impl Held {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn portion(&self) -> Portion {
        Portion {
            all: self.clone(),
            bytes: AtomicU64::new(0),
        }
    }
}

/// What one of them holds; given back when dropped.
pub struct Portion {
    all: Held,
    bytes: AtomicU64,
}

impl Portion {
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn give(&self, bytes: usize) {
        let less = |held: u64| Some(held.saturating_sub(bytes as u64));
        let held = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        let given = held.map_or(0, |held| held.min(bytes as u64));
        self.all.0.fetch_sub(given, Ordering::Relaxed);
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        let left = self.bytes.load(Ordering::Relaxed);
        self.all.0.fetch_sub(left, Ordering::Relaxed);
    }
}

/// The bytes of all heads in the table, and of content that may be written already for messages
/// that have not left. Sets of fields that share their content count each, and requests of WASI 0.2
/// that came in as much as the largest of them.
pub fn kept_bytes(table: &mut ResourceTable, request_bytes: usize) -> u64 {
    let entries = table.iter_mut();
    let bytes = entries.map(|entry| match entry.is::<p2_types::HostIncomingRequest>() {
        true => request_bytes,
        false => bytes_of(entry),
    });
    bytes.sum::<usize>() as u64
}

fn bytes_of(entry: &dyn Any) -> usize {
    if let Some(fields) = entry.downcast_ref::<FieldMap>() {
        return fields_bytes(fields);
    }
    if let Some(request) = entry.downcast_ref::<p2_types::HostOutgoingRequest>() {
        let method = match &request.method {
            p2::Method::Other(method) => method.len(),
            _ => 0,
        };
        let texts = [&request.authority, &request.path_with_query];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        return fields_bytes(&request.headers) + method + texts + open(request.body.is_some());
    }
    if let Some(response) = entry.downcast_ref::<p2_types::HostOutgoingResponse>() {
        return fields_bytes(&response.headers) + open(response.body.is_some());
    }
    if let Some(response) = entry.downcast_ref::<p2_types::HostIncomingResponse>() {
        return fields_bytes(&response.headers);
    }
    if let Some(request) = entry.downcast_ref::<p3::Request>() {
        let path = request.path_with_query.as_ref();
        return fields_bytes(&request.headers)
            + request.method.as_str().len()
            + request.authority.as_ref().map_or(0, |a| a.as_str().len())
            + path.map_or(0, |path| path.as_str().len());
    }
    if let Some(response) = entry.downcast_ref::<p3::Response>() {
        return fields_bytes(&response.headers);
    }
    0
}

fn open(has_body: bool) -> usize {
    match has_body {
        true => OPEN_BODY_BYTES,
        false => 0,
    }
}

/// With what each name and value takes besides its text.
pub fn fields_bytes(fields: &http::HeaderMap) -> usize {
    let names = fields.keys();
    let names = names.map(|name| name.as_str().len() + size_of::<http::HeaderName>());
    let values = fields.values();
    let values = values.map(|value| value.len() + size_of::<http::HeaderValue>());
    names.sum::<usize>() + values.sum::<usize>()
}

/// Replaces functions of a request that would take texts of any length.
macro_rules! replace_in {
    (
        $linker:ident,
        $interface:literal,
        $resource:literal,
        $of:ident,
        $request:ty,
        $bindings:ident
    ) => {{
        use $bindings::{$of, Method};
        let mut types = $linker.instance($interface)?;
        types.func_wrap(
            concat!("[method]", $resource, ".set-method"),
            |mut store: Store<'_>, (request, method): (Resource<$request>, Method)| -> Told {
                if matches!(&method, Method::Other(text) if text.len() > MAX_TEXT_BYTES) {
                    return Ok((Err(()),));
                }
                let mut view = store.data_mut().http();
                Ok(($of::set_method(&mut view, request, method)?,))
            },
        )?;
        types.func_wrap(
            concat!("[method]", $resource, ".set-authority"),
            |mut store: Store<'_>, (request, text): (Resource<$request>, Option<String>)| -> Told {
                if text.as_ref().is_some_and(|text| text.len() > MAX_TEXT_BYTES) {
                    return Ok((Err(()),));
                }
                let mut view = store.data_mut().http();
                Ok(($of::set_authority(&mut view, request, text)?,))
            },
        )?;
    }};
}

type Store<'a> = StoreContextMut<'a, Host>;
type Told = Result<(std::result::Result<(), ()>,)>;

pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    use p2_types::HostOutgoingRequest as P2Request;
    linker.allow_shadowing(true);
    replace_in!(
        linker,
        "wasi:http/types@0.2.12",
        "outgoing-request",
        HostOutgoingRequest,
        P2Request,
        p2
    );
    if concurrency {
        replace_in!(
            linker,
            "wasi:http/types@0.3.0",
            "request",
            HostRequest,
            p3::Request,
            p3_types
        );
    }
    linker.allow_shadowing(false);
    Ok(())
}
