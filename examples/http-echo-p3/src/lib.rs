//! Sends the request's body and trailers back, in constant memory whatever the length.
//!
//! The body passes through this component's own memory. Under a path that starts with `/pipe` the
//! incoming stream itself becomes the response's, and the component never sees the bytes.

use initial_heap as _;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::{self, StreamReader, StreamResult, StreamWriter};
use wasip3::{wit_future, wit_stream};

wasip3::http::service::export!(Echo);

struct Echo;

const PIECE: usize = 64 * 1024;

impl wasip3::exports::http::handler::Guest for Echo {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let pipe = request
            .get_path_with_query()
            .is_some_and(|path| path.starts_with("/pipe"));
        let headers = echoed_headers(&request);
        let (_, taken) = wit_future::new(|| Ok(()));
        let (input, trailers) = Request::consume_body(request, taken);
        if pipe {
            return Ok(Response::new(headers, Some(input), trailers).0);
        }

        let (output, contents) = wit_stream::new();
        wit_bindgen::spawn_local(copy_all(input, output));
        Ok(Response::new(headers, Some(contents), trailers).0)
    }
}

/// The body's type, and the announcement of trailers without which HTTP/1 servers keep them back.
fn echoed_headers(request: &Request) -> Fields {
    let (from, to) = (request.get_headers(), Fields::new());
    for name in ["content-type", "trailer"] {
        for value in from.get(name) {
            let _ = to.append(name, &value);
        }
    }
    to
}

async fn copy_all(mut input: StreamReader<u8>, mut output: StreamWriter<u8>) {
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        let (result, read) = input.read(piece).await;
        if !matches!(result, StreamResult::Complete(_)) {
            return;
        }
        piece = output.write_all(read).await;
        if !piece.is_empty() {
            return; // the client has gone away
        }
    }
}
