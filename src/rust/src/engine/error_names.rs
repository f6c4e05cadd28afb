//! The errors of HTTP by the names of `wasi:http/types.error-code`, as C++ knows them.

use std::mem::discriminant;

use wasmtime_wasi_http::Error;

/// Those that have names here; all others are internal errors.
fn named(message: &str) -> [(&'static str, Error); 24] {
    [
        ("DNS-timeout", Error::DnsTimeout),
        (
            "DNS-error",
            Error::DnsError {
                rcode: Some(message.to_owned()),
                info_code: None,
            },
        ),
        ("destination-not-found", Error::DestinationNotFound),
        ("destination-unavailable", Error::DestinationUnavailable),
        ("destination-IP-prohibited", Error::DestinationIpProhibited),
        ("destination-IP-unroutable", Error::DestinationIpUnroutable),
        ("connection-refused", Error::ConnectionRefused),
        ("connection-terminated", Error::ConnectionTerminated),
        ("connection-timeout", Error::ConnectionTimeout),
        ("connection-read-timeout", Error::ConnectionReadTimeout),
        ("connection-write-timeout", Error::ConnectionWriteTimeout),
        ("connection-limit-reached", Error::ConnectionLimitReached),
        ("TLS-protocol-error", Error::TlsProtocolError),
        ("TLS-certificate-error", Error::TlsCertificateError),
        ("HTTP-request-denied", Error::HttpRequestDenied),
        (
            "HTTP-request-method-invalid",
            Error::HttpRequestMethodInvalid,
        ),
        ("HTTP-request-URI-invalid", Error::HttpRequestUriInvalid),
        ("HTTP-response-incomplete", Error::HttpResponseIncomplete),
        (
            "HTTP-response-header-section-size",
            Error::HttpResponseHeaderSectionSize(None),
        ),
        ("HTTP-response-body-size", Error::HttpResponseBodySize(None)),
        ("HTTP-response-timeout", Error::HttpResponseTimeout),
        ("HTTP-protocol-error", Error::HttpProtocolError),
        ("loop-detected", Error::LoopDetected),
        ("configuration-error", Error::ConfigurationError),
    ]
}

/// The error that the guest sees under this name of `wasi:http/types.error-code`.
pub fn error_named(code: &str, message: &str) -> Error {
    match named(message).into_iter().find(|(name, _)| *name == code) {
        Some((_, error)) => error,
        None => Error::InternalError(Some(message.to_owned())),
    }
}

/// The name of an error, whatever else it says.
pub fn name_of(error: &Error) -> &'static str {
    let kind = discriminant(error);
    let found = named("")
        .into_iter()
        .find(|(_, of)| discriminant(of) == kind);
    found.map_or("internal-error", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for (name, error) in named("why") {
            assert_eq!(name_of(&error), name);
            assert_eq!(name_of(&error_named(name, "why")), name);
        }
        for name in [
            "DNS-error",
            "HTTP-response-timeout",
            "loop-detected",
            "internal-error",
        ] {
            assert_eq!(name_of(&error_named(name, "why")), name);
        }
        assert_eq!(
            name_of(&error_named("no such name", "why")),
            "internal-error"
        );
    }
}
