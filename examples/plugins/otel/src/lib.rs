//! Starts an OpenTelemetry collector before `wash dev` and stops it behind; components are told
//! where it listens. The collector is a container; `OTEL` variables point to it.

use wash_plugin::exports::nimbus::wash::plugin::Guest;
use wash_plugin::nimbus::wash::types::{
    Capabilities, Event, ExecError, ExecOptions, Finding, Hook, Invocation, Metadata, Phase,
    Program, Runner, Severity,
};

struct Collector;

const CONTAINER: &str = "wash-otel-collector";
const IMAGE: &str = "otel/opentelemetry-collector:latest";
const ENDPOINT: &str = "http://127.0.0.1:4318";

fn arguments(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn run_arguments() -> Vec<String> {
    arguments(&[
        "run", "--rm", "--detach", "--name", CONTAINER, "--publish", "4318:4318", IMAGE,
    ])
}

fn program(words: Vec<String>, reason: &str) -> Program {
    Program {
        name: "docker".into(),
        arguments: words,
        reason: reason.into(),
    }
}

fn describe(error: ExecError) -> String {
    match error {
        ExecError::Denied(why) | ExecError::NotFound(why) | ExecError::Failed(why) => why,
        ExecError::TimedOut => "docker took too long".into(),
    }
}

/// What docker printed, if it went well.
fn docker(runner: &Runner, words: &[String]) -> Result<String, String> {
    let options = ExecOptions {
        input: Vec::new(),
        time_limit_ms: Some(120_000),
    };
    let done = runner.exec("docker", words, &options).map_err(describe)?;
    if done.exit_status == 0 {
        return Ok(String::from_utf8_lossy(&done.output).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&done.error);
    Err(format!("docker ended with {}: {}", done.exit_status, said.trim()))
}

impl Guest for Collector {
    fn info() -> Metadata {
        let hook = |phase| Hook {
            phase,
            command: "dev".into(),
        };
        Metadata {
            name: "otel-collector".into(),
            description: "An OpenTelemetry collector beside wash dev".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            license: "Apache-2.0".into(),
            contact: String::new(),
            url: String::new(),
            command: None,
            sub_commands: Vec::new(),
            hooks: vec![hook(Phase::Before), hook(Phase::After)],
            checks: true,
            dev_register: None,
            capabilities: Capabilities {
                programs: vec![
                    program(run_arguments(), "starts the collector"),
                    program(arguments(&["stop", CONTAINER]), "stops the collector"),
                    program(arguments(&["--version"]), "for wash doctor"),
                ],
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
        if event.phase == Phase::After {
            docker(&runner, &arguments(&["stop", CONTAINER]))?;
            return Ok("the collector has stopped".into());
        }
        let id = docker(&runner, &run_arguments())?;
        let context = runner.context();
        context.set("dev.environment.OTEL_EXPORTER_OTLP_ENDPOINT", ENDPOINT)?;
        Ok(format!("the collector runs as {id}"))
    }

    fn check(runner: Runner) -> Result<Vec<Finding>, String> {
        let said = docker(&runner, &arguments(&["--version"]));
        Ok(vec![Finding {
            subject: "docker".into(),
            severity: if said.is_ok() { Severity::Ok } else { Severity::Warning },
            message: said.unwrap_or_else(|why| why),
            fix: None,
        }])
    }
}

wash_plugin::export!(Collector);
