//! What TCP sockets of both WASI versions have in common. A new socket has no descriptor: where it
//! is bound or connected to says whether it is one of the workload's private network, or of the
//! world and wasmtime-wasi's own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use wasmtime_wasi::sockets::ErrorCode;

use super::Permit;
use super::connection::Connection;
use super::network::{Binding, Dial, Family, Listener};
use super::options::Options;
use crate::engine::budget::Total;
use crate::engine::context::{Refused, Shared, SocketUse};

/// Stands for the loopback of the machine itself; the name of it is `lookup`'s.
pub const HOST_LOOPBACK: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 254);

/// `World`: what wasmtime-wasi has of it.
pub struct Tcp<World> {
    pub context: Arc<Shared>,
    pub permit: Arc<Permit>,
    pub family: Family,
    /// Until it is of the world.
    pub options: Options,
    pub state: State<World>,
}

pub enum State<World> {
    New,
    World(World),
    Local(Local),
}

/// In the private network.
pub enum Local {
    /// And whether to all addresses.
    Bound(Binding, bool),
    Listening(Arc<Listener>),
    Connecting(Dial),
    Connected(Connection),
    Closed(ErrorCode),
}

fn is_valid(ip: IpAddr, family: Family) -> bool {
    match ip {
        IpAddr::V4(v4) => family == Family::V4 && !v4.is_multicast() && !v4.is_broadcast(),
        IpAddr::V6(v6) => {
            let embedded = match v6.segments() {
                [0, 0, 0, 0, 0, 0, _, _] => !v6.is_unspecified() && !v6.is_loopback(),
                _ => v6.to_ipv4_mapped().is_some(),
            };
            family == Family::V6 && !v6.is_multicast() && !embedded
        }
    }
}

/// Whether one of that family may connect to it at all.
fn is_remote(remote: SocketAddr, family: Family) -> bool {
    is_valid(remote.ip(), family) && !remote.ip().is_unspecified() && remote.port() != 0
}

/// The next connection of a listener for which there may be a socket; others are reset.
pub fn accept(context: &Arc<Shared>, listener: &Listener) -> Option<(Arc<Permit>, Connection)> {
    loop {
        let incoming = listener.next()?;
        if let Ok(permit) = Permit::take(context)
            && let Some(connection) = incoming.accept(permit.clone())
        {
            return Some((permit, connection));
        }
    }
}

impl<World> Tcp<World> {
    pub fn new(context: Arc<Shared>, permit: Arc<Permit>, family: Family) -> Self {
        Tcp {
            context,
            permit,
            family,
            options: Options::default(),
            state: State::New,
        }
    }

    /// What `accept` gave, of a listener with these options.
    pub fn accepted(
        context: Arc<Shared>,
        (permit, connection): (Arc<Permit>, Connection),
        options: Options,
    ) -> Self {
        Tcp {
            context,
            permit,
            family: Family::of(connection.local.ip()),
            options,
            state: State::Local(Local::Connected(connection)),
        }
    }

    fn allowed(&self, address: SocketAddr, usage: SocketUse) -> Result<(), ErrorCode> {
        match self.context.socket_allowed(address, usage) {
            true => Ok(()),
            false => Err(ErrorCode::AccessDenied),
        }
    }

    /// False: it is for the world to bind it.
    pub fn bind(&mut self, address: SocketAddr) -> Result<bool, ErrorCode> {
        match &self.state {
            State::New => {}
            State::World(_) => return Ok(false),
            State::Local(_) => return Err(ErrorCode::InvalidState),
        }
        let ip = address.ip();
        if !is_valid(ip, self.family) {
            return Err(ErrorCode::InvalidArgument);
        }
        let Some(network) = &self.context.network else {
            return Ok(false);
        };
        if !ip.is_loopback() && !ip.is_unspecified() {
            return Ok(false);
        }
        self.allowed(address, SocketUse::TcpBind)?;
        let binding = network.bind(self.family, address.port())?;
        self.state = State::Local(Local::Bound(binding, ip.is_unspecified()));
        Ok(true)
    }

    /// Begins to connect it within the private network, or tells where to in the world, to which it
    /// has to `leave` then.
    pub fn connect(&mut self, remote: SocketAddr) -> Result<Option<SocketAddr>, ErrorCode> {
        match &self.state {
            State::New | State::Local(Local::Bound(..)) => {}
            State::World(_) => return Ok(Some(remote)),
            State::Local(_) => return Err(ErrorCode::InvalidState),
        }
        if !is_remote(remote, self.family) {
            return Err(ErrorCode::InvalidArgument);
        }
        match self.route(remote)? {
            Route::Local(dial) => {
                self.state = State::Local(Local::Connecting(dial));
                Ok(None)
            }
            Route::World(remote) => match &self.state {
                State::Local(Local::Bound(_, false)) if !remote.ip().is_loopback() => {
                    Err(ErrorCode::RemoteUnreachable)
                }
                // What it was bound to is no address of the machine: that chooses one.
                _ => Ok(Some(remote)),
            },
        }
    }

    fn route(&mut self, remote: SocketAddr) -> Result<Route, ErrorCode> {
        let Some(network) = self.context.network.clone() else {
            return Ok(Route::World(remote));
        };
        if remote.ip() == HOST_LOOPBACK {
            let host = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), remote.port());
            return Ok(Route::World(host));
        }
        if !remote.ip().is_loopback() {
            return Ok(Route::World(remote));
        }
        if let Some(listener) = network.listener(self.family, remote.port()) {
            let binding = match std::mem::replace(&mut self.state, State::New) {
                State::Local(Local::Bound(binding, _)) => binding,
                _ => network.source(self.family)?,
            };
            return Ok(Route::Local(listener.dial(binding, self.permit.clone())));
        }
        let of_the_host = self.context.socket_allowed(remote, SocketUse::HostLoopback);
        Ok(match of_the_host {
            true => Route::World(remote),
            false => Route::Local(Dial::refused()),
        })
    }

    /// Whether it may connect to the world there, and counts as one that does. wasmtime-wasi asks
    /// about the address once more: what may not go there counts nowhere. A socket that is of the
    /// world already is refused by wasmtime-wasi, which looks at the socket before the address.
    pub fn leave(&self, remote: SocketAddr) -> Result<(), Refused> {
        let is_of_world = matches!(self.state, State::World(_));
        if is_of_world && !is_remote(remote, self.family) {
            return Ok(());
        }
        match self.context.socket_allowed(remote, SocketUse::TcpConnect) {
            true => self.permit.leave(),
            false if is_of_world => Ok(()),
            false => Err(Refused::NotPermitted),
        }
    }

    /// Whether it is connected, when that is known. Not for those of the world.
    pub fn finish_connect(&mut self) -> Poll<Result<&mut Connection, ErrorCode>> {
        if let State::Local(Local::Connecting(dial)) = &mut self.state {
            let Poll::Ready(result) = dial.finish() else {
                return Poll::Pending;
            };
            self.state = State::Local(match result {
                Ok(connection) => Local::Connected(connection),
                Err(error) => Local::Closed(error),
            });
        }
        Poll::Ready(self.connection())
    }

    pub fn connection(&mut self) -> Result<&mut Connection, ErrorCode> {
        match &mut self.state {
            State::Local(Local::Connected(connection)) => Ok(connection),
            State::Local(Local::Closed(error)) => Err(*error),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// `world`: what it is bound to there. Guests listen in their private networks only. What lies
    /// in connections is taken from `memory`, the host's.
    pub fn listen(
        &mut self,
        world: Option<SocketAddr>,
        memory: Arc<Total>,
    ) -> Result<Arc<Listener>, ErrorCode> {
        let address = match (&self.state, world) {
            (State::Local(Local::Bound(binding, _)), _) => binding.address(),
            (_, Some(address)) => address,
            (State::New, None) => SocketAddr::new(self.family.unspecified(), 0),
            _ => return Err(ErrorCode::InvalidState),
        };
        self.allowed(address, SocketUse::TcpListen)?;
        if let (State::New, Some(network)) = (&self.state, &self.context.network) {
            let binding = network.bind(self.family, 0)?;
            self.state = State::Local(Local::Bound(binding, true));
        }
        match std::mem::replace(&mut self.state, State::New) {
            State::Local(Local::Bound(binding, _)) => {
                let listener = binding.listen(self.options.backlog(), memory);
                self.state = State::Local(Local::Listening(listener.clone()));
                Ok(listener)
            }
            other => {
                self.state = other;
                Err(ErrorCode::NotSupported)
            }
        }
    }

    /// Not for those of the world.
    pub fn options(&mut self) -> Result<&mut Options, ErrorCode> {
        match &self.state {
            State::Local(Local::Closed(error)) => Err(*error),
            _ => Ok(&mut self.options),
        }
    }

    pub fn set_backlog(&mut self, value: u64) -> Result<(), ErrorCode> {
        match &self.state {
            State::New | State::Local(Local::Bound(..)) => self.options.set_backlog(value),
            State::Local(Local::Listening(listener)) => {
                self.options.set_backlog(value)?;
                listener.set_backlog(self.options.backlog());
                Ok(())
            }
            State::Local(Local::Closed(error)) => Err(*error),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Not for those of the world.
    pub fn local_address(&self) -> Result<SocketAddr, ErrorCode> {
        match &self.state {
            State::Local(Local::Bound(binding, _)) => Ok(binding.address()),
            State::Local(Local::Listening(listener)) => Ok(listener.address()),
            State::Local(Local::Connected(connection)) => Ok(connection.local),
            State::Local(Local::Closed(error)) => Err(*error),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Not for those of the world.
    pub fn remote_address(&self) -> Result<SocketAddr, ErrorCode> {
        match &self.state {
            State::Local(Local::Connected(connection)) => Ok(connection.remote),
            State::Local(Local::Closed(error)) => Err(*error),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    pub fn is_listening(&self) -> bool {
        matches!(self.state, State::Local(Local::Listening(_)))
    }

    /// Something has come of what was begun. Not for those of the world.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.state {
            State::Local(Local::Connecting(dial)) => dial.poll_ready(cx),
            State::Local(Local::Listening(listener)) => listener.poll_ready(cx),
            _ => Poll::Ready(()),
        }
    }
}

enum Route {
    Local(Dial),
    World(SocketAddr),
}
