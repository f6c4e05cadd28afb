//! The private network of one workload: its service listens, its components connect. It has no
//! other addresses than loopback, and nothing of it is known to the operating system.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use wasmtime_wasi::sockets::ErrorCode;

use super::connection::{Connection, Pipes};
use super::pipe::Guard;
use crate::engine::budget::Total;
use crate::engine::lock::lock;

/// Connections that a listener has not accepted yet; others wait to be among them.
const MAX_BACKLOG: usize = 128;

/// Where ports are taken from when none is asked for, from the last down.
const FIRST_EPHEMERAL: u16 = 49152;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(ip: IpAddr) -> Family {
        match ip {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    pub fn loopback(self) -> IpAddr {
        match self {
            Family::V4 => Ipv4Addr::LOCALHOST.into(),
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }

    pub fn unspecified(self) -> IpAddr {
        match self {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}

/// What a port is taken for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// It was asked for, and may be listened on.
    Bound,
    /// A connection begins there. Who binds it need not mind.
    Source,
}

struct Ports {
    /// Those that are bound, and who listens.
    bound: HashMap<(Family, u16), Weak<Listener>>,
    sources: HashSet<(Family, u16)>,
    next: u16,
}

impl Ports {
    fn ephemeral(&mut self, family: Family) -> Result<u16, ErrorCode> {
        for _ in FIRST_EPHEMERAL..=u16::MAX {
            let port = self.next;
            self.next = match port {
                FIRST_EPHEMERAL => u16::MAX,
                _ => port - 1,
            };
            let key = (family, port);
            if !self.bound.contains_key(&key) && !self.sources.contains(&key) {
                return Ok(port);
            }
        }
        Err(ErrorCode::AddressInUse)
    }
}

pub struct Network {
    ports: Mutex<Ports>,
    listens: Notify,
    /// Connections from outside, at once.
    pub inbound: Arc<Semaphore>,
}

/// One that nobody reaches from outside.
impl Default for Network {
    fn default() -> Network {
        Network::new(0)
    }
}

impl Network {
    pub fn new(max_inbound: usize) -> Network {
        Network {
            ports: Mutex::new(Ports {
                bound: HashMap::new(),
                sources: HashSet::new(),
                next: u16::MAX,
            }),
            listens: Notify::new(),
            inbound: Arc::new(Semaphore::new(max_inbound.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Somebody begins to listen on a port.
    pub fn listens(&self) -> Notified<'_> {
        self.listens.notified()
    }

    /// A port of its own; 0: any. All addresses of loopback are one.
    pub fn bind(self: &Arc<Self>, family: Family, port: u16) -> Result<Binding, ErrorCode> {
        let mut ports = lock(&self.ports);
        let port = match port {
            0 => ports.ephemeral(family)?,
            port if ports.bound.contains_key(&(family, port)) => {
                return Err(ErrorCode::AddressInUse);
            }
            port => port,
        };
        ports.bound.insert((family, port), Weak::new());
        Ok(self.binding(family, port, Use::Bound))
    }

    /// Where a connection begins that was not bound.
    pub fn source(self: &Arc<Self>, family: Family) -> Result<Binding, ErrorCode> {
        let mut ports = lock(&self.ports);
        let port = ports.ephemeral(family)?;
        ports.sources.insert((family, port));
        Ok(self.binding(family, port, Use::Source))
    }

    fn binding(self: &Arc<Self>, family: Family, port: u16, taken: Use) -> Binding {
        Binding {
            network: self.clone(),
            family,
            port,
            taken,
        }
    }

    pub fn listener(&self, family: Family, port: u16) -> Option<Arc<Listener>> {
        // What it finds may be the last reference, and then needs the lock when it goes.
        let found = lock(&self.ports).bound.get(&(family, port)).cloned();
        found?.upgrade()
    }
}

/// A port in use; free again when it is dropped.
pub struct Binding {
    network: Arc<Network>,
    family: Family,
    port: u16,
    taken: Use,
}

impl Binding {
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.family.loopback(), self.port)
    }

    /// What lies in the connections is taken from `memory`, the host's.
    pub fn listen(self, backlog: usize, memory: Arc<Total>) -> Arc<Listener> {
        let (network, key) = (self.network.clone(), (self.family, self.port));
        let listener = Arc::new(Listener {
            address: self.address(),
            _binding: self,
            memory,
            queue: Mutex::new(Queue {
                backlog: backlog.clamp(1, MAX_BACKLOG),
                ..Default::default()
            }),
        });
        let shared = Arc::downgrade(&listener);
        lock(&network.ports).bound.insert(key, shared);
        network.listens.notify_waiters();
        listener
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let (mut ports, key) = (lock(&self.network.ports), (self.family, self.port));
        match self.taken {
            Use::Bound => _ = ports.bound.remove(&key),
            Use::Source => _ = ports.sources.remove(&key),
        }
    }
}

#[derive(Default)]
struct Queue {
    backlog: usize,
    ready: VecDeque<Incoming>,
    waiting: VecDeque<Incoming>,
    acceptor: Option<Waker>,
}

/// Who listens on a port, until it is dropped.
pub struct Listener {
    address: SocketAddr,
    _binding: Binding,
    memory: Arc<Total>,
    queue: Mutex<Queue>,
}

impl Listener {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set_backlog(&self, backlog: usize) {
        let mut queue = lock(&self.queue);
        queue.backlog = backlog.clamp(1, MAX_BACKLOG);
    }

    /// `guard` is of the socket that connects, from `binding`.
    pub fn dial(self: &Arc<Self>, binding: Binding, guard: Guard) -> Dial {
        let (near, far) = Pipes::pair(&self.memory);
        let addresses = (binding.address(), self.address);
        let progress = Arc::<Progress>::default();
        let incoming = Incoming {
            pipes: Some(far),
            addresses: (addresses.1, addresses.0),
            progress: progress.clone(),
            guard: guard.clone(),
        };
        let mut queue = lock(&self.queue);
        let acceptor = if queue.ready.len() < queue.backlog {
            incoming.progress.is(Stage::Connected);
            queue.ready.push_back(incoming);
            queue.acceptor.take()
        } else {
            queue.waiting.push_back(incoming);
            None
        };
        drop(queue);
        if let Some(acceptor) = acceptor {
            acceptor.wake();
        }
        Dial {
            progress,
            listener: Arc::downgrade(self),
            connection: Some(Connection::new(near, addresses, guard, Some(binding))),
        }
    }

    /// The next connection, if there is one.
    pub fn next(&self) -> Option<Incoming> {
        let mut queue = lock(&self.queue);
        let next = queue.ready.pop_front()?;
        let moved = queue.waiting.pop_front();
        let progress = moved.as_ref().map(|moved| moved.progress.clone());
        queue.ready.extend(moved);
        drop(queue);
        if let Some(progress) = progress {
            progress.is(Stage::Connected);
        }
        Some(next)
    }

    /// At most one waits for it.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = lock(&self.queue);
        if !queue.ready.is_empty() {
            return Poll::Ready(());
        }
        queue.acceptor = Some(cx.waker().clone());
        Poll::Pending
    }

    /// It waits no more.
    fn forget(&self, progress: &Arc<Progress>) {
        let mut queue = lock(&self.queue);
        let waiting = &mut queue.waiting;
        let found = waiting
            .iter()
            .position(|one| Arc::ptr_eq(&one.progress, progress));
        let forgotten = found.and_then(|at| waiting.remove(at));
        drop(queue);
        drop(forgotten);
    }
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Stage {
    #[default]
    Waiting,
    Connected,
    Refused,
}

#[derive(Default)]
struct Progress(Mutex<(Stage, Option<Waker>)>);

impl Progress {
    fn is(&self, stage: Stage) {
        let mut state = lock(&self.0);
        state.0 = stage;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn stage(&self) -> Stage {
        lock(&self.0).0
    }
}

/// The far end of a connection that is not accepted yet. Dropping it refuses or resets it.
pub struct Incoming {
    pipes: Option<Pipes>,
    addresses: (SocketAddr, SocketAddr),
    progress: Arc<Progress>,
    /// Of the near end.
    guard: Guard,
}

impl Incoming {
    /// `guard` is of the socket that it becomes.
    pub fn accept(mut self, guard: Guard) -> Option<Connection> {
        let pipes = self.pipes.take()?;
        Some(Connection::new(pipes, self.addresses, guard, None))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(pipes) = self.pipes.take() else {
            return;
        };
        pipes.abort(self.guard.clone());
        if self.progress.stage() == Stage::Waiting {
            self.progress.is(Stage::Refused);
        }
    }
}

/// A connection that is being made, from the near end.
pub struct Dial {
    progress: Arc<Progress>,
    listener: Weak<Listener>,
    connection: Option<Connection>,
}

impl Dial {
    /// Nobody listens there.
    pub fn refused() -> Dial {
        let progress = Arc::<Progress>::default();
        progress.is(Stage::Refused);
        Dial {
            progress,
            listener: Weak::new(),
            connection: None,
        }
    }

    pub fn finish(&mut self) -> Poll<Result<Connection, ErrorCode>> {
        match self.progress.stage() {
            Stage::Waiting => Poll::Pending,
            Stage::Connected => Poll::Ready(self.connection.take().ok_or(ErrorCode::InvalidState)),
            Stage::Refused => Poll::Ready(Err(ErrorCode::ConnectionRefused)),
        }
    }

    /// At most one waits for it.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.progress.0);
        if state.0 != Stage::Waiting {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.upgrade()
            && self.progress.stage() == Stage::Waiting
        {
            listener.forget(&self.progress);
        }
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
