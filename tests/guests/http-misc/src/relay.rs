//! As `http-relay` the component has another one behind it, and answers itself only what is
//! addressed to it: `/at/NAME/…`, where NAME is its variable `WHO`.

use guest_support::addressed;
use wasip2::cli::environment;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use crate::next::wasi::http::incoming_handler;

pub fn is_for_me(path: &str) -> bool {
    let name = addressed(path).0;
    let variables = environment::get_environment();
    variables.iter().any(|(key, value)| key == "WHO" && Some(value.as_str()) == name)
}

pub fn forward(request: IncomingRequest, out: ResponseOutparam) {
    incoming_handler::handle(request, out);
}
