//! A service: wakes up as often as the variable `EVERY_MS` says (every second without it), counts
//! that in the key-value bucket `default` under `count-ticks`, and says so. With `TICKS` it
//! completes after so many.

#[path = "../../kv-counter/src/kv.rs"]
mod kv; // generated from the wit of kv-counter

use std::io::Write as _;

use wasip2::cli::{environment, stdout};
use wasip2::clocks::monotonic_clock;

use crate::kv::wasi::keyvalue::{atomics, store};

wasip2::cli::command::export!(Ticker);

struct Ticker;

impl wasip2::exports::cli::run::Guest for Ticker {
    fn run() -> Result<(), ()> {
        let pause = number("EVERY_MS").unwrap_or(1000) * 1_000_000;
        for tick in 1..=number("TICKS").unwrap_or(u64::MAX) {
            let total = count().map_err(|error| say(&format!("cannot count: {error:?}")))?;
            say(&format!("tick {tick}, {total} in all"));
            monotonic_clock::subscribe_duration(pause).block();
        }
        Ok(())
    }
}

fn number(variable: &str) -> Option<u64> {
    let variables = environment::get_environment();
    let (_, text) = variables.iter().find(|(name, _)| name == variable)?;
    text.parse().ok()
}

fn count() -> Result<u64, store::Error> {
    atomics::increment(&store::open("default")?, "count-ticks", 1)
}

fn say(text: &str) {
    let mut output = stdout::get_stdout();
    let _ = writeln!(output, "{text}");
    let _ = output.flush();
}
