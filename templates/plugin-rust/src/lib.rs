//! A plugin of `wash`: a command, `wash {{package-name}} NAME`, and a hook after `wash build`.

use exports::nimbus::wash::plugin::Guest;
use nimbus::wash::types::{
    Argument, Capabilities, Command, Event, Finding, Hook, Invocation, Metadata, Phase, Runner,
    ValueKind,
};

wit_bindgen::generate!({ world: "wash-plugin", path: "wit", generate_all });

struct Plugin;

export!(Plugin);

impl Guest for Plugin {
    fn info() -> Metadata {
        Metadata {
            name: "{{package-name}}".into(),
            description: env!("CARGO_PKG_DESCRIPTION").into(),
            contact: String::new(),
            url: String::new(),
            license: String::new(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: Some(command()),
            sub_commands: Vec::new(),
            hooks: vec![Hook {
                phase: Phase::After,
                command: "build".into(),
            }],
            checks: false,
            dev_register: None,
            // What is named here is asked for when the plugin is installed.
            capabilities: Capabilities {
                programs: Vec::new(),
                files: Vec::new(),
                hosts: Vec::new(),
            },
        }
    }

    fn initialize(_: Runner) -> Result<(), String> {
        Ok(())
    }

    fn run(_: Runner, invocation: Invocation) -> Result<String, String> {
        let given = invocation.arguments.iter().find(|given| given.name == "name");
        let name = given.and_then(|given| given.values.first());
        let name = name.ok_or("whom shall I greet?")?;
        Ok(format!("Hello, {name}!"))
    }

    fn hook(runner: Runner, event: Event) -> Result<String, String> {
        if !event.outcome.is_some_and(|outcome| outcome.success) {
            return Ok(String::new());
        }
        let component = runner.context().get("build.component_path").unwrap_or_default();
        Ok(format!("{{package-name}} has seen {component}"))
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }
}

fn command() -> Command {
    Command {
        name: "{{package-name}}".into(),
        description: "Greets somebody".into(),
        flags: Vec::new(),
        arguments: vec![Argument {
            name: "name".into(),
            description: "Who is greeted".into(),
            kind: ValueKind::Text,
            default: Some("world".into()),
            required: false,
            repeated: false,
        }],
        examples: vec!["wash {{package-name}} you".into()],
    }
}
