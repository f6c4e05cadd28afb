//! A P2 HTTP component that misbehaves on request: the path says how (see the README of this
//! folder).

mod bodies;
mod faults;
mod files;
mod heads;
#[cfg(feature = "relay")]
mod next; // generated from wit/world.wit
#[cfg(feature = "relay")]
mod relay;
mod reply;
mod sockets;
mod system;

use guest_support::{Query, addressed, path_of};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{ErrorCode, IncomingRequest, ResponseOutparam};

use crate::reply::text;

wasip2::http::proxy::export!(Misc);

struct Misc;

impl Guest for Misc {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let whole_path = request.path_with_query().unwrap_or_default();
        #[cfg(feature = "relay")]
        if !relay::is_for_me(&whole_path) {
            return relay::forward(request, out);
        }
        let (_, whole_path) = addressed(&whole_path);
        let query = Query::of(whole_path);
        match path_of(whole_path) {
            "/sleep" => system::sleep(out, &query),
            "/late" => bodies::late(out, &query),
            "/cpu" => system::cpu(out, &query),
            "/count" => system::count(out),
            "/env" => system::environment(out),
            "/args" => system::arguments(out),
            "/random" => system::random(out, &query),
            "/headers" => system::headers(out, &request),
            "/print" => system::print(out, &query),
            "/exit" => system::exit(&query),
            "/spin" => faults::spin(),
            "/trap" => faults::trap(&query),
            "/recurse" => text(out, 200, &format!("{}\n", faults::recurse(0))),
            "/memory" => faults::memory(out, &query),
            "/leak" => faults::leak(out, &query),
            "/keep-heads" => heads::keep(out, &query),
            "/keep-bodies" => heads::keep_bodies(out, &query),
            "/let-heads-go" => heads::let_go(out),
            "/long-texts" => heads::long_texts(out, &query),
            "/no-response" => drop(out),
            "/error" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(None))),
            "/noread" => text(out, 200, "not read\n"),
            "/drain" => bodies::drain(request, out, &query),
            "/big" => bodies::big(out, &query),
            "/small-writes" => bodies::small_writes(out, &query),
            "/drop-body-early" => bodies::drop_body_early(out),
            "/die-mid-body" => bodies::die_mid_body(out),
            "/wrong-length" => bodies::wrong_length(out, &query),
            "/big-headers" => bodies::big_headers(out, &query),
            "/trailers" => bodies::trailers(out),
            "/status" => text(out, query.number("code", 200) as u16, "status\n"),
            "/fs" => files::answer(out, &query),
            "/tcp" => sockets::answer(out, sockets::tcp(&query)),
            "/listen" => sockets::answer(out, sockets::listen(&query)),
            "/udp" => sockets::answer(out, sockets::udp(&query)),
            "/lookup" => sockets::answer(out, sockets::lookup(&query)),
            _ => text(out, 404, "no such test\n"),
        }
    }
}
