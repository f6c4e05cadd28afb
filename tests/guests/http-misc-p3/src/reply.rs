//! Responses in one call.

use wasip3::http::types::{ErrorCode, Fields, Response};
use wasip3::wit_bindgen::{self, FutureWriter, StreamWriter};
use wasip3::{wit_future, wit_stream};

pub type Trailers = Result<Option<Fields>, ErrorCode>;

pub fn text(status: u16, text: &str) -> Response {
    whole(status, "text/plain", text.as_bytes().to_vec())
}

pub fn json(json: &str) -> Response {
    whole(200, "application/json", format!("{json}\n").into_bytes())
}

/// A response whose body and trailers are written later. Without a word there are no trailers.
pub fn start(
    status: u16,
    headers: &[(&str, &str)],
) -> (Response, StreamWriter<u8>, FutureWriter<Trailers>) {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value.as_bytes()).unwrap();
    }
    let (body, contents) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(contents), trailers_reader);
    response.set_status_code(status).unwrap();
    (response, body, trailers)
}

fn whole(status: u16, content_type: &str, bytes: Vec<u8>) -> Response {
    let (response, mut body, _) = start(status, &[("content-type", content_type)]);
    wit_bindgen::spawn_local(async move {
        body.write_all(bytes).await; // what is left when the client has gone away does not matter
    });
    response
}
