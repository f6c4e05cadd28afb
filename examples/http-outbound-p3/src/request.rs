//! What the incoming request asks for, and the outgoing request that follows from it.

use wasip3::http::types::{Fields, Method, Request, RequestOptions, Scheme};
use wasip3::wit_future;

use crate::body;

/// What the request's own headers and path ask of this component.
pub struct Wishes {
    /// How many bytes of the answer to pass on; all of them when `None`.
    pub take: Option<u64>,
    /// Whether bodies pass through this component's memory.
    pub copy: bool,
}

impl Wishes {
    pub fn of(request: &Request) -> Wishes {
        let path = request.get_path_with_query().unwrap_or_default();
        let take = header(request, "x-take").and_then(|text| text.parse().ok());
        Wishes {
            take,
            copy: path.starts_with("/copy"),
        }
    }
}

/// The URL to forward to.
pub fn target(request: &Request) -> Option<String> {
    header(request, "x-url").or_else(|| {
        let path = request.get_path_with_query()?;
        let (_, query) = path.split_once('?')?;
        let value = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("url="))?;
        Some(percent_decoded(value))
    })
}

/// `None` when `url` is not one that can be asked.
pub fn outgoing(from: Request, url: &str, wishes: &Wishes) -> Option<Request> {
    let (scheme, rest) = url.split_once("://")?;
    let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    let path = if path.starts_with('/') {
        path.to_string()
    } else {
        format!("/{path}")
    };
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let (method, headers, options) = (from.get_method(), forwarded_headers(&from), options(&from));
    let has_body = has_body(&from);
    let (_, taken) = wit_future::new(|| Ok(()));
    let (stream, trailers) = Request::consume_body(from, taken);
    let contents = has_body.then(|| body::handed_on(stream, wishes));
    let (request, _sent) = Request::new(headers, contents, trailers, Some(options));
    request.set_method(&method).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(&path)).ok()?;
    Some(request)
}

fn options(request: &Request) -> RequestOptions {
    let nanoseconds = |name| -> Option<u64> {
        Some(
            header(request, name)?
                .parse::<u64>()
                .ok()?
                .saturating_mul(1_000_000),
        )
    };
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(nanoseconds("x-connect-timeout-ms"));
    let _ = options.set_first_byte_timeout(nanoseconds("x-first-byte-timeout-ms"));
    let _ = options.set_between_bytes_timeout(nanoseconds("x-between-bytes-timeout-ms"));
    options
}

/// Hosts do not show `transfer-encoding`, so that a body of a method that seldom has one must be
/// announced by its length.
fn has_body(request: &Request) -> bool {
    let seldom = matches!(
        request.get_method(),
        Method::Get | Method::Head | Method::Delete | Method::Options | Method::Trace
    );
    !seldom || request.get_headers().has("content-length")
}

fn forwarded_headers(from: &Request) -> Fields {
    let to = Fields::new();
    for (name, value) in from.get_headers().copy_all() {
        if name != "host" && !name.starts_with("x-") {
            let _ = to.append(&name, &value); // the host keeps some names for itself
        }
    }
    to
}

fn header(request: &Request, name: &str) -> Option<String> {
    String::from_utf8(request.get_headers().get(name).into_iter().next()?).ok()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
