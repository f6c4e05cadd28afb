//! `wasi:blobstore` over HTTP: `PUT /NAME` stores the body in container `web` as it comes, `GET
//! /NAME` streams it back, `GET /NAME?from=&to=` a part, `GET /` lists, `DELETE /NAME` removes.

mod client; // generated from wit/world.wit

use guest_support::{Query, path_of};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, StreamError};

use crate::client::wasi::blobstore::blobstore;
use crate::client::wasi::blobstore::container::Container;
use crate::client::wasi::blobstore::types::{IncomingValue, OutgoingValue};

wasip2::http::proxy::export!(Blobs);

struct Blobs;

impl Guest for Blobs {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let name = path_of(&path).trim_start_matches('/').to_owned();
        let done = match request.method() {
            Method::Put => put(&name, request),
            Method::Delete => container()
                .and_then(|web| web.delete_object(&name))
                .map(|()| Body::Text("gone\n".into())),
            _ if name.is_empty() => list(),
            _ => get(&name, &path),
        };
        match done {
            Ok(Body::Text(text)) => answer(response_out, 200, None, text.as_bytes()),
            Ok(Body::Stream(stream)) => answer(response_out, 200, Some(stream), b""),
            Err(error) => answer(response_out, 500, None, format!("{error}\n").as_bytes()),
        }
    }
}

enum Body {
    Text(String),
    Stream(InputStream),
}

fn container() -> Result<Container, String> {
    blobstore::create_container("web")
}

fn put(name: &str, request: IncomingRequest) -> Result<Body, String> {
    let web = container()?;
    let value = OutgoingValue::new_outgoing_value();
    let to = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    web.write_data(name, &value)?;
    let body = request.consume().map_err(|()| "no body")?;
    let from = body.stream().map_err(|()| "no stream")?;
    let mut bytes = 0;
    loop {
        match to.blocking_splice(&from, 65536) {
            Ok(moved) => bytes += moved,
            Err(StreamError::Closed) => break,
            Err(error) => return Err(format!("{error:?}")),
        }
    }
    to.blocking_flush().map_err(|error| format!("{error:?}"))?;
    drop(to);
    OutgoingValue::finish(value)?;
    Ok(Body::Text(format!("stored {bytes}\n")))
}

fn get(name: &str, path: &str) -> Result<Body, String> {
    let web = container()?;
    if !web.has_object(name)? {
        return Err(format!("no object {name}"));
    }
    let query = Query::of(path);
    let (from, to) = (query.number("from", 0), query.number("to", u64::MAX));
    let value = web.get_data(name, from, to)?;
    IncomingValue::incoming_value_consume_async(value).map(Body::Stream)
}

fn list() -> Result<Body, String> {
    let web = container()?;
    let names = web.list_objects()?;
    let mut text = String::new();
    loop {
        let (some, end) = names.read_stream_object_names(2)?;
        for name in some {
            let info = web.object_info(&name)?;
            text.push_str(&format!("{name} {}\n", info.size));
        }
        if end {
            return Ok(Body::Text(text));
        }
    }
}

fn answer(out: ResponseOutparam, status: u16, stream: Option<InputStream>, text: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let to = body.write().unwrap();
    if let Some(from) = stream {
        while to.blocking_splice(&from, 65536).is_ok() {}
        drop(from);
    }
    for piece in text.chunks(4096) {
        to.blocking_write_and_flush(piece).unwrap();
    }
    drop(to);
    OutgoingBody::finish(body, None).unwrap();
}
