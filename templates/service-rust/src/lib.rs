//! Wakes up every second, or as often as the variable `EVERY_SECONDS` says, and counts that in the
//! key-value bucket `default`, where components of the same workload find it.

use std::io::Write as _;

use wasip2::cli::{environment, stdout};
use wasip2::clocks::monotonic_clock;

use bindings::wasi::keyvalue::{atomics, store};

mod bindings {
    wit_bindgen::generate!({ world: "service", path: "wit", generate_all });
}

wasip2::cli::command::export!(Service);

struct Service;

impl wasip2::exports::cli::run::Guest for Service {
    /// Runs until the host ends it. An error, like a trap, has it started again.
    fn run() -> Result<(), ()> {
        let pause = pause();
        for round in 1_u64.. {
            match count() {
                Ok(total) => say(&format!("tick {round}, {total} in all")),
                Err(error) => {
                    say(&format!("cannot count: {error:?}"));
                    return Err(());
                }
            }
            monotonic_clock::subscribe_duration(pause).block();
        }
        Ok(())
    }
}

/// In nanoseconds.
fn pause() -> u64 {
    let variables = environment::get_environment();
    let seconds = variables.iter().find(|(name, _)| name == "EVERY_SECONDS");
    seconds.and_then(|(_, text)| text.parse().ok()).unwrap_or(1) * 1_000_000_000
}

fn count() -> Result<u64, store::Error> {
    atomics::increment(&store::open("default")?, "ticks", 1)
}

fn say(text: &str) {
    let mut output = stdout::get_stdout();
    let _ = writeln!(output, "{text}");
    let _ = output.flush();
}
