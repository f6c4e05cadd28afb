//! What runs beside the handler, and what the handler knows of it and does with it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use guest_support::Query;
use wasip3::cli::environment;
use wasip3::clocks::monotonic_clock;
use wasip3::http::types::Response;

use crate::reply::text;
use crate::{Misc, faults};

wasip3::cli::command::export!(Misc);

static BEATS: AtomicU64 = AtomicU64::new(0);
static END: AtomicU32 = AtomicU32::new(0);

impl wasip3::exports::cli::run::Guest for Misc {
    /// Counts a hundred times a second, until a request ends it; before that, does what the
    /// variable `DO` says: `trap`, `spin`.
    async fn run() -> Result<(), ()> {
        let variables = environment::get_environment();
        match variables.iter().find(|(name, _)| name == "DO") {
            Some((_, what)) if what == "trap" => _ = faults::trap(&Query::of("/")),
            Some((_, what)) if what == "spin" => _ = faults::spin(),
            _ => {}
        }
        loop {
            match END.load(Ordering::Relaxed) {
                0 => {}
                1 => return Ok(()),
                2 => return Err(()),
                _ => _ = faults::trap(&Query::of("/")),
            }
            monotonic_clock::wait_for(10_000_000).await;
            BEATS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub fn beats() -> Response {
    text(200, &format!("{}\n", BEATS.load(Ordering::Relaxed)))
}

/// What runs ends: `how` is 1 well, 2 with an error, 3 by a trap.
pub fn end_run(query: &Query) -> Response {
    END.store(query.number("how", 1) as u32, Ordering::Relaxed);
    text(200, "it ends\n")
}
