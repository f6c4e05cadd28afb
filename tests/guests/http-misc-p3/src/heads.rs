//! Heads of messages that are kept, as many as the host allows, and what became of messages.

use std::cell::RefCell;

use guest_support::Query;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::wit_bindgen::FutureReader;
use wasip3::wit_future;

use crate::reply::text;

thread_local! {
    static KEPT: RefCell<Vec<Fields>> = const { RefCell::new(Vec::new()) };
    static RESULTS: RefCell<Vec<FutureReader<Result<(), ErrorCode>>>> =
        const { RefCell::new(Vec::new()) };
}

/// Keeps `sets` more sets of header fields of `bytes` each as long as the instance lives. Answers
/// how many there are by now.
pub fn keep(query: &Query) -> Response {
    let value = vec![b'x'; query.number("bytes", 100_000) as usize];
    let count = KEPT.with_borrow_mut(|kept| {
        for _ in 0..query.number("sets", 1) {
            let fields = Fields::new();
            if fields.append("x-kept", &value).is_ok() {
                kept.push(fields);
            }
        }
        kept.len()
    });
    text(200, &format!("{count}\n"))
}

/// Lets go of what `keep` has kept.
pub fn let_go() -> Response {
    KEPT.with_borrow_mut(Vec::clear);
    text(200, "none\n")
}

/// Says of `count` messages that they failed, with a text of `bytes` each, and keeps what says so.
/// Answers how much of the text of one more comes back.
pub async fn keep_results(query: &Query) -> Response {
    let said = "x".repeat(query.number("bytes", 1_000_000) as usize);
    for _ in 0..query.number("count", 1) {
        let result = failed(said.clone()).await;
        RESULTS.with_borrow_mut(|kept| kept.push(result));
    }
    match failed(said).await.await {
        Err(ErrorCode::InternalError(Some(text))) => text_of_length(&text),
        other => text(500, &format!("{other:?}\n")),
    }
}

fn text_of_length(said: &str) -> Response {
    text(200, &format!("{}\n", said.len()))
}

/// What became of a message whose content was taken, and that failed.
async fn failed(said: String) -> FutureReader<Result<(), ErrorCode>> {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, result) = Request::new(Fields::new(), None, trailers, None);
    let (tell, told) = wit_future::new(|| Ok(()));
    let _parts = Request::consume_body(request, told);
    let code = ErrorCode::InternalError(Some(said));
    tell.write(Err(code)).await.expect("the host listens");
    result
}

/// Whether the host takes a method and an authority of `bytes`.
pub fn long_texts(query: &Query) -> Response {
    let long = "X".repeat(query.number("bytes", 1) as usize);
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), None, trailers, None);
    let method = request.set_method(&Method::Other(long.clone())).is_ok();
    let authority = request.set_authority(Some(&long)).is_ok();
    text(200, &format!("method {method}, authority {authority}\n"))
}
