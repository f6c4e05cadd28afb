//! Sends the request's body and trailers back, in constant memory whatever the length.
//!
//! The body passes through this component's own memory. Under a path that starts with `/splice` the
//! host moves the bytes from stream to stream instead, and the component never sees them.

use std::io::{self, Read, Write};

use initial_heap as _;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

wasip2::http::proxy::export!(Echo);

struct Echo;

const PIECE: usize = 64 * 1024;

impl Guest for Echo {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let splice = request
            .path_with_query()
            .is_some_and(|path| path.starts_with("/splice"));
        let response = OutgoingResponse::new(echoed_headers(&request));
        let body_out = response.body().unwrap();
        let body_in = request.consume().unwrap();
        ResponseOutparam::set(response_out, Ok(response));

        let mut input = body_in.stream().unwrap();
        let mut output = body_out.write().unwrap();
        let copied = if splice {
            splice_all(&input, &output)
        } else {
            copy_all(&mut input, &mut output).is_ok()
        };
        drop((input, output));

        // A body that is dropped, not finished, tells the client that it is incomplete.
        if copied && let Ok(trailers) = trailers_of(body_in) {
            let _ = OutgoingBody::finish(body_out, trailers);
        }
    }
}

/// The body's type, and the announcement of trailers without which HTTP/1 servers keep them back.
fn echoed_headers(request: &IncomingRequest) -> Fields {
    let (from, to) = (request.headers(), Fields::new());
    for name in ["content-type", "trailer"] {
        for value in from.get(name) {
            let _ = to.append(name, &value);
        }
    }
    to
}

fn copy_all(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece)? {
            0 => return output.flush(),
            length => output.write_all(&piece[..length])?,
        }
    }
}

fn splice_all(input: &InputStream, output: &OutputStream) -> bool {
    loop {
        match output.blocking_splice(input, PIECE as u64) {
            Ok(_) => {}
            Err(StreamError::Closed) => return true,
            Err(StreamError::LastOperationFailed(_)) => return false,
        }
    }
}

/// Waits for what follows the body.
fn trailers_of(body: IncomingBody) -> Result<Option<Fields>, ()> {
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    trailers.get().unwrap().unwrap().map_err(drop)
}
