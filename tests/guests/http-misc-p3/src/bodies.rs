//! Bodies that come late, never end, lie or break off.

use guest_support::{Query, pattern};
use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::{self, StreamResult};
use wasip3::wit_future;

use crate::reply::{start, text};

const PIECE: usize = 64 * 1024;

/// The head at once, the body after `ms`.
pub fn late(query: &Query) -> Response {
    let (response, mut body, _) = start(200, &[]);
    let ms = query.number("ms", 100);
    wit_bindgen::spawn_local(async move {
        pause(ms).await;
        body.write_all(b"late\n".to_vec()).await;
    });
    response
}

/// Reads the request's body in pieces of `piece` bytes with a pause of `ms` after each, then
/// answers how many bytes there were.
pub async fn drain(request: Request, query: &Query) -> Response {
    let (_, taken) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = Request::consume_body(request, taken);
    let mut piece = Vec::with_capacity(query.number("piece", PIECE as u64) as usize);
    let mut total = 0;
    loop {
        let (result, read) = stream.read(piece).await;
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
        total += read.len();
        piece = read;
        piece.clear();
        pause(query.number("ms", 0)).await;
    }
    match trailers.await {
        Ok(_) => text(200, &format!("{total}\n")),
        Err(error) => text(200, &format!("{total}, then {error:?}\n")),
    }
}

/// `bytes` bytes in pieces of 64 KiB; with `length=1` the head says how many.
pub fn big(query: &Query) -> Response {
    let total = query.number("bytes", 1024 * 1024);
    let length = total.to_string();
    let headers = [("content-length", length.as_str())];
    let announced = query.number("length", 0) == 1;
    let (response, mut body, _) = start(200, if announced { &headers } else { &[] });
    wit_bindgen::spawn_local(async move {
        let mut sent = 0;
        while sent < total {
            let piece = pattern(sent, (total - sent).min(PIECE as u64) as usize);
            sent += piece.len() as u64;
            if !body.write_all(piece).await.is_empty() {
                return;
            }
        }
    });
    response
}

/// `n` writes of one byte.
pub fn small_writes(query: &Query) -> Response {
    let (response, mut body, _) = start(200, &[]);
    let count = query.number("n", 100);
    wit_bindgen::spawn_local(async move {
        for index in 0..count {
            if !body.write_all(pattern(index, 1)).await.is_empty() {
                return;
            }
        }
    });
    response
}

/// Writes something, then ends the body with an error instead of trailers.
pub fn trailers_error() -> Response {
    let (response, mut body, trailers) = start(200, &[]);
    wit_bindgen::spawn_local(async move {
        body.write_all(b"the beginning\n".to_vec()).await;
        drop(body);
        let _ = trailers
            .write(Err(ErrorCode::InternalError(Some("as told".into()))))
            .await;
    });
    response
}

/// Announces more than it writes and drops the stream.
pub fn drop_body_early() -> Response {
    let (response, mut body, _) = start(200, &[("content-length", "1000")]);
    wit_bindgen::spawn_local(async move {
        body.write_all(b"the beginning\n".to_vec()).await;
    });
    response
}

/// Writes something, then traps.
pub fn die_mid_body() -> Response {
    let (response, mut body, _) = start(200, &[]);
    wit_bindgen::spawn_local(async move {
        body.write_all(b"the beginning\n".to_vec()).await;
        core::arch::wasm32::unreachable()
    });
    response
}

/// Announces `declared` bytes and sends `bytes`.
pub fn wrong_length(query: &Query) -> Response {
    let declared = query.number("declared", 10).to_string();
    let status = query.number("status", 200) as u16;
    let (response, mut body, _) = start(status, &[("content-length", &declared)]);
    let bytes = pattern(0, query.number("bytes", 5) as usize);
    wit_bindgen::spawn_local(async move {
        body.write_all(bytes).await;
    });
    response
}

/// `count` headers with values of `bytes` bytes.
pub fn big_headers(query: &Query) -> Response {
    let value = "v".repeat(query.number("bytes", 100) as usize);
    let names: Vec<String> = (0..query.number("count", 10))
        .map(|n| format!("x-big-{n}"))
        .collect();
    let headers: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), value.as_str()))
        .collect();
    let (response, mut body, _) = start(200, &headers);
    wit_bindgen::spawn_local(async move {
        body.write_all(b"big headers\n".to_vec()).await;
    });
    response
}

pub fn trailers() -> Response {
    let (response, mut body, trailers) = start(200, &[("trailer", "x-first, x-second")]);
    wit_bindgen::spawn_local(async move {
        body.write_all(b"with trailers\n".to_vec()).await;
        drop(body); // the end of the stream; the trailers come after it
        let pairs = [
            ("x-first".into(), b"one".to_vec()),
            ("x-second".into(), b"two".to_vec()),
        ];
        let _ = trailers
            .write(Ok(Some(Fields::from_list(&pairs).unwrap())))
            .await;
    });
    response
}

async fn pause(ms: u64) {
    if ms > 0 {
        monotonic_clock::wait_for(ms * 1_000_000).await;
    }
}
