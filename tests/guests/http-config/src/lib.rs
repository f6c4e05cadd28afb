//! Answers what `wasi:config` knows: `/` everything as JSON, `/KEY` one value or 404.

mod config; // generated from wit/world.wit

use std::io::Write as _;

use guest_support::{json_object, path_of, percent_decoded};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::config::wasi::config::store;

wasip2::http::proxy::export!(Config);

struct Config;

impl Guest for Config {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (status, text) = match path_of(&path).trim_start_matches('/') {
            "" => everything(),
            key => one(&percent_decoded(key)),
        };
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).unwrap();
        let body = response.body().unwrap();
        ResponseOutparam::set(response_out, Ok(response));
        let mut stream = body.write().unwrap();
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.flush();
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

fn everything() -> (u16, String) {
    match store::get_all() {
        Ok(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()));
            (200, json_object(pairs) + "\n")
        }
        Err(error) => (500, format!("{error:?}\n")),
    }
}

fn one(key: &str) -> (u16, String) {
    match store::get(key) {
        Ok(Some(value)) => (200, value + "\n"),
        Ok(None) => (404, "not set\n".into()),
        Err(error) => (500, format!("{error:?}\n")),
    }
}
