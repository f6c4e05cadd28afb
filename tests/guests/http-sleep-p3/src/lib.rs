//! Answers after `?ms=N` milliseconds, 10 if not told: what a request that waits costs.

use guest_support::Query;
use initial_heap as _;
use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Sleep);

struct Sleep;

impl wasip3::exports::http::handler::Guest for Sleep {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let ms = Query::of(&request.get_path_with_query().unwrap_or_default()).number("ms", 10);
        monotonic_clock::wait_for(ms * 1_000_000).await;

        let (mut body, contents) = wit_stream::new();
        let (_, no_trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(contents), no_trailers);
        wit_bindgen::spawn_local(async move {
            body.write_all(b"awake\n".to_vec()).await;
        });
        Ok(response)
    }
}
