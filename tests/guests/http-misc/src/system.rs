//! Clocks, environment, output, exit, and what the instance remembers.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use guest_support::{Query, json_object, json_string};
use wasip2::cli::{environment, exit, stderr, stdout};
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam, Scheme};
use wasip2::random::random::get_random_bytes;

use crate::reply::{json, text};

pub fn sleep(out: ResponseOutparam, query: &Query) {
    let ms = query.number("ms", 10);
    monotonic_clock::subscribe_duration(ms * 1_000_000).block();
    text(out, 200, &format!("slept {ms} ms\n"));
}

/// Computes for `ms` without ever waiting.
pub fn cpu(out: ResponseOutparam, query: &Query) {
    let end = monotonic_clock::now() + query.number("ms", 10) * 1_000_000;
    let mut value = 1_u64;
    while monotonic_clock::now() < end {
        for _ in 0..10_000 {
            value = std::hint::black_box(value.wrapping_mul(6_364_136_223_846_793_005) + 1);
        }
    }
    text(out, 200, &format!("{value}\n"));
}

/// Asks for so many random bytes.
pub fn random(out: ResponseOutparam, query: &Query) {
    let bytes = get_random_bytes(query.number("bytes", 16));
    text(out, 200, &format!("{}\n", bytes.len()));
}

/// How often this instance was asked.
pub fn count(out: ResponseOutparam) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    text(
        out,
        200,
        &format!("{}\n", COUNT.fetch_add(1, Ordering::Relaxed) + 1),
    );
}

pub fn environment(out: ResponseOutparam) {
    let variables = environment::get_environment();
    json(
        out,
        &json_object(
            variables
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ),
    );
}

pub fn arguments(out: ResponseOutparam) {
    let arguments: Vec<String> = environment::get_arguments()
        .iter()
        .map(|argument| json_string(argument))
        .collect();
    json(out, &format!("[{}]", arguments.join(",")));
}

/// The request as the component sees it.
pub fn headers(out: ResponseOutparam, request: &IncomingRequest) {
    let headers: Vec<String> = request
        .headers()
        .entries()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value);
            format!("[{},{}]", json_string(name), json_string(&value))
        })
        .collect();
    let text = |value: Option<String>| value.map_or("null".into(), |value| json_string(&value));
    let answer = format!(
        "{{\"method\":{},\"scheme\":{},\"authority\":{},\"path\":{},\"headers\":[{}]}}",
        json_string(&method_name(request.method())),
        text(request.scheme().map(scheme_name)),
        text(request.authority()),
        text(request.path_with_query()),
        headers.join(",")
    );
    json(out, &answer);
}

/// `lines` lines of `bytes` bytes each to standard output, or with `to=stderr` to standard error;
/// with `open=1` the last line has no end.
pub fn print(out: ResponseOutparam, query: &Query) {
    let mut stream = match query.text("to") {
        Some("stderr") => stderr::get_stderr(),
        _ => stdout::get_stdout(),
    };
    let lines = query.number("lines", 1);
    let bytes = query.number("bytes", 20) as usize;
    for line in 0..lines {
        let mut text = format!("line {line} ");
        text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
        if query.number("open", 0) == 0 || line + 1 < lines {
            text.push('\n');
        }
        let _ = stream.write_all(text.as_bytes());
    }
    let _ = stream.blocking_flush();
    crate::reply::text(out, 200, "printed\n");
}

pub fn exit(query: &Query) {
    exit::exit_with_code(query.number("code", 0) as u8);
}

fn method_name(method: Method) -> String {
    match method {
        Method::Other(name) => name,
        known => format!("{known:?}")
            .rsplit("::")
            .next()
            .unwrap_or_default()
            .to_uppercase(),
    }
}

fn scheme_name(scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => "http".into(),
        Scheme::Https => "https".into(),
        Scheme::Other(name) => name,
    }
}
