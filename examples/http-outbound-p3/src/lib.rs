//! Forwards a request to the URL in the header `x-url` or the query `?url=…`: method, headers, body
//! and trailers go out, status, headers, body and trailers come back, both at the same time and in
//! constant memory. When that fails the answer is 502 and its first line the name of the error.
//!
//! The bodies are handed on as they are. Under a path that starts with `/copy` they pass through
//! this component's own memory instead.
//!
//! * `x-connect-timeout-ms`, `x-first-byte-timeout-ms`, `x-between-bytes-timeout-ms`: the limits to
//!   ask the host for.
//! * `x-take: N`: end the answer after N bytes and let the rest of it go.

mod body;
mod request;

use initial_heap as _;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_future;

use crate::request::Wishes;

wasip3::http::service::export!(Outbound);

struct Outbound;

impl wasip3::exports::http::handler::Guest for Outbound {
    async fn handle(incoming: Request) -> Result<Response, ErrorCode> {
        let wishes = Wishes::of(&incoming);
        let Some(url) = request::target(&incoming) else {
            return Ok(body::text(
                400,
                "name a target in ?url=… or in the header x-url\n",
            ));
        };
        let Some(outgoing) = request::outgoing(incoming, &url, &wishes) else {
            return Ok(body::text(
                400,
                "the target must look like http://host[:port]/path\n",
            ));
        };
        match client::send(outgoing).await {
            Ok(response) => Ok(answer(response, &wishes)),
            Err(error) => Ok(body::text(502, &describe(&error))),
        }
    }
}

fn answer(from: Response, wishes: &Wishes) -> Response {
    let status = from.get_status_code();
    let headers = Fields::new();
    for (name, value) in from.get_headers().copy_all() {
        // With only part of the body its length would be a lie.
        if wishes.take.is_none() || name != "content-length" {
            let _ = headers.append(&name, &value); // the host keeps some names for itself
        }
    }
    let (_, taken) = wit_future::new(|| Ok(()));
    let (stream, trailers) = Response::consume_body(from, taken);
    let (response, _sent) = match wishes.take {
        Some(limit) => {
            let (_, no_trailers) = wit_future::new(|| Ok(None));
            Response::new(headers, Some(body::copied(stream, limit)), no_trailers)
        }
        None => Response::new(headers, Some(body::handed_on(stream, wishes)), trailers),
    };
    response.set_status_code(status).unwrap();
    response
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
