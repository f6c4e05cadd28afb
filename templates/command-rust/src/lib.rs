//! Greets whom its arguments name.

use std::io::Write as _;

use wasip2::cli::{environment, stdout};

wasip2::cli::command::export!(Component);

struct Component;

impl wasip2::exports::cli::run::Guest for Component {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let names = arguments.get(1..).unwrap_or_default();
        let greeted = if names.is_empty() { "world".to_owned() } else { names.join(", ") };
        let mut output = stdout::get_stdout();
        writeln!(output, "Hello, {greeted}!").map_err(|_| ())?;
        output.flush().map_err(|_| ())
    }
}
