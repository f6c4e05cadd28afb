//! What the command can do.

use std::fmt::Debug;
use std::io::Read as _;

use wash_plugin::nimbus::wash::types::{ExecOptions, Given, Invocation, Runner};
use wasip2::cli::stdin::get_stdin;
use wasip2::cli::stdout::get_stdout;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

pub fn print(line: &str) {
    let line = format!("{line}\n");
    let _ = get_stdout().blocking_write_and_flush(line.as_bytes());
}

pub fn trap() -> ! {
    panic!("the probe traps")
}

fn shown(error: impl Debug) -> String {
    format!("{error:?}")
}

fn values<'a>(given: &'a [Given], name: &str) -> &'a [String] {
    let found = given.iter().find(|each| each.name == name);
    found.map_or(&[], |each| &each.values)
}

fn flags(invocation: &Invocation) -> String {
    let each = |given: &Given| format!("{}={:?}", given.name, given.values);
    let flags: Vec<_> = invocation.flags.iter().map(each).collect();
    let arguments: Vec<_> = invocation.arguments.iter().map(each).collect();
    format!(
        "{:?} {} | {} | {:?}",
        invocation.sub_command,
        flags.join(" "),
        arguments.join(" "),
        invocation.raw
    )
}

fn folder(name: &str) -> Result<Descriptor, String> {
    let found = get_directories().into_iter().find(|(_, path)| path == name);
    found.map(|(folder, _)| folder).ok_or(format!("no folder {name}"))
}

fn read(folder: &Descriptor, path: &str) -> Result<String, String> {
    let file = folder
        .open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)
        .map_err(shown)?;
    let (bytes, _) = file.read(4096, 0).map_err(shown)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn write(folder: &Descriptor, path: &str, text: &str) -> Result<String, String> {
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = folder
        .open_at(PathFlags::empty(), path, flags, DescriptorFlags::WRITE)
        .map_err(shown)?;
    file.write(text.as_bytes(), 0).map_err(shown)?;
    Ok("written".into())
}

fn exec(runner: &Runner, words: &[String]) -> Result<String, String> {
    let [program, arguments @ ..] = words else {
        return Err("no program".into());
    };
    let options = ExecOptions {
        input: Vec::new(),
        time_limit_ms: Some(500),
    };
    let done = runner.exec(program, arguments, &options).map_err(shown)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(format!("status {}, {:?}", done.exit_status, text(&done.output)))
}

fn start(runner: &Runner, words: &[String]) -> Result<String, String> {
    let [program, arguments @ ..] = words else {
        return Err("no program".into());
    };
    let options = ExecOptions {
        input: Vec::new(),
        time_limit_ms: None,
    };
    let process = runner.start(program, arguments, &options).map_err(shown)?;
    let stopped = runner.stop(process);
    Ok(format!("stopped {stopped}, again {}", runner.stop(process)))
}

fn get(authority: &str) -> Result<String, String> {
    let request = OutgoingRequest::new(Fields::new());
    let _ = request.set_scheme(Some(&Scheme::Http));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some("/"));
    let response = outgoing_handler::handle(request, None).map_err(shown)?;
    response.subscribe().block();
    let response = response.get().and_then(Result::ok).ok_or("no response")?;
    Ok(format!("status {}", response.map_err(shown)?.status()))
}

/// What comes of sockets, and of asking for the addresses of a name.
fn sockets() -> String {
    let said = |result: Result<(), ErrorCode>| match result {
        Ok(()) => "granted",
        Err(error) => error.name(),
    };
    format!(
        "tcp {}, udp {}, name {}",
        said(create_tcp_socket(IpAddressFamily::Ipv4).map(drop)),
        said(create_udp_socket(IpAddressFamily::Ipv4).map(drop)),
        said(resolve_addresses(&instance_network(), "localhost").map(drop))
    )
}

/// All of its standard input.
fn input() -> Result<String, String> {
    let mut text = String::new();
    get_stdin().read_to_string(&mut text).map_err(shown)?;
    Ok(text.trim_end().to_owned())
}

fn link(target: &str, name: &str) -> Result<String, String> {
    let own = folder("/tmp")?;
    own.symlink_at(target, name).map_err(shown)?;
    read(&own, name)
}

pub fn act(runner: &Runner, invocation: &Invocation) -> Result<String, String> {
    let words = values(&invocation.arguments, "words");
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    match values(&invocation.arguments, "act")[0].as_str() {
        "flags" => Ok(flags(invocation)),
        "print" => {
            print(word(0));
            Ok(String::new())
        }
        "fail" => Err("the probe fails".into()),
        "trap" => trap(),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "memory" => {
            let mut kept = Vec::new();
            loop {
                kept.push(vec![1u8; 16 << 20]);
                if kept.len() > 4096 {
                    return Ok("there is memory without end".into());
                }
            }
        }
        "folders" => Ok(shown(
            get_directories().iter().map(|(_, path)| path.as_str()).collect::<Vec<_>>(),
        )),
        "read" => read(&folder(word(0))?, word(1)),
        "write" => write(&folder(word(0))?, word(1), word(2)),
        "link" => link(word(0), word(1)),
        "exec" => exec(runner, words),
        "start" => start(runner, words),
        "get" => get(word(0)),
        "sockets" => Ok(sockets()),
        "input" => input(),
        "context" => {
            let context = runner.context();
            let big = "x".repeat(1 << 20);
            for i in 0..100 {
                if let Err(error) = context.set(&format!("key-{i}"), &big) {
                    return Ok(format!("after {i}: {error}"));
                }
            }
            Ok("no bound".into())
        }
        "count" => {
            let config = runner.config();
            let count: u32 = config.get("count").map_or(0, |count| count.parse().unwrap_or(0));
            config.set("count", &(count + 1).to_string())?;
            Ok((count + 1).to_string())
        }
        other => Err(format!("cannot {other}")),
    }
}
