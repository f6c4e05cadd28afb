//! A plugin that does what its command says, much of it hostile: see tests/guests/README.md.

mod acts;

use wash_plugin::exports::nimbus::wash::plugin::Guest;
use wash_plugin::nimbus::wash::types::{
    Access, Argument, Capabilities, Command, Event, Files, Finding, Flag, Hook, Host, Invocation,
    Metadata, Phase, Program, Runner, Severity, ValueKind,
};

struct Probe;

fn flag(name: &str, kind: ValueKind) -> Flag {
    Flag {
        name: name.into(),
        short: None,
        description: format!("the {name}"),
        kind,
        env: None,
        default: None,
        required: false,
        repeated: false,
    }
}

fn argument(name: &str, repeated: bool) -> Argument {
    Argument {
        name: name.into(),
        description: format!("the {name}"),
        kind: ValueKind::Text,
        default: None,
        required: !repeated,
        repeated,
    }
}

fn command() -> Command {
    Command {
        name: "probe".into(),
        description: "Does what it is told".into(),
        flags: vec![
            Flag {
                short: Some('l'),
                ..flag("loud", ValueKind::Switch)
            },
            Flag {
                env: Some("PROBE_COUNT".into()),
                default: Some("1".into()),
                ..flag("count", ValueKind::Integer)
            },
            Flag {
                repeated: true,
                ..flag("tag", ValueKind::Text)
            },
            flag("file", ValueKind::Path),
        ],
        arguments: vec![argument("act", false), argument("words", true)],
        examples: vec!["wash probe flags --loud".into()],
    }
}

fn program(name: &str, arguments: &[&str]) -> Program {
    Program {
        name: name.into(),
        arguments: arguments.iter().map(|each| (*each).into()).collect(),
        reason: "to probe".into(),
    }
}

impl Guest for Probe {
    fn info() -> Metadata {
        let hook = |phase, command: &str| Hook {
            phase,
            command: command.into(),
        };
        Metadata {
            name: "probe".into(),
            description: "Probes what plugins may do".into(),
            version: "1.2.3".into(),
            license: "Apache-2.0".into(),
            contact: String::new(),
            url: String::new(),
            command: Some(command()),
            sub_commands: vec![Command {
                name: "sub".into(),
                ..command()
            }],
            hooks: vec![
                hook(Phase::Before, "inspect"),
                hook(Phase::After, "inspect"),
                hook(Phase::Before, "plugin list"),
            ],
            checks: true,
            dev_register: None,
            capabilities: Capabilities {
                programs: vec![
                    program("echo", &["hello", "*"]),
                    program("false", &[]),
                    program("sleep", &["*"]),
                    program("sh", &["-c", "*"]),
                ],
                files: vec![Files {
                    folder: "project".into(),
                    access: Access::Read,
                    reason: "to look around".into(),
                }],
                hosts: vec![Host {
                    host: "http://127.0.0.1".into(),
                    reason: "to ask".into(),
                }],
            },
        }
    }

    fn initialize(_: Runner) -> Result<(), String> {
        Ok(())
    }

    fn run(runner: Runner, invocation: Invocation) -> Result<String, String> {
        acts::act(&runner, &invocation)
    }

    fn hook(runner: Runner, event: Event) -> Result<String, String> {
        let context = runner.context();
        acts::print(&format!("{:?} {}", event.phase, event.command));
        for (key, value) in &event.inputs {
            acts::print(&format!("{key}={value}"));
        }
        if let Some(outcome) = event.outcome {
            acts::print(&format!("success {}, status {}", outcome.success, outcome.exit_status));
            acts::print(&format!("seen {:?}", context.get("probe.seen")));
        }
        context.set("probe.seen", "before")?;
        match runner.config().get("hook").as_deref() {
            Some("refuse") => Err("the probe refuses".into()),
            Some("trap") => acts::trap(),
            _ => Ok(String::new()),
        }
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(vec![Finding {
            subject: "probe".into(),
            severity: Severity::Warning,
            message: "it is only a probe".into(),
            fix: Some("wash plugin uninstall probe".into()),
        }])
    }
}

wash_plugin::export!(Probe);
