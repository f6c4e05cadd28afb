//! Serves `test:tally/tally`, of ../tally, from its own key-value bucket and configuration.

mod back;
#[path = "../../http-config/src/config.rs"]
mod config; // generated from ../http-config/wit
#[path = "../../../../examples/kv-counter/src/kv.rs"]
mod kv; // generated from the wit of examples/kv-counter // generated from ../tally/wit

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use wasip2::cli::environment;

use crate::back::exports::test::tally::tally::{Guest, GuestCounter};
use crate::config::wasi::config::store as settings;
use crate::kv::wasi::keyvalue::{atomics, store};

crate::back::export!(Back with_types_in crate::back);

static CALLS: AtomicU64 = AtomicU64::new(0);

struct Back;

struct Counter(Cell<u64>);

impl Guest for Back {
    type Counter = Counter;

    fn count(key: String) -> Result<u64, String> {
        let bucket = store::open("default").map_err(|error| format!("{error:?}"))?;
        atomics::increment(&bucket, &key, 1).map_err(|error| format!("{error:?}"))
    }

    fn settings() -> String {
        format!(
            "{:?} {:?}",
            settings::get_all(),
            environment::get_environment()
        )
    }

    fn calls() -> u64 {
        CALLS.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn fail() {
        panic!("as asked");
    }

    fn spin() {
        while CALLS.load(Ordering::Relaxed) < u64::MAX {}
    }
}

impl GuestCounter for Counter {
    fn new(start: u64) -> Counter {
        Counter(Cell::new(start))
    }

    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}
