//! Bodies that come late, never end, lie or break off.

use std::io::{Read, Write as _};

use guest_support::{Query, pattern};
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{Fields, IncomingRequest, ResponseOutparam};
use wasip2::io::streams::OutputStream;

use crate::reply::{finish, start, text};

const PIECE: usize = 64 * 1024;

/// The head at once, the body after `ms`.
pub fn late(out: ResponseOutparam, query: &Query) {
    let body = start(out, 200, &[]);
    let mut stream = body.write().unwrap();
    pause(query.number("ms", 100));
    let _ = stream.write_all(b"late\n");
    let _ = stream.flush();
    finish(body, stream, None);
}

/// Reads the request's body in pieces of `piece` bytes with a pause of `ms` after each, then
/// answers how many bytes there were.
pub fn drain(request: IncomingRequest, out: ResponseOutparam, query: &Query) {
    let incoming = request.consume().unwrap();
    let mut stream = incoming.stream().unwrap();
    let mut piece = vec![0; query.number("piece", PIECE as u64) as usize];
    let mut total = 0;
    let answer = loop {
        match Read::read(&mut stream, &mut piece) {
            Ok(0) => break format!("{total}\n"),
            Ok(length) => total += length,
            Err(error) => break format!("{total}, then {error}\n"),
        }
        pause(query.number("ms", 0));
    };
    text(out, 200, &answer);
}

/// `bytes` bytes in pieces of 64 KiB; with `length=1` the head says how many.
pub fn big(out: ResponseOutparam, query: &Query) {
    let total = query.number("bytes", 1024 * 1024);
    let length = total.to_string();
    let headers = [("content-length", length.as_str())];
    let announced = query.number("length", 0) == 1;
    let body = start(out, 200, if announced { &headers } else { &[] });
    let mut stream = body.write().unwrap();
    let mut sent = 0;
    while sent < total {
        let piece = pattern(sent, (total - sent).min(PIECE as u64) as usize);
        if stream.write_all(&piece).is_err() {
            break;
        }
        sent += piece.len() as u64;
    }
    let _ = stream.flush();
    finish(body, stream, None);
}

/// `n` writes of one byte, each flushed.
pub fn small_writes(out: ResponseOutparam, query: &Query) {
    let body = start(out, 200, &[]);
    let stream = body.write().unwrap();
    for index in 0..query.number("n", 100) {
        if stream.blocking_write_and_flush(&pattern(index, 1)).is_err() {
            break;
        }
    }
    finish(body, stream, None);
}

/// Writes something and drops the body without finishing it.
pub fn drop_body_early(out: ResponseOutparam) {
    let body = start(out, 200, &[]);
    let stream = body.write().unwrap();
    let _ = stream.blocking_write_and_flush(b"the beginning\n");
}

/// Writes something, then traps.
pub fn die_mid_body(out: ResponseOutparam) {
    let body = start(out, 200, &[]);
    let stream = body.write().unwrap();
    let _ = stream.blocking_write_and_flush(b"the beginning\n");
    core::arch::wasm32::unreachable()
}

/// Announces `declared` bytes and sends `bytes`.
pub fn wrong_length(out: ResponseOutparam, query: &Query) {
    let declared = query.number("declared", 10).to_string();
    let status = query.number("status", 200) as u16;
    let body = start(out, status, &[("content-length", &declared)]);
    let mut stream = body.write().unwrap();
    send(&mut stream, &pattern(0, query.number("bytes", 5) as usize));
    finish(body, stream, None);
}

/// `count` headers with values of `bytes` bytes.
pub fn big_headers(out: ResponseOutparam, query: &Query) {
    let value = "v".repeat(query.number("bytes", 100) as usize);
    let names: Vec<String> = (0..query.number("count", 10))
        .map(|n| format!("x-big-{n}"))
        .collect();
    let headers: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), value.as_str()))
        .collect();
    let body = start(out, 200, &headers);
    let mut stream = body.write().unwrap();
    send(&mut stream, b"big headers\n");
    finish(body, stream, None);
}

pub fn trailers(out: ResponseOutparam) {
    let body = start(out, 200, &[("trailer", "x-first, x-second")]);
    let mut stream = body.write().unwrap();
    send(&mut stream, b"with trailers\n");
    let pairs = [
        ("x-first".into(), b"one".to_vec()),
        ("x-second".into(), b"two".to_vec()),
    ];
    finish(body, stream, Some(Fields::from_list(&pairs).unwrap()));
}

fn send(stream: &mut OutputStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.flush();
}

fn pause(ms: u64) {
    if ms > 0 {
        monotonic_clock::subscribe_duration(ms * 1_000_000).block();
    }
}
