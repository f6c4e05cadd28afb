//! What is told of failures. Guests choose the names of their functions, and what they say.

use std::fmt::{self, Write};

/// Of one line: the name of a function may have 100,000 bytes.
const MAX_LINE_BYTES: usize = 1024;
/// Before lines are cut: more than Wasmtime writes about a guest with the longest of names.
const MAX_RAW_BYTES: usize = 8 << 20;

/// Takes what is written up to a length. Nothing more is made of it then.
pub struct Short {
    pub text: String,
    most: usize,
}

impl Short {
    pub fn new(most: usize) -> Short {
        Short {
            text: String::new(),
            most,
        }
    }
}

impl Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.most - self.text.len();
        let taken = more.floor_char_boundary(room);
        self.text.push_str(&more[..taken]);
        match taken == more.len() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}

/// An error of Wasmtime with its backtrace, whose names of Rust are as in its sources. Wasmtime
/// itself would do that for names of C++ as well, of which a few hundred bytes may stand for more
/// than any memory holds.
pub fn told(error: fmt::Arguments<'_>) -> String {
    let mut raw = Short::new(MAX_RAW_BYTES);
    _ = raw.write_fmt(error);
    let lines = raw.text.split('\n').map(readable);
    lines.collect::<Vec<_>>().join("\n")
}

fn readable(line: &str) -> String {
    let mut short = Short::new(MAX_LINE_BYTES);
    // "  0:   0x4a - module!function"
    let name_at = line.find("!_").map_or(line.len(), |at| at + 1);
    let (place, name) = line.split_at(name_at);
    _ = write!(short, "{place}{:#}", rustc_demangle::demangle(name));
    short.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_are_as_in_its_sources() {
        let backtrace = "error at wasm backtrace:\n    0:   0x4a - \
                         a.wasm!_ZN3foo3bar17h0123456789abcdefE\n    1:   0x4b - a.wasm!run\n\n\
                         Caused by:\n    wasm trap: unreachable";
        let shown = "error at wasm backtrace:\n    0:   0x4a - a.wasm!foo::bar\n    \
                     1:   0x4b - a.wasm!run\n\nCaused by:\n    wasm trap: unreachable";
        assert_eq!(told(format_args!("{backtrace}")), shown);
    }

    #[test]
    fn names_of_cpp_are_left_as_they_are() {
        // Each name stands for ten of the one before.
        let parts = ["1aIiiiiiiiiiiE", "1bIS0_S0_S0_S0_S0_S0_S0_S0_S0_S0_E"];
        let name = format!("    0:   0x4a - m!_Z1f{}", parts.concat());
        assert_eq!(told(format_args!("{name}")), name);
    }

    #[test]
    fn wasmtime_leaves_names_of_cpp_as_they_are() {
        let text = r#"(module (func (@name "_Z1f1aIiiE") (export "run") unreachable))"#;
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let run = instance
            .get_typed_func::<(), ()>(&mut store, "run")
            .unwrap();
        let error = run.call(&mut store, ()).unwrap_err();
        let shown = told(format_args!("{error:?}"));
        assert!(shown.contains("!_Z1f1aIiiE\n"), "{shown}");
    }

    #[test]
    fn lines_are_cut_and_the_last_one_is_there() {
        let long = "\u{e9}".repeat(100_000);
        let shown = told(format_args!(
            "at:\n0: 0x1 - m!{long}\nCaused by:\n    a trap"
        ));
        assert!(shown.len() < MAX_LINE_BYTES + 100);
        assert!(shown.ends_with("\u{e9}\nCaused by:\n    a trap"));
    }

    #[test]
    fn nothing_is_made_beyond_the_most() {
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    into.write_str("and so on, ")?;
                }
            }
        }
        let mut short = Short::new(100);
        assert!(write!(short, "{Endless}").is_err());
        assert_eq!(short.text.len(), 100);
    }
}
