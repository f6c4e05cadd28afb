//! Labelled imports: what components composed into one still see apart. Each of them has a slot in
//! the store; an import under a label goes to the slot that the label is for.

use wasmtime::component::{Linker, LinkerInstance};
use wasmtime::{Result, ensure};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings as p2;
use wasmtime_wasi::p3::bindings as p3;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView};
use wasmtime_wasi_http::p2::bindings::http as http_p2;
use wasmtime_wasi_http::p3::bindings::http as http_p3;
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView};

use super::host::Host;
use super::lookup;
use crate::abi::Str;

/// Components in one store.
pub const MAX_SLOTS: usize = 16;

#[repr(C)]
pub struct Label {
    label: Str,
    interface: Str,
    slot: u32,
}

const _: () = assert!(size_of::<Label>() == 40);

/// A linker wants plain functions, so each slot has its own.
macro_rules! per_slot {
    ($getter:ident) => {
        [
            $getter::<0>,
            $getter::<1>,
            $getter::<2>,
            $getter::<3>,
            $getter::<4>,
            $getter::<5>,
            $getter::<6>,
            $getter::<7>,
            $getter::<8>,
            $getter::<9>,
            $getter::<10>,
            $getter::<11>,
            $getter::<12>,
            $getter::<13>,
            $getter::<14>,
            $getter::<15>,
        ]
    };
}
pub(super) use per_slot;

type Getters<View> = [View; MAX_SLOTS];

const CLI: Getters<fn(&mut Host) -> WasiCliCtxView<'_>> = per_slot!(cli);
pub const FILES: Getters<fn(&mut Host) -> WasiFilesystemCtxView<'_>> = per_slot!(files);
const HTTP: Getters<fn(&mut Host) -> WasiHttpCtxView<'_>> = per_slot!(http);
pub const SOCKETS: Getters<fn(&mut Host) -> WasiSocketsCtxView<'_>> = per_slot!(sockets);

fn cli<const SLOT: usize>(host: &mut Host) -> WasiCliCtxView<'_> {
    let view = host.wasi_of(SLOT);
    WasiCliCtxView {
        ctx: view.ctx.cli(),
        table: view.table,
    }
}

fn files<const SLOT: usize>(host: &mut Host) -> WasiFilesystemCtxView<'_> {
    let view = host.wasi_of(SLOT);
    WasiFilesystemCtxView {
        ctx: view.ctx.filesystem(),
        table: view.table,
    }
}

fn sockets<const SLOT: usize>(host: &mut Host) -> WasiSocketsCtxView<'_> {
    let view = host.wasi_of(SLOT);
    WasiSocketsCtxView {
        ctx: view.ctx.sockets(),
        table: view.table,
    }
}

fn http<const SLOT: usize>(host: &mut Host) -> WasiHttpCtxView<'_> {
    host.http_of(SLOT)
}

/// Fills the labelled imports of a composed component.
///
/// # Safety
/// The texts of the labels are alive.
pub unsafe fn add_to_linker(
    linker: &mut Linker<Host>,
    labels: &[Label],
    slots: usize,
    concurrency: bool,
) -> Result<()> {
    // Sockets are added by wasmtime-wasi and then replaced by those that are counted.
    linker.allow_shadowing(true);
    for label in labels {
        // SAFETY: by this function's contract.
        let (name, interface) = unsafe { (label.label.text()?, label.interface.text()?) };
        let slot = label.slot as usize;
        ensure!(
            slot < slots,
            "internal: the label {name} is for no component"
        );
        let mut instance = linker.instance(name)?;
        let Some((interface, version)) = interface.split_once('@') else {
            continue;
        };
        if concurrency && is_compatible(version, "0.3.") {
            add_p3(&mut instance, interface, slot)?;
        } else if is_compatible(version, "0.2.") {
            add_p2(&mut instance, interface, slot)?;
        }
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// Drafts are compatible with nothing but themselves, and the linker has none.
pub fn is_compatible(version: &str, series: &str) -> bool {
    version.starts_with(series) && !version.contains('-')
}

type Instance<'a, 'b> = &'a mut LinkerInstance<'b, Host>;

fn add_p2(instance: Instance<'_, '_>, interface: &str, slot: usize) -> Result<()> {
    use p2::{cli, filesystem, sockets};
    let (i, cli_of, sockets_of) = (instance, CLI[slot], SOCKETS[slot]);
    match interface {
        "wasi:cli/environment" => {
            cli::environment::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:cli/stdin" => cli::stdin::add_to_linker_instance::<Host, WasiCli>(i, cli_of),
        "wasi:cli/stdout" => cli::stdout::add_to_linker_instance::<Host, WasiCli>(i, cli_of),
        "wasi:cli/stderr" => cli::stderr::add_to_linker_instance::<Host, WasiCli>(i, cli_of),
        "wasi:cli/terminal-stdin" => {
            cli::terminal_stdin::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:cli/terminal-stdout" => {
            cli::terminal_stdout::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:cli/terminal-stderr" => {
            cli::terminal_stderr::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:filesystem/preopens" => {
            let files_of = FILES[slot];
            filesystem::preopens::add_to_linker_instance::<Host, WasiFilesystem>(i, files_of)
        }
        "wasi:sockets/instance-network" => {
            sockets::instance_network::add_to_linker_instance::<Host, WasiSockets>(i, sockets_of)
        }
        "wasi:sockets/tcp-create-socket" => super::sockets::add_p2_tcp(i, slot),
        "wasi:sockets/udp-create-socket" => super::sockets::add_p2_udp(i, slot),
        "wasi:sockets/ip-name-lookup" => lookup::add_p2_to_instance(i, slot),
        "wasi:http/outgoing-handler" => {
            http_p2::outgoing_handler::add_to_linker_instance::<Host, WasiHttp>(i, HTTP[slot])
        }
        _ => Ok(()),
    }
}

fn add_p3(instance: Instance<'_, '_>, interface: &str, slot: usize) -> Result<()> {
    use p3::{cli, filesystem, sockets};
    let (i, cli_of) = (instance, CLI[slot]);
    match interface {
        "wasi:cli/environment" => {
            cli::environment::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:cli/stdin" => cli::stdin::add_to_linker_instance::<Host, WasiCli>(i, cli_of),
        "wasi:cli/stdout" => cli::stdout::add_to_linker_instance::<Host, WasiCli>(i, cli_of),
        "wasi:cli/stderr" => cli::stderr::add_to_linker_instance::<Host, WasiCli>(i, cli_of),
        "wasi:cli/terminal-stdin" => {
            cli::terminal_stdin::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:cli/terminal-stdout" => {
            cli::terminal_stdout::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:cli/terminal-stderr" => {
            cli::terminal_stderr::add_to_linker_instance::<Host, WasiCli>(i, cli_of)
        }
        "wasi:filesystem/preopens" => {
            let files_of = FILES[slot];
            filesystem::preopens::add_to_linker_instance::<Host, WasiFilesystem>(i, files_of)
        }
        "wasi:sockets/types" => {
            sockets::types::add_to_linker_instance::<Host, WasiSockets>(i, SOCKETS[slot])?;
            super::sockets::replace_p3(i, slot)
        }
        "wasi:sockets/ip-name-lookup" => lookup::add_p3_to_instance(i, slot),
        "wasi:http/client" => {
            http_p3::client::add_to_linker_instance::<Host, WasiHttp>(i, HTTP[slot])
        }
        _ => Ok(()),
    }
}
