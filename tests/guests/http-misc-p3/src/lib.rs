//! A P3 HTTP component that misbehaves on request: the path says how (see the README of http-misc).

mod bodies;
mod faults;
mod files;
mod heads;
#[cfg(feature = "relay")]
mod next; // generated from wit/world.wit
#[cfg(feature = "relay")]
mod relay;
mod reply;
#[cfg(feature = "service")]
mod service;
mod sockets;
mod system;

use guest_support::{Query, addressed, path_of};
use wasip3::http::types::{ErrorCode, Request, Response};

use crate::reply::text;

wasip3::http::service::export!(Misc);

struct Misc;

impl wasip3::exports::http::handler::Guest for Misc {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let whole_path = request.get_path_with_query().unwrap_or_default();
        #[cfg(feature = "relay")]
        if !relay::is_for_me(&whole_path) {
            return relay::forward(request).await;
        }
        let (_, whole_path) = addressed(&whole_path);
        let query = Query::of(whole_path);
        Ok(match path_of(whole_path) {
            "/sleep" => system::sleep(&query).await,
            "/late" => bodies::late(&query),
            "/cpu" => system::cpu(&query),
            "/count" => system::count(),
            #[cfg(feature = "service")]
            "/beats" => service::beats(),
            #[cfg(feature = "service")]
            "/end-run" => service::end_run(&query),
            "/together" => system::together(&query).await,
            "/spawn-after" => system::spawn_after(&query),
            "/spawned" => system::spawned(),
            "/env" => system::environment(),
            "/args" => system::arguments(),
            "/headers" => system::headers(&request),
            "/print" => system::print(&query).await,
            "/exit" => system::exit(&query),
            "/spin" => faults::spin(),
            "/trap" => faults::trap(&query),
            "/recurse" => text(200, &format!("{}\n", faults::recurse(0))),
            "/memory" => faults::memory(&query),
            "/leak" => faults::leak(&query),
            "/keep-heads" => heads::keep(&query),
            "/let-heads-go" => heads::let_go(),
            "/long-texts" => heads::long_texts(&query),
            "/keep-results" => heads::keep_results(&query).await,
            // A task that never returns its response and waits for nothing that will happen.
            "/no-response" => std::future::pending().await,
            "/error" => return Err(ErrorCode::InternalError(None)),
            "/noread" => text(200, "not read\n"),
            "/drain" => bodies::drain(request, &query).await,
            "/big" => bodies::big(&query),
            "/small-writes" => bodies::small_writes(&query),
            "/drop-body-early" => bodies::drop_body_early(),
            "/die-mid-body" => bodies::die_mid_body(),
            "/wrong-length" => bodies::wrong_length(&query),
            "/big-headers" => bodies::big_headers(&query),
            "/trailers" => bodies::trailers(),
            "/trailers-error" => bodies::trailers_error(),
            "/status" => text(query.number("code", 200) as u16, "status\n"),
            "/fs" => files::answer(&query).await,
            "/tcp" => sockets::answer(sockets::tcp(&query).await),
            "/listen" => sockets::answer(sockets::listen(&query)),
            "/udp" => sockets::answer(sockets::udp(&query).await),
            "/lookup" => sockets::answer(sockets::lookup(&query).await),
            _ => text(404, "no such test\n"),
        })
    }
}
