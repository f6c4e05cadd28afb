//! A plugin that does harm where its settings say so, before anything has been agreed to, or tells
//! what its hooks see. The settings are a block in the binary that tests/e2e/plugin_variants.py
//! fills in, as `info` sees nothing from outside.

use std::hint;

use wasip2::cli::stdout::get_stdout;

use wash_plugin::exports::nimbus::wash::plugin::Guest;
use wash_plugin::nimbus::wash::types::{
    Capabilities, Command, Event, Finding, Hook, Invocation, Metadata, Phase, Runner, Severity,
};

const BEGIN: &[u8] = b"hostile settings:";
const BYTES: usize = 512;

/// `KEY=VALUE;KEY=VALUE;` behind BEGIN, filled up with spaces.
#[used]
static SETTINGS: [u8; BYTES] = {
    let mut block = [b' '; BYTES];
    let mut i = 0;
    while i < BEGIN.len() {
        block[i] = BEGIN[i];
        i += 1;
    }
    block
};

fn setting(key: &str) -> Option<String> {
    // SAFETY: a static is good for a read; volatile, because the block is replaced in the finished
    // binary, and the compiler must not know what it contains.
    let block = unsafe { core::ptr::read_volatile(&raw const SETTINGS) };
    let text = String::from_utf8_lossy(&block[BEGIN.len()..]).into_owned();
    let pairs = text
        .trim_end()
        .split(';')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value.to_owned())
}

fn command(name: &str) -> Command {
    Command {
        name: name.into(),
        description: "Does nothing".into(),
        flags: Vec::new(),
        arguments: Vec::new(),
        examples: Vec::new(),
    }
}

/// Does not come back from most of what it is told.
fn misbehave(act: &str) {
    match act {
        "spin" => loop {
            hint::spin_loop();
        },
        "say-and-spin" => {
            let _ = get_stdout().blocking_write_and_flush(b"it spins\n");
            misbehave("spin");
        }
        "trap" => panic!("as it was told"),
        "recurse" => {
            fn deeper(depth: u64) -> u64 {
                if depth == u64::MAX {
                    return 0;
                }
                hint::black_box(deeper(hint::black_box(depth + 1)) + 1)
            }
            hint::black_box(deeper(0));
        }
        "memory" => {
            let mut kept = Vec::new();
            loop {
                kept.push(hint::black_box(vec![1u8; 16 << 20]));
            }
        }
        _ => {}
    }
}

/// More than a plugin may say of itself, each time in another place.
fn exaggerate(act: &str, metadata: &mut Metadata) {
    match act {
        "huge-text" => metadata.description = "x".repeat(64 << 20),
        "long-text" => metadata.description = "x".repeat(20 << 10),
        "commands" => {
            metadata.sub_commands = (0..10_000).map(|i| command(&format!("c{i}"))).collect()
        }
        // Each part is within its bound, and the whole is not.
        "whole" => {
            metadata.sub_commands = (0..64).map(|i| command(&format!("c{i}"))).collect();
            for each in &mut metadata.sub_commands {
                each.examples = vec!["y".repeat(30 << 10)];
            }
        }
        "escape" => metadata.description = "\u{1b}[2J\u{202e}gone\r\n".into(),
        _ => {}
    }
}

/// The phases of its hooks: `phase`, or both.
fn phases() -> Vec<Phase> {
    match setting("phase").as_deref() {
        Some("before") => vec![Phase::Before],
        Some("after") => vec![Phase::After],
        _ => vec![Phase::Before, Phase::After],
    }
}

fn listed(entries: &[(String, String)]) -> String {
    let each: Vec<_> = entries
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    each.join(", ")
}

/// What a hook sees: what the command was given, in braces what else is in the context, and the
/// outcome. It leaves its name in the context's `trail`, and before a command what `give` says,
/// `KEY:VALUE,KEY:VALUE`.
fn tell(runner: &Runner, event: &Event) -> Result<String, String> {
    let context = runner.context();
    let (phase, given) = match event.phase {
        Phase::Before => ("before", setting("give").unwrap_or_default()),
        Phase::After => ("after", String::new()),
    };
    for (key, value) in given.split(',').filter_map(|pair| pair.split_once(':')) {
        context.set(key, value)?;
    }
    let name = setting("name").unwrap_or_default();
    let trail = context
        .get("trail")
        .map_or(name.clone(), |trail| format!("{trail} {name}"));
    context.set("trail", &trail)?;
    let entry = |key: String| context.get(&key).map(|value| (key, value));
    let mut others: Vec<_> = context.keys().into_iter().filter_map(entry).collect();
    others.retain(|entry| !event.inputs.contains(entry));
    let outcome = event.outcome.map_or(String::new(), |outcome| {
        format!(
            " success {}, status {}",
            outcome.success, outcome.exit_status
        )
    });
    let (inputs, others) = (listed(&event.inputs), listed(&others));
    Ok(format!(
        "{phase} {} ({inputs}) {{{others}}}{outcome}",
        event.command
    ))
}

struct Hostile;

impl Guest for Hostile {
    fn info() -> Metadata {
        let act = setting("info").unwrap_or_default();
        misbehave(&act);
        let hooks = setting("hook").map_or(Vec::new(), |pattern| {
            let hook = |phase| Hook {
                phase,
                command: pattern.clone(),
            };
            phases().into_iter().map(hook).collect()
        });
        let mut metadata = Metadata {
            name: setting("name").unwrap_or("hostile".into()),
            description: "Does harm".into(),
            contact: String::new(),
            url: String::new(),
            license: "Apache-2.0".into(),
            version: setting("version").unwrap_or("1.0.0".into()),
            command: setting("command").map(|_| command(&setting("name").unwrap_or_default())),
            sub_commands: setting("sub").iter().map(|name| command(name)).collect(),
            hooks,
            checks: setting("check").is_some(),
            dev_register: None,
            capabilities: Capabilities {
                programs: Vec::new(),
                files: Vec::new(),
                hosts: Vec::new(),
            },
        };
        exaggerate(&act, &mut metadata);
        metadata
    }

    fn initialize(_: Runner) -> Result<(), String> {
        misbehave(&setting("initialize").unwrap_or_default());
        Ok(())
    }

    fn run(_: Runner, invocation: Invocation) -> Result<String, String> {
        misbehave(&setting("run").unwrap_or_default());
        Ok(format!(
            "ran {}",
            invocation.sub_command.unwrap_or_default()
        ))
    }

    fn hook(runner: Runner, event: Event) -> Result<String, String> {
        let act = setting("act").unwrap_or_default();
        misbehave(&act);
        match act.as_str() {
            "fail" => Err("no command is good enough".into()),
            "tell" => tell(&runner, &event),
            _ => Ok(String::new()),
        }
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        let act = setting("check").unwrap_or_default();
        misbehave(&act);
        let finding = |i: usize| Finding {
            subject: format!("thing {i}\u{1b}[31m"),
            severity: Severity::Error,
            message: "is\nnot good".into(),
            fix: Some("rm \u{7} it".into()),
        };
        match act.as_str() {
            "fail" => Err("nothing can be checked".into()),
            "many" => Ok((0..10_000).map(finding).collect()),
            _ => Ok(vec![finding(1)]),
        }
    }
}

wash_plugin::export!(Hostile);
