//! A P2 HTTP component with a backend: `test:pair/backend`, of ../pair.
//!
//! `/add?n=` calls it so often and answers the time of one call in nanoseconds; `/possessions` what
//! each of the two sees; `/count` how many bytes the backend read of the request's body;
//! `/open?path=` what the backend opened; `/print?line=` lets both print; `/fail` lets the backend
//! trap.

mod web; // generated from ../pair/wit

use std::io::Write as _;

use guest_support::{Query, path_of};
use wasip2::cli::{environment, stdout};
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::web::test::pair::backend;

wasip2::http::proxy::export!(Web);

struct Web;

impl Guest for Web {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let whole_path = request.path_with_query().unwrap_or_default();
        let query = Query::of(&whole_path);
        let answer = match path_of(&whole_path) {
            "/add" => add(query.number("n", 1000) as u32),
            "/possessions" => {
                let own = environment::get_environment();
                format!("web {own:?}\nback {}\n", backend::possessions())
            }
            "/count" => count(&request),
            "/open" => return open(out, query.text("path").unwrap_or_default()),
            "/print" => print(query.text("line").unwrap_or_default()),
            "/fail" => {
                backend::fail();
                "it did not fail\n".into()
            }
            _ => "no such test\n".into(),
        };
        let mut stream = OpenResponse::start(out);
        let _ = stream.output().write_all(answer.as_bytes());
        stream.finish();
    }
}

fn add(times: u32) -> String {
    let begin = monotonic_clock::now();
    let mut sum = 0_u32;
    for number in 0..times {
        sum = backend::add(sum, number);
    }
    let elapsed = monotonic_clock::now() - begin;
    let per_call = elapsed as f64 / f64::from(times.max(1));
    format!("{per_call:.3} {sum}\n")
}

fn count(request: &IncomingRequest) -> String {
    let body = request.consume().unwrap();
    let bytes = backend::count_bytes(body.stream().unwrap());
    format!("{bytes}\n")
}

fn print(line: &str) -> String {
    let _ = writeln!(stdout::get_stdout(), "web {line}");
    backend::print(&format!("back {line}"));
    "printed\n".into()
}

fn open(out: ResponseOutparam, path: &str) {
    let mut response = OpenResponse::start(out);
    match backend::open(path) {
        Ok(content) => while response.output().blocking_splice(&content, 64 * 1024).is_ok() {},
        Err(error) => {
            let _ = writeln!(response.output(), "{error}");
        }
    }
    response.finish();
}

struct OpenResponse {
    body: OutgoingBody,
    stream: wasip2::io::streams::OutputStream,
}

impl OpenResponse {
    fn start(out: ResponseOutparam) -> OpenResponse {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        OpenResponse { body, stream }
    }

    fn output(&mut self) -> &mut wasip2::io::streams::OutputStream {
        &mut self.stream
    }

    fn finish(self) {
        let _ = self.stream.blocking_flush();
        drop(self.stream);
        let _ = OutgoingBody::finish(self.body, None);
    }
}
