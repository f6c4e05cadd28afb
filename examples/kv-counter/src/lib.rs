//! Counts the requests per path in the key-value bucket `default`; `DELETE` starts again.

mod kv; // generated from wit/world.wit

use std::io::Write as _;

use initial_heap as _;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::kv::wasi::keyvalue::{atomics, store};

wasip2::http::proxy::export!(Counter);

struct Counter;

impl Guest for Counter {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let key = format!("count{}", path.replace('/', "-"));
        let result = match request.method() {
            Method::Delete => reset(&key).map(|()| 0),
            _ => count(&key),
        };
        match result {
            Ok(count) => {
                let key: String = key.escape_default().collect();
                let json = format!("{{\"key\":\"{key}\",\"count\":{count}}}\n");
                answer(response_out, 200, "application/json", &json)
            }
            Err(error) => answer(response_out, 500, "text/plain", &format!("{error:?}\n")),
        }
    }
}

fn count(key: &str) -> Result<u64, store::Error> {
    atomics::increment(&bucket()?, key, 1)
}

fn reset(key: &str) -> Result<(), store::Error> {
    bucket()?.delete(key)
}

/// Some hosts know a bucket without a name only.
fn bucket() -> Result<store::Bucket, store::Error> {
    store::open("default").or_else(|_| store::open(""))
}

fn answer(response_out: ResponseOutparam, status: u16, content_type: &str, text: &str) {
    let headers = [("content-type".into(), content_type.as_bytes().to_vec())];
    let response = OutgoingResponse::new(Fields::from_list(&headers).unwrap());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(response_out, Ok(response));
    let mut stream = body.write().unwrap();
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
