//! A plugin as it was built in the autumn of 2025, against wasmcloud:wash@0.0.2: serves
//! `test:tally/tally`, of ../tally, to `wash dev`, and counts in its configuration.

#[path = "../../tally-back/src/back.rs"]
mod back; // generated from ../tally/wit
#[path = "../../plugin-old-2/src/wash.rs"]
mod wash; // generated from wit/wash/deps/wasmcloud-wash-0.0.2

use std::cell::{Cell, RefCell};

use crate::back::exports::test::tally::tally::{Guest as Tally, GuestCounter};
use crate::wash::exports::wasmcloud::wash0_0_2::plugin::Guest;
use crate::wash::wasmcloud::wash0_0_2::types::{Command, HookType, Metadata, Runner};

struct Old;

struct Counter(Cell<u64>);

thread_local! {
    static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

impl Guest for Old {
    fn info() -> Metadata {
        Metadata {
            id: "test.old-tally".into(),
            name: "old-tally".into(),
            description: "Counts".into(),
            contact: String::new(),
            url: String::new(),
            license: "Apache-2.0".into(),
            version: "0.0.2".into(),
            command: None,
            sub_commands: Vec::new(),
            hooks: vec![HookType::DevRegister],
        }
    }

    fn initialize(runner: Runner) -> Result<String, String> {
        RUNNER.set(Some(runner));
        Ok(String::new())
    }

    fn run(_: Runner, _: Command) -> Result<String, String> {
        Err("there is no command".into())
    }

    fn hook(runner: Runner, hook: HookType) -> Result<String, String> {
        if !matches!(hook, HookType::DevRegister) {
            return Err("there is no such hook".into());
        }
        let context = runner.context()?;
        context.set("tally.hook", &context.get("who").unwrap_or_default());
        Ok("registered".into())
    }
}

impl Tally for Old {
    type Counter = Counter;

    fn count(key: String) -> Result<u64, String> {
        RUNNER.with_borrow(|runner| {
            let config = runner.as_ref().ok_or("not initialized")?.plugin_config()?;
            let count = config.get(&key).and_then(|text| text.parse().ok()).unwrap_or(0) + 1;
            config.set(&key, &format!("{count}"));
            Ok(count)
        })
    }

    fn settings() -> String {
        RUNNER.with_borrow(|runner| match runner {
            Some(runner) => format!("{:?}", runner.host_exec("echo", &["counted".to_string()])),
            None => "not initialized".into(),
        })
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

impl GuestCounter for Counter {
    fn new(start: u64) -> Counter {
        Counter(Cell::new(start))
    }

    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

wash::export!(Old with_types_in wash);
back::export!(Old with_types_in crate::back);
