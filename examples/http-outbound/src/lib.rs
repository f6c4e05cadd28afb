//! Forwards a request to the URL in the header `x-url` or the query `?url=…`: method, headers, body
//! and trailers go out, status, headers, body and trailers come back, both at the same time and in
//! constant memory. When that fails the answer is 502 and its first line the name of the error.
//!
//! * `x-connect-timeout-ms`, `x-first-byte-timeout-ms`, `x-between-bytes-timeout-ms`: the limits to
//!   ask the host for.
//! * `x-take: N`: end the answer after N bytes and let the rest of it go.

mod request;
mod transfer;

use std::io::Write as _;

use initial_heap as _;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingRequest, IncomingResponse, OutgoingBody,
    OutgoingResponse, ResponseOutparam,
};
use wasip2::io::poll::poll;

use crate::transfer::Transfer;

wasip2::http::proxy::export!(Outbound);

struct Outbound;

impl Guest for Outbound {
    fn handle(incoming: IncomingRequest, response_out: ResponseOutparam) {
        let Some(url) = request::target(&incoming) else {
            return refuse(
                response_out,
                400,
                "name a target in ?url=… or in the header x-url\n",
            );
        };
        let Some(outgoing) = request::outgoing(&incoming, &url) else {
            return refuse(
                response_out,
                400,
                "the target must look like http://host[:port]/path\n",
            );
        };
        let mut upload = request::has_body(&incoming)
            .then(|| Transfer::start(incoming.consume().unwrap(), outgoing.body().unwrap(), None));
        let response = match outgoing_handler::handle(outgoing, request::options(&incoming)) {
            Ok(pending) => wait_for_response(&pending, &mut upload),
            Err(error) => Err(error),
        };
        match response {
            Ok(response) => answer(response, response_out, upload, request::take(&incoming)),
            Err(error) => refuse(response_out, 502, &describe(&error)),
        }
    }
}

/// Waits for the response's head and sends the request's body meanwhile.
fn wait_for_response(
    pending: &FutureIncomingResponse,
    upload: &mut Option<Transfer>,
) -> Result<IncomingResponse, ErrorCode> {
    loop {
        if let Some(response) = pending.get() {
            return response.unwrap();
        }
        let sending = upload.as_mut().and_then(Transfer::advance);
        let response = pending.subscribe();
        match sending {
            Some(sending) => drop(poll(&[&response, &sending])),
            None => response.block(),
        }
    }
}

/// Passes the response on while what is left of the request's body is still being sent.
fn answer(
    from: IncomingResponse,
    response_out: ResponseOutparam,
    mut upload: Option<Transfer>,
    take: Option<u64>,
) {
    let headers = Fields::new();
    for (name, value) in from.headers().entries() {
        // With only part of the body its length would be a lie.
        if take.is_none() || name != "content-length" {
            let _ = headers.append(&name, &value); // the host keeps some names for itself
        }
    }
    let response = OutgoingResponse::new(headers);
    response.set_status_code(from.status()).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(response_out, Ok(response));

    let mut download = Transfer::start(from.consume().unwrap(), body, take);
    loop {
        let sending = upload.as_mut().and_then(Transfer::advance);
        match (download.advance(), sending) {
            (Some(receiving), Some(sending)) => drop(poll(&[&receiving, &sending])),
            (Some(receiving), None) => receiving.block(),
            // The answer is complete: nobody is interested in the rest of the request.
            (None, _) => return,
        }
    }
}

fn refuse(response_out: ResponseOutparam, status: u16, text: &str) {
    let headers = Fields::from_list(&[("content-type".into(), b"text/plain".to_vec())]).unwrap();
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(response_out, Ok(response));
    let mut stream = body.write().unwrap();
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// The error's WIT name in lower case on one line, everything known about it on the next.
fn describe(error: &ErrorCode) -> String {
    let debug = format!("{error:?}");
    let variant = debug
        .trim_start_matches("ErrorCode::")
        .split('(')
        .next()
        .unwrap_or_default();
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    format!("{name}\n{debug}\n")
}
