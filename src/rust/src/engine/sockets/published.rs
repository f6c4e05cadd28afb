//! Ports of the machine that lead into private networks: what connects there is carried over to
//! whoever listens in the network, which changes as workloads do.

use std::ffi::c_void;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, select, try_join};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, coop::consume_budget};
use tokio::time::{Instant, sleep, timeout_at};

use super::connection::{Connection, Receiver, Sender};
use super::network::{Dial, Family, Network};
use super::pipe::Guard;
use crate::abi::{guard, guard_void};
use crate::engine::config::runtime;
use crate::engine::context::PrivateNetwork;

/// Before accepting is tried again, after there were no descriptors, say.
const PAUSE: Duration = Duration::from_millis(100);

const PIECE: usize = 16 << 10;

#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    NobodyListened = 0,
    TooMany = 1,
}

/// Who is told of connections that were reset.
#[repr(C)]
pub struct PortCalls {
    context: *mut c_void,
    refused: extern "C" fn(*mut c_void, i32),
    release: extern "C" fn(*mut c_void),
}

const _: () = assert!(size_of::<PortCalls>() == 24);

// SAFETY: the contract of NimbusPortCalls: its functions may be called on any thread.
unsafe impl Send for PortCalls {}
// SAFETY: as above.
unsafe impl Sync for PortCalls {}

impl PortCalls {
    fn refused(&self, why: Refusal) {
        (self.refused)(self.context, why as i32);
    }
}

impl Drop for PortCalls {
    fn drop(&mut self) {
        (self.release)(self.context);
    }
}

struct Target {
    network: Arc<Network>,
    port: u16,
    calls: PortCalls,
}

/// None: it has led nowhere yet, or is given back.
type Leads = watch::Receiver<Option<Target>>;

pub struct Port {
    target: watch::Sender<Option<Target>>,
    accepting: AbortHandle,
}

impl Port {
    /// `patience`: how long connections wait for somebody to listen.
    fn new(listener: std::net::TcpListener, patience: Duration) -> std::io::Result<Port> {
        listener.set_nonblocking(true)?;
        let _entered = runtime().enter();
        let listener = TcpListener::from_std(listener)?;
        let (target, leads) = watch::channel(None);
        let accepting = runtime().spawn(accept(listener, leads, patience));
        Ok(Port {
            target,
            accepting: accepting.abort_handle(),
        })
    }

    fn lead_to(&self, target: Target) {
        self.target.send_replace(Some(target));
    }
}

/// Nobody is told anything from then on.
impl Drop for Port {
    fn drop(&mut self) {
        self.accepting.abort();
        self.target.send_replace(None);
    }
}

/// Who connects before it leads anywhere waits in the system's queue.
async fn accept(listener: TcpListener, mut leads: Leads, patience: Duration) {
    if leads.wait_for(Option::is_some).await.is_err() {
        return;
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, leads.clone(), patience))),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, mut leads: Leads, patience: Duration) {
    _ = stream.set_nodelay(true);
    let deadline = Instant::now() + patience;
    let reached = timeout_at(deadline, reach(&mut leads)).await;
    match reached.unwrap_or(Err(Refusal::NobodyListened)) {
        Ok(connection) => carry(stream, connection).await,
        Err(why) => {
            _ = stream.set_zero_linger();
            drop(stream);
            // As long as the lock is held nobody else is told, and it is not given back.
            if let Some(target) = &*leads.borrow() {
                target.calls.refused(why);
            }
        }
    }
}

async fn reach(leads: &mut Leads) -> Result<Connection, Refusal> {
    loop {
        let target = match &*leads.borrow_and_update() {
            Some(Target { network, port, .. }) => (network.clone(), *port),
            None => return Err(Refusal::NobodyListened),
        };
        let connected = pin!(connect(target.0, target.1));
        match select(connected, pin!(leads.changed())).await {
            Either::Left((connection, _)) => return connection,
            Either::Right(_) => continue,
        }
    }
}

/// Counts from now on, also while it waits for somebody to listen.
async fn connect(network: Arc<Network>, port: u16) -> Result<Connection, Refusal> {
    let permit = network.inbound.clone().try_acquire_owned();
    let permit: Guard = Arc::new(permit.map_err(|_| Refusal::TooMany)?);
    loop {
        let mut listens = pin!(network.listens());
        // From here on nobody begins unnoticed.
        listens.as_mut().enable();
        if let Some(dial) = dial(&network, port, &permit)
            && let Some(connection) = finish(dial).await
        {
            return Ok(connection);
        }
        listens.await;
    }
}

fn dial(network: &Arc<Network>, port: u16, permit: &Guard) -> Option<Dial> {
    for family in [Family::V4, Family::V6] {
        if let Some(listener) = network.listener(family, port) {
            let binding = network.source(family).ok()?;
            return Some(listener.dial(binding, permit.clone()));
        }
    }
    None
}

async fn finish(mut dial: Dial) -> Option<Connection> {
    poll_fn(|cx| dial.poll_ready(cx)).await;
    match dial.finish() {
        Poll::Ready(Ok(connection)) => Some(connection),
        _ => None,
    }
}

/// The connection is no more, and did not end properly.
#[derive(Debug)]
struct Broken;

/// Until both directions have ended. What breaks at one side is reset at the other.
async fn carry(mut stream: TcpStream, connection: Connection) {
    let (Some(receiver), Some(sender)) = (connection.receiver, connection.sender) else {
        return;
    };
    let (reader, writer) = stream.split();
    let carried = try_join(inward(reader, &sender), outward(&receiver, writer)).await;
    if carried.is_err() {
        sender.reset();
        _ = stream.set_zero_linger();
    }
}

async fn inward(reader: ReadHalf<'_>, sender: &Sender) -> Result<(), Broken> {
    let mut buffer = vec![0; PIECE];
    loop {
        consume_budget().await;
        let ready = pin!(reader.readable());
        let gone = pin!(poll_fn(|cx| sender.poll_gone(cx)));
        match select(ready, gone).await {
            Either::Left((ready, _)) => ready.map_err(|_| Broken)?,
            Either::Right(_) => return Ok(()),
        }
        match reader.try_read(&mut buffer) {
            Ok(0) => {
                sender.end();
                return Ok(());
            }
            Ok(count) if send(sender, &buffer[..count]).await => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Err(Broken),
        }
    }
}

/// False: nobody is there any more. How that came is told to who reads.
async fn send(sender: &Sender, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        poll_fn(|cx| sender.poll_ready(cx)).await;
        match sender.write(bytes) {
            Poll::Pending => {}
            Poll::Ready(Ok(count)) => bytes = &bytes[count..],
            Poll::Ready(Err(_)) => return false,
        }
    }
    true
}

async fn outward(receiver: &Receiver, mut writer: WriteHalf<'_>) -> Result<(), Broken> {
    let mut buffer = vec![0; PIECE];
    loop {
        consume_budget().await;
        poll_fn(|cx| receiver.poll_ready(cx)).await;
        match receiver.read(&mut buffer) {
            Poll::Pending => {}
            Poll::Ready(Ok(0)) => {
                return writer.shutdown().await.map_err(|_| Broken);
            }
            Poll::Ready(Ok(count)) => {
                let written = writer.write_all(&buffer[..count]).await;
                written.map_err(|_| Broken)?;
            }
            Poll::Ready(Err(_)) => return Err(Broken),
        }
    }
}

fn ip_of(bytes: &[u8]) -> wasmtime::Result<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Ok(v4.into());
    }
    let v6 = <[u8; 16]>::try_from(bytes)?;
    Ok(v6.into())
}

/// # Safety
/// `address` has `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_port_new(
    address: *const u8,
    size: usize,
    port: u16,
    patience_ns: i64,
) -> *mut Port {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let ip = ip_of(unsafe { std::slice::from_raw_parts(address, size) })?;
        let listener = std::net::TcpListener::bind(SocketAddr::new(ip, port))?;
        let port = Port::new(listener, Duration::from_nanos(patience_ns.try_into()?))?;
        Ok(Box::into_raw(Box::new(port)))
    })
}

/// # Safety
/// `port` and `network` are alive; `calls` follow the contract of NimbusPortCalls.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_port_lead_to(
    port: *const Port,
    network: *const PrivateNetwork,
    private_port: u16,
    calls: PortCalls,
) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (port, network) = unsafe { (&*port, &*network) };
        port.lead_to(Target {
            network: network.0.clone(),
            port: private_port,
            calls,
        });
    });
}

/// # Safety
/// `port` came from `nimbus_port_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_port_free(port: *mut Port) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(port) }));
}

#[cfg(test)]
#[path = "published_tests.rs"]
mod tests;
