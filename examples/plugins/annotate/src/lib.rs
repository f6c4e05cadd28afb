//! A hook before `wash oci push` that annotates what is pushed: with the team that owns it, from
//! the plugin's configuration (`team`), and with the file's name.

use wash_plugin::exports::nimbus::wash::plugin::Guest;
use wash_plugin::nimbus::wash::types::{
    Capabilities, Event, Finding, Hook, Invocation, Metadata, Phase, Runner,
};

struct Annotate;

impl Guest for Annotate {
    fn info() -> Metadata {
        Metadata {
            name: "annotate".into(),
            description: "Annotates what is pushed".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            license: "Apache-2.0".into(),
            contact: String::new(),
            url: String::new(),
            command: None,
            sub_commands: Vec::new(),
            hooks: vec![Hook {
                phase: Phase::Before,
                command: "oci push".into(),
            }],
            checks: false,
            dev_register: None,
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

    fn run(_: Runner, _: Invocation) -> Result<String, String> {
        Err("there is no command".into())
    }

    fn hook(runner: Runner, event: Event) -> Result<String, String> {
        let context = runner.context();
        let path = event.inputs.iter().find(|(key, _)| key == "oci.path");
        let file = path.map_or("", |(_, path)| path.rsplit('/').next().unwrap_or(path));
        let team = runner.config().get("team").unwrap_or("unknown".into());
        let mut lines = context.get("oci.annotations").unwrap_or_default();
        for (key, value) in [("com.example.team", team.as_str()), ("com.example.file", file)] {
            if value.contains('\n') {
                return Err(format!("{key} has a line break"));
            }
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(&format!("{key}={value}"));
        }
        context.set("oci.annotations", &lines)?;
        Ok(format!("annotated as of team {team}"))
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }
}

wash_plugin::export!(Annotate);
