//! Clocks, environment, output, exit, and what the instance remembers.

use std::sync::atomic::{AtomicU64, Ordering};

use guest_support::{Query, json_object, json_string};
use wasip3::cli::{environment, exit, stderr, stdout};
use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{Method, Request, Response, Scheme};
use wasip3::{wit_bindgen, wit_stream};

use crate::reply::{json, text};

pub async fn sleep(query: &Query) -> Response {
    let ms = query.number("ms", 10);
    monotonic_clock::wait_for(ms * 1_000_000).await;
    text(200, &format!("slept {ms} ms\n"))
}

/// Waits for `ms` and answers the largest number of requests that did so at the same time in this
/// instance.
pub async fn together(query: &Query) -> Response {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);
    MOST.fetch_max(NOW.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    monotonic_clock::wait_for(query.number("ms", 100) * 1_000_000).await;
    NOW.fetch_sub(1, Ordering::Relaxed);
    text(200, &format!("{}\n", MOST.load(Ordering::Relaxed)))
}

static SPAWNED: AtomicU64 = AtomicU64::new(0);

/// Answers at once and goes on for `ms`; `/spawned` tells how often that work came to its end.
pub fn spawn_after(query: &Query) -> Response {
    let ms = query.number("ms", 100);
    wit_bindgen::spawn_local(async move {
        monotonic_clock::wait_for(ms * 1_000_000).await;
        SPAWNED.fetch_add(1, Ordering::Relaxed);
        let (mut line, content) = wit_stream::new();
        let written = stdout::write_via_stream(content);
        line.write_all(b"spawned work is done\n".to_vec()).await;
        drop(line);
        let _ = written.await;
    });
    text(200, "more to do\n")
}

pub fn spawned() -> Response {
    text(200, &format!("{}\n", SPAWNED.load(Ordering::Relaxed)))
}

/// Computes for `ms` without ever waiting.
pub fn cpu(query: &Query) -> Response {
    let end = monotonic_clock::now() + query.number("ms", 10) * 1_000_000;
    let mut value = 1_u64;
    while monotonic_clock::now() < end {
        for _ in 0..10_000 {
            value = std::hint::black_box(value.wrapping_mul(6_364_136_223_846_793_005) + 1);
        }
    }
    text(200, &format!("{value}\n"))
}

/// How often this instance was asked.
pub fn count() -> Response {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    text(
        200,
        &format!("{}\n", COUNT.fetch_add(1, Ordering::Relaxed) + 1),
    )
}

pub fn environment() -> Response {
    let variables = environment::get_environment();
    json(&json_object(
        variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    ))
}

pub fn arguments() -> Response {
    let arguments: Vec<String> = environment::get_arguments()
        .iter()
        .map(|argument| json_string(argument))
        .collect();
    json(&format!("[{}]", arguments.join(",")))
}

/// The request as the component sees it.
pub fn headers(request: &Request) -> Response {
    let headers: Vec<String> = request
        .get_headers()
        .copy_all()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value);
            format!("[{},{}]", json_string(name), json_string(&value))
        })
        .collect();
    let text = |value: Option<String>| value.map_or("null".into(), |value| json_string(&value));
    let answer = format!(
        "{{\"method\":{},\"scheme\":{},\"authority\":{},\"path\":{},\"headers\":[{}]}}",
        json_string(&method_name(request.get_method())),
        text(request.get_scheme().map(scheme_name)),
        text(request.get_authority()),
        text(request.get_path_with_query()),
        headers.join(",")
    );
    json(&answer)
}

/// `lines` lines of `bytes` bytes each to standard output, or with `to=stderr` to standard error;
/// with `open=1` the last line has no end.
pub async fn print(query: &Query) -> Response {
    let (mut output, content) = wit_stream::new();
    let written = match query.text("to") {
        Some("stderr") => stderr::write_via_stream(content),
        _ => stdout::write_via_stream(content),
    };
    let lines = query.number("lines", 1);
    let bytes = query.number("bytes", 20) as usize;
    for line in 0..lines {
        let mut text = format!("line {line} ");
        text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
        if query.number("open", 0) == 0 || line + 1 < lines {
            text.push('\n');
        }
        output.write_all(text.into_bytes()).await;
    }
    drop(output);
    match written.await {
        Ok(()) => text(200, "printed\n"),
        Err(error) => text(500, &format!("{error:?}\n")),
    }
}

pub fn exit(query: &Query) -> Response {
    exit::exit_with_code(query.number("code", 0) as u8);
    text(500, "still here\n")
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
