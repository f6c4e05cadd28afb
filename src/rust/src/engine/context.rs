//! What the instances of one component of one workload may see: environment, arguments, volumes,
//! limits, and the way back to C++ for everything that needs a decision.

use std::ffi::c_void;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::ensure;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use super::egress::EgressRequest;
use super::files::Volumes;
use super::import_call::ImportCalls;
use super::sockets::network::Network;
use super::stdio::GuestOutput;
use crate::abi::{Field, OwnedBytes, Str, fields, guard, guard_void, slice};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct HostCalls {
    context: *mut c_void,
    release: extern "C" fn(*mut c_void),
    print: extern "C" fn(*mut c_void, i32, Str),
    socket_allowed: extern "C" fn(*mut c_void, i32, *const u8, usize, u16) -> i32,
    lookup_allowed: extern "C" fn(*mut c_void, Str) -> i32,
    socket_opened: extern "C" fn(*mut c_void, i32) -> i32,
    socket_closed: extern "C" fn(*mut c_void, i32),
    file_opened: extern "C" fn(*mut c_void) -> i32,
    file_closed: extern "C" fn(*mut c_void),
    egress_start:
        extern "C" fn(*mut c_void, *mut super::egress::Egress, *const EgressRequest) -> *mut c_void,
    pub egress_body: extern "C" fn(*mut c_void, OwnedBytes),
    pub egress_body_end: extern "C" fn(*mut c_void, *const Field, usize),
    pub egress_body_error: extern "C" fn(*mut c_void),
    pub egress_consumed: extern "C" fn(*mut c_void, usize),
    pub egress_cancel: extern "C" fn(*mut c_void),
    pub egress_release: extern "C" fn(*mut c_void),
    pub imports: ImportCalls,
}

impl HostCalls {
    pub fn context(&self) -> *mut c_void {
        self.context
    }
}

const _: () = assert!(size_of::<HostCalls>() == 184);

#[repr(C)]
pub struct Volume {
    host_path: Str,
    guest_path: Str,
    read_only: u8,
}

#[repr(C)]
pub struct ContextConfig {
    environment: *const Field,
    environment_count: usize,
    arguments: *const Str,
    argument_count: usize,
    volumes: *const Volume,
    volume_count: usize,
    max_memory_bytes: u64,
    max_table_elements: u64,
    egress_window_bytes: u64,
    lookup_timeout_ns: u64,
    network: *const PrivateNetwork,
    max_handles: u32,
    stdio: u8,
    max_lookups: u8,
    _reserved: [u8; 2],
}

const _: () = {
    assert!(size_of::<Volume>() == 40);
    assert!(size_of::<ContextConfig>() == 96);
};

/// What a guest wants to do with an address.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum SocketUse {
    TcpBind = 0,
    TcpConnect = 1,
    TcpListen = 2,
    TcpAccept = 3,
    UdpBind = 4,
    UdpSend = 5,
    UdpReceive = 6,
    HostLoopback = 7,
}

impl From<SocketAddrUse> for SocketUse {
    fn from(usage: SocketAddrUse) -> SocketUse {
        match usage {
            SocketAddrUse::TcpBind => SocketUse::TcpBind,
            SocketAddrUse::TcpConnect => SocketUse::TcpConnect,
            SocketAddrUse::TcpListen => SocketUse::TcpListen,
            SocketAddrUse::TcpAccept => SocketUse::TcpAccept,
            SocketAddrUse::UdpBind => SocketUse::UdpBind,
            SocketAddrUse::UdpSend => SocketUse::UdpSend,
            SocketAddrUse::UdpReceive => SocketUse::UdpReceive,
        }
    }
}

/// What a socket is counted as.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum SocketCount {
    Open = 0,
    Outgoing = 1,
}

/// Why there may not be one more socket.
pub enum Refused {
    NoCapacity,
    NotPermitted,
}

pub struct Shared {
    pub calls: HostCalls,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    volumes: Vec<(PathBuf, String, FsPerms)>,
    /// The folders of these.
    pub volume_paths: Volumes,
    pub max_memory_bytes: u64,
    pub max_table_elements: u64,
    /// Resources of the host (streams, fields, files, …) that an instance may hold at once.
    pub max_handles: u32,
    pub egress_window_bytes: u64,
    stdio: u8,
    /// The look-ups of names that may run at once; others wait for their turn.
    pub lookups: Arc<Semaphore>,
    /// Of each look-up, with its wait.
    pub lookup_timeout: Duration,
    /// Of the workload.
    pub network: Option<Arc<Network>>,
}

// SAFETY: the contract of NimbusHostCalls: its functions may be called on any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Drop for Shared {
    fn drop(&mut self) {
        (self.calls.release)(self.calls.context);
    }
}

/// What a guest may ask for at once: the host is busy with it for milliseconds.
const MAX_RANDOM_BYTES: u64 = 1 << 20;

const STDIO_INHERIT: u8 = 1;
const STDIO_LINES: u8 = 2;

impl Shared {
    /// The WASI context of a new instance.
    pub fn wasi(self: &Arc<Self>) -> wasmtime::Result<WasiCtx> {
        let mut builder = WasiCtxBuilder::new();
        if !self.environment.is_empty() {
            builder.envs(&self.environment);
        }
        if !self.arguments.is_empty() {
            builder.args(&self.arguments);
        }
        for (host_path, guest_path, permissions) in &self.volumes {
            builder
                .preopened_dir(host_path, guest_path, *permissions)
                .map_err(|error| {
                    error.context(format!("cannot open the volume {}", host_path.display()))
                })?;
        }
        match self.stdio {
            STDIO_INHERIT => {
                builder.inherit_stdio();
            }
            STDIO_LINES => {
                builder.stdout(GuestOutput::new(self.clone(), 1));
                builder.stderr(GuestOutput::new(self.clone(), 2));
            }
            _ => {}
        }
        builder.max_random_size(MAX_RANDOM_BYTES);
        // Sockets are made from contexts of their own: see `sockets`.
        builder.allow_tcp(false).allow_udp(false);
        Ok(builder.build())
    }

    /// Whether it is a program that a user runs, with the standard streams of the process.
    pub fn has_terminal(&self) -> bool {
        self.stdio == STDIO_INHERIT
    }

    pub fn print(&self, stream: i32, line: &[u8]) {
        (self.calls.print)(self.calls.context, stream, Str::of(line));
    }

    /// If there may be one more, `socket_closed` follows.
    pub fn socket_opened(&self, count: SocketCount) -> Result<(), Refused> {
        match (self.calls.socket_opened)(self.calls.context, count as i32) {
            0 => Err(Refused::NoCapacity),
            1 => Ok(()),
            _ => Err(Refused::NotPermitted),
        }
    }

    pub fn socket_closed(&self, count: SocketCount) {
        (self.calls.socket_closed)(self.calls.context, count as i32);
    }

    /// Whether there may be one more; if so, `file_closed` follows.
    pub fn file_opened(&self) -> bool {
        (self.calls.file_opened)(self.calls.context) != 0
    }

    pub fn file_closed(&self) {
        (self.calls.file_closed)(self.calls.context);
    }

    pub fn socket_allowed(&self, address: SocketAddr, usage: SocketUse) -> bool {
        let usage = usage as i32;
        let (call, context) = (self.calls.socket_allowed, self.calls.context);
        match address.ip() {
            IpAddr::V4(ip) => {
                let bytes = ip.octets();
                call(context, usage, bytes.as_ptr(), bytes.len(), address.port()) != 0
            }
            IpAddr::V6(ip) => {
                let bytes = ip.octets();
                call(context, usage, bytes.as_ptr(), bytes.len(), address.port()) != 0
            }
        }
    }

    pub fn lookup_allowed(&self, name: &str) -> bool {
        (self.calls.lookup_allowed)(self.calls.context, Str::of(name.as_bytes())) != 0
    }

    pub fn egress_start(
        &self,
        egress: *mut super::egress::Egress,
        request: &EgressRequest,
    ) -> *mut c_void {
        (self.calls.egress_start)(self.calls.context, egress, request)
    }
}

/// The private network of a workload, for those who make contexts.
pub struct PrivateNetwork(pub Arc<Network>);

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_network_new(max_inbound: u32) -> *mut PrivateNetwork {
    guard(std::ptr::null_mut(), || {
        let network = PrivateNetwork(Arc::new(Network::new(max_inbound as usize)));
        Ok(Box::into_raw(Box::new(network)))
    })
}

/// # Safety
/// `network` came from `nimbus_network_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_network_free(network: *mut PrivateNetwork) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(network) }));
}

/// What one store sees: a context for each component in it.
pub type Contexts = Arc<[Arc<Shared>]>;

pub struct Context(pub Contexts);

/// # Safety
/// What `config` points at is alive during the call.
unsafe fn make(config: &ContextConfig, calls: HostCalls) -> wasmtime::Result<Shared> {
    // Made first: dropping it releases the caller's pointer whatever fails below.
    let mut shared = Shared {
        calls,
        environment: Vec::new(),
        arguments: Vec::new(),
        volumes: Vec::new(),
        volume_paths: Volumes::default(),
        max_memory_bytes: config.max_memory_bytes,
        max_table_elements: config.max_table_elements,
        max_handles: config.max_handles,
        egress_window_bytes: config.egress_window_bytes,
        stdio: config.stdio,
        lookups: Arc::new(Semaphore::new(config.max_lookups.into())),
        lookup_timeout: Duration::from_nanos(config.lookup_timeout_ns),
        network: None,
    };
    // SAFETY: by this function's contract.
    unsafe {
        shared.network = config.network.as_ref().map(|network| network.0.clone());
        for field in fields(config.environment, config.environment_count) {
            shared
                .environment
                .push((field.name.text()?.into(), field.value.text()?.into()));
        }
        for argument in slice(config.arguments, config.argument_count) {
            shared.arguments.push(argument.text()?.into());
        }
        for volume in slice(config.volumes, config.volume_count) {
            let permissions = match volume.read_only {
                0 => FsPerms::ReadWrite,
                _ => FsPerms::ReadOnly,
            };
            shared.volumes.push((
                volume.host_path.text()?.into(),
                volume.guest_path.text()?.into(),
                permissions,
            ));
        }
        shared.volume_paths = shared
            .volumes
            .iter()
            .map(|volume| volume.0.clone())
            .collect();
    }
    Ok(shared)
}

/// # Safety
/// Both pointers and what they point at are alive during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_context_new(
    config: *const ContextConfig,
    calls: *const HostCalls,
) -> *mut Context {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let shared = unsafe { make(&*config, *calls)? };
        Ok(boxed([Arc::new(shared)].into()))
    })
}

fn boxed(contexts: Contexts) -> *mut Context {
    Box::into_raw(Box::new(Context(contexts)))
}

/// # Safety
/// `contexts` points at `count` contexts that are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_context_join(
    contexts: *const *const Context,
    count: usize,
) -> *mut Context {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract, both lines.
        let contexts = unsafe { slice(contexts, count) };
        let parts = contexts.iter().map(|context| unsafe { &(**context).0 });
        let joined: Vec<_> = parts.flat_map(|part| part.iter().cloned()).collect();
        ensure!(!joined.is_empty(), "no context to join");
        Ok(boxed(joined.into()))
    })
}

/// # Safety
/// `context` came from `nimbus_context_new` or `nimbus_context_join` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_context_free(context: *mut Context) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(context) }));
}
