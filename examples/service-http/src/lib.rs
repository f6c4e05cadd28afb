//! Counts in the background, and answers how far it has come. Both are tasks of one instance, which
//! take turns where they wait, so they share their variables without more.

use std::cell::Cell;

use initial_heap as _;
use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::cli::command::export!(Counter);
wasip3::http::service::export!(Counter);

struct Counter;

const TICK_NS: u64 = 100_000_000;

thread_local! {
    static TICKS: Cell<u64> = const { Cell::new(0) };
    static VISITS: Cell<u64> = const { Cell::new(0) };
}

impl wasip3::exports::cli::run::Guest for Counter {
    async fn run() -> Result<(), ()> {
        loop {
            monotonic_clock::wait_for(TICK_NS).await;
            TICKS.set(TICKS.get() + 1);
        }
    }
}

impl wasip3::exports::http::handler::Guest for Counter {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        if request.get_path_with_query().as_deref() != Some("/visits") {
            return Ok(text(format!("{} ticks\n", TICKS.get())));
        }
        VISITS.set(VISITS.get() + 1);
        Ok(text(format!("visit {}\n", VISITS.get())))
    }
}

fn text(text: String) -> Response {
    let headers = Fields::from_list(&[("content-type".into(), b"text/plain".to_vec())]).unwrap();
    let (mut body, body_reader) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(headers, Some(body_reader), trailers);
    wit_bindgen::spawn_local(async move {
        // What is left when the client has gone away is of no interest.
        body.write_all(text.into_bytes()).await;
    });
    response
}
