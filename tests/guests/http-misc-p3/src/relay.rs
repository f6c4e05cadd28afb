//! As `http-relay-p3` the component has another one behind it, and answers itself only what is
//! addressed to it: `/at/NAME/…`, where NAME is its variable `WHO`. What it passes on it signs.

use guest_support::addressed;
use wasip3::cli::environment;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_future;

use crate::next::wasi::http::handler;

fn who() -> String {
    let variables = environment::get_environment();
    let own = variables.into_iter().find(|(key, _)| key == "WHO");
    own.map_or_else(String::new, |(_, value)| value)
}

pub fn is_for_me(path: &str) -> bool {
    addressed(path).0 == Some(&who())
}

fn signed(fields: &Fields, name: &str) -> Fields {
    let copy = fields.clone();
    let _ = copy.append(name, who().as_bytes());
    copy
}

pub async fn forward(request: Request) -> Result<Response, ErrorCode> {
    let response = handler::handle(again(request)).await?;
    let headers = signed(&response.get_headers(), "x-relay");
    let status = response.get_status_code();
    let (_, taken) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, taken);
    let (passed_on, _sent) = Response::new(headers, Some(body), trailers);
    passed_on.set_status_code(status).unwrap();
    Ok(passed_on)
}

/// The same request with a body that comes from the first.
fn again(request: Request) -> Request {
    let headers = signed(&request.get_headers(), "x-relayed");
    let (method, path) = (request.get_method(), request.get_path_with_query());
    let (scheme, authority) = (request.get_scheme(), request.get_authority());
    let (_, taken) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, taken);
    let (forwarded, _sent) = Request::new(headers, Some(body), trailers, None);
    forwarded.set_method(&method).unwrap();
    forwarded.set_path_with_query(path.as_deref()).unwrap();
    forwarded.set_scheme(scheme.as_ref()).unwrap();
    forwarded.set_authority(authority.as_deref()).unwrap();
    forwarded
}
