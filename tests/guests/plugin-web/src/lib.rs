//! `wash web WORD` waits for a request by HTTP, which is served meanwhile, and prints its path. The
//! handler answers with the word, which it finds in the plugin's configuration, and leaves the path
//! in the plugin's folder.

#[path = "../../http-config/src/config.rs"]
mod config; // generated from ../http-config/wit

use std::io::Write as _;

use wash_plugin::exports::nimbus::wash::plugin::Guest as Plugin;
use wash_plugin::nimbus::wash::types::{
    Argument, Capabilities, Command, Event, Finding, Invocation, Metadata, Runner, ValueKind,
};
use wasip2::cli::stdout::get_stdout;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest as Handler;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::config::wasi::config::store;

struct Web;

const SEEN: &str = "seen";
const PART: &str = "part";
const POLL_NANOSECONDS: u64 = 20_000_000;

fn folder() -> Descriptor {
    let mut all = get_directories().into_iter();
    let found = all.find(|(_, path)| path == "/tmp");
    found.expect("a folder of its own").0
}

fn read(folder: &Descriptor, path: &str) -> Option<String> {
    let flags = PathFlags::empty();
    let file = folder
        .open_at(flags, path, OpenFlags::empty(), DescriptorFlags::READ)
        .ok()?;
    let (bytes, _) = file.read(4096, 0).ok()?;
    String::from_utf8(bytes).ok()
}

// Whoever reads it must not see half of it.
fn write(folder: &Descriptor, path: &str, text: &str) {
    let open = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let part = folder
        .open_at(PathFlags::empty(), PART, open, DescriptorFlags::WRITE)
        .unwrap();
    part.write(text.as_bytes(), 0).unwrap();
    folder.rename_at(PART, folder, path).unwrap();
}

impl Plugin for Web {
    fn info() -> Metadata {
        Metadata {
            name: "web".into(),
            description: "Waits for a request".into(),
            contact: String::new(),
            url: String::new(),
            license: "Apache-2.0".into(),
            version: "1.0.0".into(),
            command: Some(Command {
                name: "web".into(),
                description: "Prints the path of the first request".into(),
                flags: Vec::new(),
                arguments: vec![Argument {
                    name: "word".into(),
                    description: "what is answered".into(),
                    kind: ValueKind::Text,
                    default: None,
                    required: true,
                    repeated: false,
                }],
                examples: Vec::new(),
            }),
            sub_commands: Vec::new(),
            hooks: Vec::new(),
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

    fn run(runner: Runner, invocation: Invocation) -> Result<String, String> {
        let word = &invocation.arguments[0].values[0];
        let folder = folder();
        let _ = folder.unlink_file_at(SEEN);
        runner.config().set("word", word)?;
        let address = runner
            .context()
            .get("plugin.http_address")
            .unwrap_or_default();
        let line = format!("waiting at {address}\n");
        let _ = get_stdout().blocking_write_and_flush(line.as_bytes());
        loop {
            if let Some(path) = read(&folder, SEEN) {
                return Ok(path);
            }
            monotonic_clock::subscribe_duration(POLL_NANOSECONDS).block();
        }
    }

    fn hook(_: Runner, _: Event) -> Result<String, String> {
        Ok(String::new())
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }
}

impl Handler for Web {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let word = store::get("word").ok().flatten().unwrap_or_default();
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(response_out, Ok(response));
        let mut stream = body.write().unwrap();
        let _ = stream.write_all(format!("{word}\n").as_bytes());
        let _ = stream.flush();
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
        write(&folder(), SEEN, &path);
    }
}

wash_plugin::export!(Web);
wasip2::http::proxy::export!(Web);
