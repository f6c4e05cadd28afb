//! Says hello and names the path that was asked for; the body is written after the response is
//! returned.

use initial_heap as _;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Hello);

struct Hello;

impl wasip3::exports::http::handler::Guest for Hello {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let headers =
            Fields::from_list(&[("content-type".into(), b"text/plain".to_vec())]).unwrap();
        let (mut body, body_reader) = wit_stream::new();
        // Dropping the writer writes the default: no trailers.
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(headers, Some(body_reader), trailers);
        wit_bindgen::spawn_local(async move {
            // What is left when the client has gone away is of no interest.
            body.write_all(format!("hello from rust p3 {path}\n").into_bytes())
                .await;
        });
        Ok(response)
    }
}
