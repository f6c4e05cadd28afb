//! Responses in one call.

use std::io::Write as _;

use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

pub fn text(out: ResponseOutparam, status: u16, text: &str) {
    whole(out, status, "text/plain", text.as_bytes());
}

pub fn json(out: ResponseOutparam, json: &str) {
    whole(out, 200, "application/json", format!("{json}\n").as_bytes());
}

/// Sends the head of a response.
pub fn start(out: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> OutgoingBody {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value.as_bytes()).unwrap();
    }
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    body
}

pub fn finish(body: OutgoingBody, stream: OutputStream, trailers: Option<Fields>) {
    drop(stream); // it must go before the body it belongs to
    let _ = OutgoingBody::finish(body, trailers);
}

fn whole(out: ResponseOutparam, status: u16, content_type: &str, bytes: &[u8]) {
    let body = start(out, status, &[("content-type", content_type)]);
    let mut stream = body.write().unwrap();
    // A client that has gone away is no reason to trap.
    let _ = stream.write_all(bytes);
    let _ = stream.flush();
    finish(body, stream, None);
}
