//! A plugin as it was built in the summer of 2025, against wasmcloud:wash@0.0.1: it prints by its
//! runner, and its flag's name is not that of the argument.

mod wash; // generated from wit/wash/deps/wasmcloud-wash-0.0.1

use crate::wash::exports::wasmcloud::wash0_0_1::plugin::Guest;
use crate::wash::wasmcloud::wash0_0_1::types::{
    Command, CommandArgument, HookType, Metadata, Runner,
};

struct Old;

fn argument(name: &str, env: Option<&str>, default: Option<&str>) -> CommandArgument {
    CommandArgument {
        name: name.into(),
        description: format!("the {name}"),
        env: env.map(Into::into),
        default: default.map(Into::into),
        value: None,
    }
}

impl Guest for Old {
    fn info() -> Metadata {
        Metadata {
            id: "test.old-1".into(),
            name: "old-1".into(),
            description: "A plugin of 0.0.1".into(),
            contact: "nobody".into(),
            url: String::new(),
            license: "Apache-2.0".into(),
            version: "0.0.1".into(),
            command: Some(Command {
                id: "old".into(),
                name: "old-hello".into(),
                description: "Greets".into(),
                flags: vec![
                    ("greeting".into(), argument("word", Some("OLD_GREETING"), Some("hello"))),
                    ("exec".into(), argument("exec", None, Some(""))),
                ],
                arguments: vec![argument("name", None, None)],
                usage: vec!["wash old-hello world".into()],
            }),
            sub_commands: Vec::new(),
            hooks: vec![HookType::BeforeBuild, HookType::AfterBuild, HookType::BeforeDev],
        }
    }

    fn initialize(runner: Runner) -> Result<String, String> {
        let config = runner.plugin_config()?;
        let runs: u32 = config.get("runs").map_or(0, |runs| runs.parse().unwrap_or(0));
        config.set("runs", &(runs + 1).to_string());
        Ok(String::new())
    }

    fn run(runner: Runner, cmd: Command) -> Result<String, String> {
        let flag = |name: &str| {
            let found = cmd.flags.iter().find(|(flag, _)| flag == name);
            found.and_then(|(_, argument)| argument.value.clone()).unwrap_or_default()
        };
        let name = cmd.arguments[0].value.clone().unwrap_or_default();
        runner.output(&format!("{} {name}", flag("greeting")));
        runner.structured_output(
            &["key".into(), "value".into()],
            &[vec!["runs".into(), runner.plugin_config()?.get("runs").unwrap_or_default()]],
        );
        runner.error("an error that ends nothing");
        let exec = flag("exec");
        if exec.is_empty() {
            return Ok("done".into());
        }
        let mut words = exec.split(' ');
        let program = words.next().unwrap_or_default();
        let arguments: Vec<String> = words.map(Into::into).collect();
        let (output, error) = runner.host_exec(program, &arguments)?;
        Ok(format!("output {output:?}, error {error:?}"))
    }

    fn hook(runner: Runner, hook: HookType) -> Result<String, String> {
        let context = runner.context()?;
        context.set("dev.environment.OLD", "yes");
        if context.get("refuse").is_some() {
            return Err(format!("{hook:?} refuses"));
        }
        let runs = runner.plugin_config()?.get("runs").unwrap_or_default();
        Ok(format!("{hook:?}, run {runs}"))
    }
}

wash::export!(Old with_types_in wash);
