//! A plugin as it was built in the autumn of 2025, against wasmcloud:wash@0.0.2: it prints to its
//! standard output, and has sub-commands.

mod wash; // generated from wit/wash/deps/wasmcloud-wash-0.0.2

use crate::wash::exports::wasmcloud::wash0_0_2::plugin::Guest;
use crate::wash::wasmcloud::wash0_0_2::types::{
    Command, CommandArgument, HookType, Metadata, Runner,
};

struct Old;

fn command(name: &str, arguments: Vec<CommandArgument>) -> Command {
    Command {
        id: name.into(),
        name: name.into(),
        description: format!("Does {name}"),
        flags: Vec::new(),
        arguments,
        usage: Vec::new(),
    }
}

fn print(line: &str) {
    let line = format!("{line}\n");
    let _ = wasip2::cli::stdout::get_stdout().blocking_write_and_flush(line.as_bytes());
}

impl Guest for Old {
    fn info() -> Metadata {
        Metadata {
            id: "test.old-2".into(),
            name: "old-2".into(),
            description: "A plugin of 0.0.2".into(),
            contact: String::new(),
            url: String::new(),
            license: "Apache-2.0".into(),
            version: "0.0.2".into(),
            command: None,
            sub_commands: vec![
                command("args", Vec::new()),
                command(
                    "exec",
                    vec![CommandArgument {
                        name: "words".into(),
                        description: "a program and its arguments".into(),
                        env: None,
                        default: None,
                        value: None,
                    }],
                ),
            ],
            hooks: vec![HookType::BeforePush, HookType::AfterDoctor, HookType::AfterDev],
        }
    }

    fn initialize(_: Runner) -> Result<String, String> {
        Ok(String::new())
    }

    fn run(runner: Runner, cmd: Command) -> Result<String, String> {
        if cmd.name == "args" {
            print(&format!("{:?}", wasip2::cli::environment::get_arguments()));
            print(&format!("{:?}", wasip2::cli::environment::get_environment()));
            return Ok(String::new());
        }
        let words = cmd.arguments[0].value.clone().unwrap_or_default();
        let mut words = words.split(' ').map(String::from);
        let program = words.next().unwrap_or_default();
        let (output, _) = runner.host_exec(&program, &words.collect::<Vec<_>>())?;
        Ok(output)
    }

    fn hook(runner: Runner, hook: HookType) -> Result<String, String> {
        print(&format!("{hook:?}"));
        let context = runner.context()?;
        context.set("oci.annotations", "old=yes");
        if let Some(component) = context.get("dev.component_bytes_base64") {
            let (begin, end) = (&component[..16], &component[component.len() - 16..]);
            print(&format!("began with {} {begin} {end}", component.len()));
        }
        Ok(String::new())
    }
}

wash::export!(Old with_types_in wash);
