//! A service that does what its variable `DO` says: steps with `;` between them, one after the
//! other, and then it has completed.
//!
//! * `say TEXT`: prints it
//! * `variables`, `folders`: prints its environment, and the folders it was given
//! * `count KEY`: adds one to the key in the bucket `default`, and prints `KEY N`
//! * `until KEY N HOW`: counts, and fails like `HOW` as long as that has not made N
//! * `tick MS KEY`: for ever, counts and waits
//! * `sleep MS`, `spin`, `grow MB`
//! * `trap`, `fail`, `exit N`

#[path = "../../../../examples/kv-counter/src/kv.rs"]
mod kv; // generated from the wit of examples/kv-counter

use std::hint::black_box;
use std::io::Write as _;

use wasip2::cli::{environment, exit, stdout};
use wasip2::clocks::monotonic_clock;
use wasip2::filesystem::preopens;

use crate::kv::wasi::keyvalue::{atomics, store};

wasip2::cli::command::export!(Service);

struct Service;

impl wasip2::exports::cli::run::Guest for Service {
    fn run() -> Result<(), ()> {
        let variables = environment::get_environment();
        let steps = variables.iter().find(|(name, _)| name == "DO");
        for step in steps.map_or("", |(_, steps)| steps).split(';') {
            let words: Vec<&str> = step.split_whitespace().collect();
            perform(&words)?;
        }
        Ok(())
    }
}

fn perform(words: &[&str]) -> Result<(), ()> {
    match *words {
        [] => {}
        ["say", ref text @ ..] => say(&text.join(" ")),
        ["variables"] => say(&format!("{:?}", environment::get_environment())),
        ["folders"] => say(&format!(
            "{:?}",
            preopens::get_directories()
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>()
        )),
        ["count", key] => {
            count(key);
        }
        ["until", key, enough, ref how @ ..] => {
            if count(key) < number(enough) {
                return perform(how);
            }
        }
        ["tick", milliseconds, key] => loop {
            count(key);
            sleep(number(milliseconds));
        },
        ["sleep", milliseconds] => sleep(number(milliseconds)),
        ["spin"] => while black_box(true) {},
        ["grow", megabytes] => {
            let size = usize::try_from(number(megabytes)).unwrap() << 20;
            black_box(vec![1_u8; size]);
        }
        ["trap"] => core::arch::wasm32::unreachable(),
        ["fail"] => return Err(()),
        ["exit", status] => exit::exit_with_code(status.parse().unwrap()),
        _ => panic!("no such step: {words:?}"),
    }
    Ok(())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn sleep(milliseconds: u64) {
    monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
}

fn say(text: &str) {
    let mut output = stdout::get_stdout();
    writeln!(output, "{text}").unwrap();
    output.flush().unwrap();
}

fn count(key: &str) -> u64 {
    let bucket = store::open("default").unwrap();
    let count = atomics::increment(&bucket, key, 1).unwrap();
    say(&format!("{key} {count}"));
    count
}
