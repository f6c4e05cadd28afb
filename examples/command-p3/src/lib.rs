//! A WASI 0.3 command that shows what a program may touch. The first argument says what to do:
//!
//! * `echo ARGS…`: the arguments; also what happens without any
//! * `env`: the environment, `NAME=VALUE` a line
//! * `dirs`: the folders it was given
//! * `ls DIR`, `cat FILE`, `write FILE TEXT`, `rm FILE`
//! * `stdin`: standard input to standard output
//! * `stderr TEXT`: to standard error
//! * `sleep MS`
//! * `exit N`: end with that status; `fail`: return an error; `trap`

mod files;

use wasip3::cli::{environment, exit, stderr, stdin, stdout};
use wasip3::clocks::monotonic_clock;
use wasip3::wit_bindgen::StreamReader;
use wasip3::wit_stream;

wasip3::cli::command::export!(Command);

struct Command;

impl wasip3::exports::cli::run::Guest for Command {
    async fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
        let Err(message) = run(&arguments).await else {
            return Ok(());
        };
        complain(&message).await;
        Err(())
    }
}

async fn run(arguments: &[&str]) -> Result<(), String> {
    match *arguments {
        ["env"] => {
            let variables = environment::get_environment();
            print(
                variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}\n")),
            )
            .await
        }
        ["dirs"] => print(files::folders().into_iter().map(|name| name + "\n")).await,
        ["ls", folder] => {
            print(
                files::list(folder)
                    .await?
                    .into_iter()
                    .map(|name| name + "\n"),
            )
            .await
        }
        ["cat", file] => {
            let (content, read) = files::read(file).await?;
            pass_on(content).await?;
            read.await.map_err(|error| format!("{file}: {error:?}"))
        }
        ["write", file, text] => files::write(file, text.as_bytes()).await,
        ["rm", file] => files::remove(file).await,
        ["stdin"] => {
            let (input, read) = stdin::read_via_stream();
            pass_on(input).await?;
            read.await
                .map_err(|error| format!("standard input: {error:?}"))
        }
        ["stderr", text] => {
            complain(text).await;
            Ok(())
        }
        ["sleep", ms] => {
            let ms: u64 = ms.parse().map_err(|_| format!("no number: {ms}"))?;
            monotonic_clock::wait_for(ms * 1_000_000).await;
            Ok(())
        }
        ["exit", status] => {
            exit::exit_with_code(status.parse().map_err(|_| format!("no status: {status}"))?);
            Ok(())
        }
        ["fail"] => Err("failed as told".into()),
        ["trap"] => core::arch::wasm32::unreachable(),
        ["echo", ref rest @ ..] | ref rest => print([rest.join(" ") + "\n"]).await,
    }
}

async fn print(lines: impl IntoIterator<Item = String>) -> Result<(), String> {
    let bytes = lines.into_iter().collect::<String>().into_bytes();
    let (mut writer, content) = wit_stream::new();
    let written = stdout::write_via_stream(content);
    writer.write_all(bytes).await;
    drop(writer); // the end of the stream
    written
        .await
        .map_err(|error| format!("standard output: {error:?}"))
}

async fn pass_on(content: StreamReader<u8>) -> Result<(), String> {
    let written = stdout::write_via_stream(content);
    written
        .await
        .map_err(|error| format!("standard output: {error:?}"))
}

async fn complain(text: &str) {
    let (mut writer, content) = wit_stream::new();
    let written = stderr::write_via_stream(content);
    writer.write_all(format!("{text}\n").into_bytes()).await;
    drop(writer);
    let _ = written.await; // there is nowhere left to say it
}
