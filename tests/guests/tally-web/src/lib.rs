//! A P2 HTTP component that has a bucket and configuration of its own, and calls
//! `test:tally/tally`, of ../tally, for another's.
//!
//! `/own/KEY` and `/other/KEY` count in its own bucket and in the other's; `/settings` answers what
//! each of the two is told; `/resource` counts with a resource of the other's; `/calls` how often
//! its instance of the other was called, in two calls; `/fail` and `/spin` let the other do that.

#[path = "../../http-config/src/config.rs"]
mod config; // generated from ../http-config/wit
#[path = "../../../../examples/kv-counter/src/kv.rs"]
mod kv; // generated from the wit of examples/kv-counter
mod web; // generated from ../tally/wit

use std::io::Write as _;

use guest_support::path_of;
use wasip2::cli::environment;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::config::wasi::config::store as settings;
use crate::kv::wasi::keyvalue::{atomics, store};
use crate::web::test::tally::tally;

wasip2::http::proxy::export!(Web);

struct Web;

impl Guest for Web {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (status, text) = match answer(path_of(&path)) {
            Ok(text) => (200, text),
            Err(error) => (500, error),
        };
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).unwrap();
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let mut stream = body.write().unwrap();
        let _ = writeln!(stream, "{text}");
        let _ = stream.flush();
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

fn answer(path: &str) -> Result<String, String> {
    if let Some(key) = path.strip_prefix("/own/") {
        return own(key).map_err(|error| format!("{error:?}"));
    }
    if let Some(key) = path.strip_prefix("/other/") {
        return tally::count(key).map(|count| count.to_string());
    }
    match path {
        "/settings" => {
            let (told, environment) = (settings::get_all(), environment::get_environment());
            Ok(format!("{told:?} {environment:?}\n{}", tally::settings()))
        }
        "/resource" => {
            let counter = tally::Counter::new(40);
            let _ = tally::Counter::new(7).next();
            let (first, second) = (counter.next(), counter.next());
            Ok(format!("{first} {second}"))
        }
        "/calls" => {
            let (first, second) = (tally::calls(), tally::calls());
            Ok(format!("{first} {second}"))
        }
        "/fail" => {
            tally::fail();
            Ok("it did not fail".into())
        }
        "/spin" => {
            tally::spin();
            Ok("it came to an end".into())
        }
        _ => Ok("no such test".into()),
    }
}

fn own(key: &str) -> Result<String, store::Error> {
    let count = atomics::increment(&store::open("default")?, key, 1)?;
    Ok(count.to_string())
}
