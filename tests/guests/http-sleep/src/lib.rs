//! Answers after `?ms=N` milliseconds, 10 if not told: what a request that waits costs.

use std::io::Write as _;

use guest_support::Query;
use initial_heap as _;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wasip2::http::proxy::export!(Sleep);

struct Sleep;

impl Guest for Sleep {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let ms = Query::of(&request.path_with_query().unwrap_or_default()).number("ms", 10);
        monotonic_clock::subscribe_duration(ms * 1_000_000).block();

        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(response_out, Ok(response));
        let mut stream = body.write().unwrap();
        let _ = stream.write_all(b"awake\n");
        let _ = stream.flush();
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}
