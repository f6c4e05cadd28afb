//! Serves `test:tally/tally`, of ../tally, to `wash dev`: one instance for all, that counts in what
//! stays with it, and runs `echo`, which it must be allowed to. If its configuration says `start`,
//! it starts `stay` before.
//!
//! By HTTP it answers `/calls` with what `calls` would return, and `/configured` with that it is
//! initialized; `/slow` takes half a second, `/fail` fails.

#[path = "../../tally-back/src/back.rs"]
mod back; // generated from ../tally/wit

use std::cell::{Cell, RefCell};

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest as Handler;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wash_plugin::exports::nimbus::wash::plugin::Guest as Plugin;
use wash_plugin::nimbus::wash::types::{
    Capabilities, DevRegister, Event, ExecOptions, Finding, Hook, Invocation, Metadata, Phase,
    Program, Runner,
};

use crate::back::exports::test::tally::tally::{Guest, GuestCounter};

struct Tally;

struct Counter(Cell<u64>);

thread_local! {
    static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn with_runner<T>(act: impl FnOnce(&Runner) -> T) -> Result<T, String> {
    RUNNER.with_borrow(|runner| runner.as_ref().map(act)).ok_or("not initialized".into())
}

fn program(name: &str, arguments: &[&str]) -> Program {
    Program {
        name: name.into(),
        arguments: arguments.iter().map(|each| (*each).into()).collect(),
        reason: "to be asked about".into(),
    }
}

impl Plugin for Tally {
    fn info() -> Metadata {
        Metadata {
            name: "Tally_1.x".into(),
            description: "Counts".into(),
            version: "1.0.0".into(),
            license: "Apache-2.0".into(),
            contact: String::new(),
            url: String::new(),
            command: None,
            sub_commands: Vec::new(),
            hooks: vec![Hook {
                phase: Phase::Before,
                command: "dev".into(),
            }],
            checks: false,
            dev_register: Some(DevRegister { long_lived: true }),
            capabilities: Capabilities {
                programs: vec![program("echo", &["counted"]), program("stay", &[])],
                files: Vec::new(),
                hosts: Vec::new(),
            },
        }
    }

    fn initialize(runner: Runner) -> Result<(), String> {
        RUNNER.set(Some(runner));
        Ok(())
    }

    fn run(_: Runner, _: Invocation) -> Result<String, String> {
        Err("there is no command".into())
    }

    fn hook(runner: Runner, _: Event) -> Result<String, String> {
        if runner.config().get("start").is_some() {
            let options = ExecOptions { input: Vec::new(), time_limit_ms: None };
            let started = runner.start("stay", &[], &options);
            started.map_err(|error| format!("{error:?}"))?;
        }
        Ok(String::new())
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }
}

impl Guest for Tally {
    type Counter = Counter;

    fn count(key: String) -> Result<u64, String> {
        with_runner(|runner| {
            let config = runner.config();
            let count = config.get(&key).and_then(|text| text.parse().ok()).unwrap_or(0) + 1;
            config.set(&key, &format!("{count}"))?;
            Ok(count)
        })?
    }

    fn settings() -> String {
        println("asking");
        let run = |runner: &Runner| {
            let options = ExecOptions { input: Vec::new(), time_limit_ms: Some(10_000) };
            match runner.exec("echo", &["counted".to_string()], &options) {
                Ok(done) => String::from_utf8_lossy(&done.output).trim().to_string(),
                Err(error) => format!("{error:?}"),
            }
        };
        with_runner(run).unwrap_or_else(|error| error)
    }

    fn calls() -> u64 {
        CALLS.set(CALLS.get() + 1);
        CALLS.get()
    }

    fn fail() {
        panic!("as asked");
    }

    fn spin() {
        while CALLS.get() < u64::MAX {}
    }
}

impl Handler for Tally {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let text = match path.rsplit('/').next() {
            Some("calls") => Tally::calls().to_string(),
            Some("configured") => format!("{:?}", with_runner(|_| "yes")),
            Some("slow") => {
                monotonic_clock::subscribe_duration(500_000_000).block();
                "slow".into()
            }
            Some("fail") => panic!("as asked"),
            _ => path,
        };
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        let _ = stream.blocking_write_and_flush(format!("{text}\n").as_bytes());
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

fn println(line: &str) {
    let line = format!("{line}\n");
    let _ = wasip2::cli::stdout::get_stdout().blocking_write_and_flush(line.as_bytes());
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

wash_plugin::export!(Tally);
back::export!(Tally with_types_in crate::back);
wasip2::http::proxy::export!(Tally);
