//! Counts the requests to each path in the key-value bucket `default`; `DELETE` starts again.

use std::io::Write as _;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use bindings::wasi::keyvalue::{atomics, store};

mod bindings {
    wit_bindgen::generate!({ world: "counter", path: "wit", generate_all });
}

wasip2::http::proxy::export!(Component);

struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let key = format!("count{}", path.replace('/', "-"));
        let counted = match request.method() {
            Method::Delete => reset(&key).map(|()| 0),
            _ => count(&key),
        };
        match counted {
            Ok(count) => answer(response_out, 200, &format!("{count}\n")),
            Err(error) => answer(response_out, 500, &format!("{error:?}\n")),
        }
    }
}

fn count(key: &str) -> Result<u64, store::Error> {
    atomics::increment(&store::open("default")?, key, 1)
}

fn reset(key: &str) -> Result<(), store::Error> {
    store::open("default")?.delete(key)
}

fn answer(response_out: ResponseOutparam, status: u16, text: &str) {
    let headers = [("content-type".into(), b"text/plain".to_vec())];
    let response = OutgoingResponse::new(Fields::from_list(&headers).unwrap());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(response_out, Ok(response));

    // A client that has gone away is no reason to trap.
    let mut stream = body.write().unwrap();
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
