//! A hook before `wash new` that adds a template of its own: where none was chosen, the project is
//! made of the one that the plugin carries and has written into its folder.

mod files;

use wash_plugin::exports::nimbus::wash::plugin::Guest;
use wash_plugin::nimbus::wash::types::{
    Capabilities, Event, Finding, Hook, Invocation, Metadata, Phase, Runner,
};

struct Template;

/// Ways in which a template can have been chosen already.
const CHOSEN: [&str; 3] = ["new.template", "new.git", "new.local"];

impl Guest for Template {
    fn info() -> Metadata {
        Metadata {
            name: "team-template".into(),
            description: "New projects begin as the team's own template".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            license: "Apache-2.0".into(),
            contact: String::new(),
            url: String::new(),
            command: None,
            sub_commands: Vec::new(),
            hooks: vec![Hook {
                phase: Phase::Before,
                command: "new".into(),
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

    fn hook(runner: Runner, _: Event) -> Result<String, String> {
        let context = runner.context();
        let chosen = |key: &&str| context.get(key).is_some_and(|value| !value.is_empty());
        if CHOSEN.iter().any(|key| chosen(key)) {
            return Ok(String::new());
        }
        files::write()?;
        let folder = format!("{}/{}", runner.folder(), files::NAME);
        context.set("new.template_folder", &folder)?;
        Ok("the team's template was chosen".into())
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }
}

wash_plugin::export!(Template);
