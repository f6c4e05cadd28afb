//! What the incoming request asks for, and the outgoing request that follows from it.

use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingRequest, RequestOptions, Scheme,
};

/// The URL to forward to.
pub fn target(request: &IncomingRequest) -> Option<String> {
    header(request, "x-url").or_else(|| {
        let path = request.path_with_query()?;
        let (_, query) = path.split_once('?')?;
        let value = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("url="))?;
        Some(percent_decoded(value))
    })
}

/// How many bytes of the answer to pass on; all of them when `None`.
pub fn take(request: &IncomingRequest) -> Option<u64> {
    header(request, "x-take")?.parse().ok()
}

pub fn options(request: &IncomingRequest) -> Option<RequestOptions> {
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
    Some(options)
}

/// Hosts do not show `transfer-encoding`, so that a body of a method that seldom has one must be
/// announced by its length.
pub fn has_body(request: &IncomingRequest) -> bool {
    let seldom = matches!(
        request.method(),
        Method::Get | Method::Head | Method::Delete | Method::Options | Method::Trace
    );
    !seldom || request.headers().has("content-length")
}

/// `None` when `url` is not one that can be asked.
pub fn outgoing(from: &IncomingRequest, url: &str) -> Option<OutgoingRequest> {
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
    let request = OutgoingRequest::new(forwarded_headers(from));
    request.set_method(&from.method()).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(&path)).ok()?;
    Some(request)
}

fn forwarded_headers(from: &IncomingRequest) -> Fields {
    let to = Fields::new();
    for (name, value) in from.headers().entries() {
        if name != "host" && !name.starts_with("x-") {
            let _ = to.append(&name, &value); // the host keeps some names for itself
        }
    }
    to
}

fn header(request: &IncomingRequest, name: &str) -> Option<String> {
    String::from_utf8(request.headers().get(name).into_iter().next()?).ok()
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
