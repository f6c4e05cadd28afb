//! A command that shows what a program may touch. The first argument says what to do:
//!
//! * `echo ARGS…`: the arguments; also what happens without any
//! * `env`: the environment, `NAME=VALUE` a line
//! * `dirs`: the folders it was given
//! * `ls DIR`, `cat FILE`, `write FILE TEXT`, `rm FILE`
//! * `stdin`: standard input to standard output
//! * `stderr TEXT`: to standard error
//! * `exit N`: end with that status; `fail`: return an error; `trap`

mod files;

use std::io::{self, Write};

use wasip2::cli::{environment, exit, stderr, stdin, stdout};

wasip2::cli::command::export!(Command);

struct Command;

impl wasip2::exports::cli::run::Guest for Command {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
        run(&arguments).map_err(|message| {
            let _ = writeln!(stderr::get_stderr(), "{message}");
        })
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match *arguments {
        ["env"] => print(
            environment::get_environment()
                .iter()
                .map(|(n, v)| format!("{n}={v}\n")),
        ),
        ["dirs"] => print(files::folders().into_iter().map(|name| name + "\n")),
        ["ls", folder] => print(files::list(folder)?.into_iter().map(|name| name + "\n")),
        ["cat", file] => write(&files::read(file)?),
        ["write", file, text] => files::write(file, text.as_bytes()),
        ["rm", file] => files::remove(file),
        ["stdin"] => copy_input(&mut stdout::get_stdout()).map_err(|error| error.to_string()),
        ["stderr", text] => write_to(&mut stderr::get_stderr(), format!("{text}\n").as_bytes()),
        ["exit", status] => {
            exit::exit_with_code(status.parse().map_err(|_| format!("no status: {status}"))?);
            Ok(())
        }
        ["fail"] => Err("failed as told".into()),
        ["trap"] => core::arch::wasm32::unreachable(),
        ["echo", ref rest @ ..] | ref rest => print([rest.join(" ") + "\n"]),
    }
}

fn print(lines: impl IntoIterator<Item = String>) -> Result<(), String> {
    write(lines.into_iter().collect::<String>().as_bytes())
}

fn write(bytes: &[u8]) -> Result<(), String> {
    write_to(&mut stdout::get_stdout(), bytes)
}

fn write_to(stream: &mut impl Write, bytes: &[u8]) -> Result<(), String> {
    stream
        .write_all(bytes)
        .and_then(|()| stream.flush())
        .map_err(|error| error.to_string())
}

fn copy_input(output: &mut impl Write) -> io::Result<()> {
    io::copy(&mut stdin::get_stdin(), output)?;
    output.flush()
}
