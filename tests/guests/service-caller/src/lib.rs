//! A service that calls `test:tally/tally`, of ../tally, as its variable `DO` says: `calls` prints
//! how often its instance of the other was called, in two calls with `PAUSE` milliseconds between
//! them; `settings` what the other is told; `fail` and `spin` let the other do that. Then it waits
//! for ever.

#[path = "../../tally-web/src/web.rs"]
mod web; // generated from ../tally/wit

use std::io::Write as _;

use wasip2::cli::{environment, stdout};
use wasip2::clocks::monotonic_clock;

use crate::web::test::tally::tally;

wasip2::cli::command::export!(Service);

struct Service;

impl wasip2::exports::cli::run::Guest for Service {
    fn run() -> Result<(), ()> {
        match variable("DO").as_str() {
            "calls" => {
                let first = tally::calls();
                sleep(variable("PAUSE").parse().unwrap_or(0));
                say(&format!("calls {first} {}", tally::calls()));
            }
            "settings" => say(&tally::settings()),
            "fail" => tally::fail(),
            "spin" => tally::spin(),
            other => panic!("cannot do {other:?}"),
        }
        loop {
            sleep(60_000);
        }
    }
}

fn variable(name: &str) -> String {
    let variables = environment::get_environment();
    let found = variables.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

fn sleep(milliseconds: u64) {
    monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
}

fn say(text: &str) {
    let mut output = stdout::get_stdout();
    writeln!(output, "{text}").unwrap();
    output.flush().unwrap();
}
