//! `wasi:sockets/tcp` of WASI 0.2.

use std::future::poll_fn;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::task::Poll;

use wasmtime::Result as Trapping;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::{Host as TcpHost, HostTcpSocket, ShutdownType};
use wasmtime_wasi::p2::bindings::sockets::{instance_network, tcp_create_socket};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, Pollable, SocketError, TcpSocket, subscribe,
};
use wasmtime_wasi::sockets::{WasiSocketsCtx, WasiSocketsCtxView};

use super::connection::Connection;
use super::network::Family;
use super::options::{Options, for_each_option};
use super::p2_streams::{Counted, Input, Output};
use super::tcp::{Local, State, Tcp, accept};
use super::{Permit, View, context_with, entry};
use crate::engine::context::Shared;

type Result<T> = std::result::Result<T, SocketError>;
type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Bind,
    Connect,
    Listen,
}

/// What the table has where the bindings say `tcp-socket`.
struct Socket {
    tcp: Tcp<World>,
    /// In the private network.
    operation: Option<Operation>,
}

/// A socket of wasmtime-wasi's: in a table of its own, so that what polls ours finds it.
struct World {
    table: ResourceTable,
    network: Resource<Network>,
    socket: Resource<TcpSocket>,
}

impl World {
    fn open(context: &Arc<Shared>, permit: &Arc<Permit>, family: Family) -> Result<World> {
        let (mut wasi, mut table) = (context_with(context, permit), ResourceTable::new());
        let mut view = WasiSocketsCtxView {
            ctx: wasi.sockets(),
            table: &mut table,
        };
        let network =
            instance_network::Host::instance_network(&mut view).map_err(SocketError::trap)?;
        let socket = tcp_create_socket::Host::create_tcp_socket(&mut view, family.into())?;
        Ok(World {
            table,
            network,
            socket,
        })
    }

    /// By a function of wasmtime-wasi's.
    fn by<T>(
        &mut self,
        function: impl FnOnce(&mut WasiSocketsCtxView<'_>, Resource<TcpSocket>) -> T,
    ) -> T {
        let mut ctx = WasiSocketsCtx::default();
        let socket = Resource::new_borrow(self.socket.rep());
        let mut view = WasiSocketsCtxView {
            ctx: &mut ctx,
            table: &mut self.table,
        };
        function(&mut view, socket)
    }

    fn network(&self) -> Resource<Network> {
        Resource::new_borrow(self.network.rep())
    }

    async fn start_bind(&mut self, address: SocketAddr) -> Result<()> {
        let mut ctx = WasiSocketsCtx::default();
        let (network, socket) = (self.network(), Resource::new_borrow(self.socket.rep()));
        let mut view = WasiSocketsCtxView {
            ctx: &mut ctx,
            table: &mut self.table,
        };
        HostTcpSocket::start_bind(&mut view, socket, network, address.into()).await
    }

    fn start_connect(&mut self, address: SocketAddr) -> Result<()> {
        let network = self.network();
        self.by(|view, socket| view.start_connect(socket, network, address.into()))
    }

    fn finish_connect(&mut self) -> Result<(DynInputStream, DynOutputStream)> {
        let (input, output) = self.by(|view, socket| view.finish_connect(socket))?;
        Ok((self.table.delete(input)?, self.table.delete(output)?))
    }
}

#[async_trait]
impl Pollable for Socket {
    async fn ready(&mut self) {
        match &mut self.tcp.state {
            State::World(World { table, socket, .. }) => {
                if let Ok(socket) = table.get_mut(socket) {
                    socket.ready().await;
                }
            }
            // What has begun has been done: a listener is not asked for who connects yet.
            _ if matches!(self.operation, Some(Operation::Bind | Operation::Listen)) => {}
            _ => {
                let tcp = &mut self.tcp;
                poll_fn(move |cx| tcp.poll_ready(cx)).await;
            }
        }
    }
}

impl Socket {
    fn new(tcp: Tcp<World>) -> Socket {
        Socket {
            tcp,
            operation: None,
        }
    }

    /// From here on it is one of the world.
    fn world(&mut self) -> Result<&mut World> {
        let Tcp {
            context,
            permit,
            family,
            options,
            state,
        } = &mut self.tcp;
        if let State::World(world) = state {
            return Ok(world);
        }
        let mut world = World::open(context, permit, *family)?;
        configure(&mut world, options)?;
        *state = State::World(world);
        match state {
            State::World(world) => Ok(world),
            _ => Err(ErrorCode::InvalidState.into()),
        }
    }

    fn begin(&mut self, operation: Operation) -> Result<()> {
        self.operation = Some(operation);
        Ok(())
    }

    /// Of the private network, nothing else may be under way.
    fn check_idle(&self) -> Result<()> {
        match self.operation {
            Some(_) => Err(ErrorCode::ConcurrencyConflict.into()),
            None => Ok(()),
        }
    }

    fn check_begun(&self, operation: Operation) -> Result<()> {
        match self.operation == Some(operation) {
            true => Ok(()),
            false => Err(ErrorCode::NotInProgress.into()),
        }
    }

    fn end(&mut self, operation: Operation) -> Result<()> {
        self.check_begun(operation)?;
        self.operation = None;
        Ok(())
    }

    fn finish_connect(&mut self) -> Result<(DynInputStream, DynOutputStream)> {
        let permit = self.tcp.permit.clone();
        if let State::World(world) = &mut self.tcp.state {
            let (stream, output) = world.finish_connect()?;
            let counted = Counted {
                stream,
                _permit: permit,
            };
            return Ok((Box::new(counted), output));
        }
        self.check_begun(Operation::Connect)?;
        let Poll::Ready(result) = self.tcp.finish_connect() else {
            return Err(ErrorCode::WouldBlock.into());
        };
        self.operation = None;
        streams_of(result?)
    }

    fn shutdown(&mut self, how: ShutdownType) -> Result<()> {
        if let State::World(world) = &mut self.tcp.state {
            return world.by(|view, socket| view.shutdown(socket, how));
        }
        let connection = self.tcp.connection()?;
        let how = Shutdown::from(how);
        if let (Shutdown::Both | Shutdown::Read, Some(receiver)) = (how, &connection.receiver) {
            receiver.close();
        }
        if let (Shutdown::Both | Shutdown::Write, Some(sender)) = (how, &connection.sender) {
            sender.end();
        }
        Ok(())
    }
}

/// Within the private network.
fn streams_of(connection: &Connection) -> Result<(DynInputStream, DynOutputStream)> {
    let (Some(receiver), Some(sender)) = (&connection.receiver, &connection.sender) else {
        return Err(ErrorCode::InvalidState.into());
    };
    Ok((
        Box::new(Input(Some(receiver.clone()))),
        Box::new(Output(sender.clone())),
    ))
}

/// What a new socket was told before it had a descriptor.
fn configure(world: &mut World, options: &Options) -> Result<()> {
    macro_rules! set {
        ($($option:ident by $function:ident,)*) => {
            $(if let Some(value) = options.$option {
                world.by(|view, socket| view.$function(socket, value))?;
            })*
        };
    }
    for_each_option!(set);
    Ok(())
}

impl View<'_> {
    fn socket(&mut self, socket: &Resource<TcpSocket>) -> Result<&mut Socket> {
        Ok(self.host.table.get_mut(&entry(socket))?)
    }

    fn give_streams(
        &mut self,
        socket: &Resource<Socket>,
        (input, output): (DynInputStream, DynOutputStream),
    ) -> Result<Streams> {
        let input = self.host.table.push_child(input, socket)?;
        let output = self.host.table.push_child(output, socket)?;
        Ok((input, output))
    }
}

impl tcp_create_socket::Host for View<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> Result<Resource<TcpSocket>> {
        let (context, permit) = self.admit()?;
        let socket = Socket::new(Tcp::new(context, permit, family.into()));
        Ok(entry(&self.host.table.push(socket)?))
    }
}

impl TcpHost for View<'_> {}

/// Options: of wasmtime-wasi's socket if there is one.
macro_rules! options {
    ($($get:ident, $set:ident: $type:ty;)*) => {
        $(fn $get(&mut self, socket: Resource<TcpSocket>) -> Result<$type> {
            let tcp = &mut self.socket(&socket)?.tcp;
            match &mut tcp.state {
                State::World(world) => world.by(|view, socket| view.$get(socket)),
                _ => Ok(tcp.options()?.$get()),
            }
        }
        fn $set(&mut self, socket: Resource<TcpSocket>, value: $type) -> Result<()> {
            let tcp = &mut self.socket(&socket)?.tcp;
            match &mut tcp.state {
                State::World(world) => world.by(|view, socket| view.$set(socket, value)),
                _ => Ok(tcp.options()?.$set(value)?),
            }
        })*
    };
}

impl HostTcpSocket for View<'_> {
    async fn start_bind(
        &mut self,
        socket: Resource<TcpSocket>,
        network: Resource<Network>,
        address: IpSocketAddress,
    ) -> Result<()> {
        // Whoever has a network may.
        _ = self.host.table.get(&network)?;
        let socket = self.socket(&socket)?;
        socket.check_idle()?;
        match socket.tcp.bind(address.into())? {
            true => socket.begin(Operation::Bind),
            false => socket.world()?.start_bind(address.into()).await,
        }
    }

    fn finish_bind(&mut self, socket: Resource<TcpSocket>) -> Result<()> {
        let socket = self.socket(&socket)?;
        match &mut socket.tcp.state {
            State::World(world) => world.by(|view, socket| view.finish_bind(socket)),
            _ => socket.end(Operation::Bind),
        }
    }

    fn start_connect(
        &mut self,
        socket: Resource<TcpSocket>,
        network: Resource<Network>,
        address: IpSocketAddress,
    ) -> Result<()> {
        _ = self.host.table.get(&network)?;
        let socket = self.socket(&socket)?;
        socket.check_idle()?;
        match socket.tcp.connect(address.into())? {
            None => socket.begin(Operation::Connect),
            Some(address) => {
                socket.tcp.leave(address)?;
                socket.world()?.start_connect(address)
            }
        }
    }

    fn finish_connect(&mut self, socket: Resource<TcpSocket>) -> Result<Streams> {
        let streams = self.socket(&socket)?.finish_connect()?;
        self.give_streams(&entry(&socket), streams)
    }

    async fn start_listen(&mut self, socket: Resource<TcpSocket>) -> Result<()> {
        let memory = self.host.share.total.clone();
        let socket = self.socket(&socket)?;
        socket.check_idle()?;
        let world = match &mut socket.tcp.state {
            State::New => return Err(ErrorCode::InvalidState.into()),
            State::Local(_) => None,
            State::World(world) => {
                Some(world.by(|view, socket| view.local_address(socket))?.into())
            }
        };
        socket.tcp.listen(world, memory)?;
        socket.begin(Operation::Listen)
    }

    fn finish_listen(&mut self, socket: Resource<TcpSocket>) -> Result<()> {
        self.socket(&socket)?.end(Operation::Listen)
    }

    fn accept(
        &mut self,
        socket: Resource<TcpSocket>,
    ) -> Result<(
        Resource<TcpSocket>,
        Resource<DynInputStream>,
        Resource<DynOutputStream>,
    )> {
        let Socket { tcp, operation } = self.socket(&socket)?;
        let (State::Local(Local::Listening(listener)), None) = (&tcp.state, operation) else {
            return Err(ErrorCode::InvalidState.into());
        };
        let accepted = accept(&tcp.context, listener).ok_or(ErrorCode::WouldBlock)?;
        let streams = streams_of(&accepted.1)?;
        let tcp = Tcp::accepted(tcp.context.clone(), accepted, tcp.options.clone());
        let socket = self.host.table.push(Socket::new(tcp))?;
        let (input, output) = self.give_streams(&socket, streams)?;
        Ok((entry(&socket), input, output))
    }

    fn local_address(&mut self, socket: Resource<TcpSocket>) -> Result<IpSocketAddress> {
        let tcp = &mut self.socket(&socket)?.tcp;
        match &mut tcp.state {
            State::World(world) => world.by(|view, socket| view.local_address(socket)),
            _ => Ok(tcp.local_address()?.into()),
        }
    }

    fn remote_address(&mut self, socket: Resource<TcpSocket>) -> Result<IpSocketAddress> {
        let tcp = &mut self.socket(&socket)?.tcp;
        match &mut tcp.state {
            State::World(world) => world.by(|view, socket| view.remote_address(socket)),
            _ => Ok(tcp.remote_address()?.into()),
        }
    }

    fn is_listening(&mut self, socket: Resource<TcpSocket>) -> Trapping<bool> {
        let socket: &Socket = self.host.table.get(&entry(&socket))?;
        Ok(socket.tcp.is_listening())
    }

    fn address_family(&mut self, socket: Resource<TcpSocket>) -> Trapping<IpAddressFamily> {
        let socket: &Socket = self.host.table.get(&entry(&socket))?;
        Ok(socket.tcp.family.into())
    }

    fn set_listen_backlog_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> Result<()> {
        let tcp = &mut self.socket(&socket)?.tcp;
        match &mut tcp.state {
            State::World(world) => {
                world.by(|view, socket| view.set_listen_backlog_size(socket, value))
            }
            _ => Ok(tcp.set_backlog(value)?),
        }
    }

    options! {
        keep_alive_enabled, set_keep_alive_enabled: bool;
        keep_alive_idle_time, set_keep_alive_idle_time: u64;
        keep_alive_interval, set_keep_alive_interval: u64;
        keep_alive_count, set_keep_alive_count: u32;
        hop_limit, set_hop_limit: u8;
        receive_buffer_size, set_receive_buffer_size: u64;
        send_buffer_size, set_send_buffer_size: u64;
    }

    fn subscribe(&mut self, socket: Resource<TcpSocket>) -> Trapping<Resource<DynPollable>> {
        subscribe(&mut self.host.table, entry::<_, Socket>(&socket))
    }

    fn shutdown(&mut self, socket: Resource<TcpSocket>, how: ShutdownType) -> Result<()> {
        self.socket(&socket)?.shutdown(how)
    }

    fn drop(&mut self, socket: Resource<TcpSocket>) -> Trapping<()> {
        self.host.table.delete(entry::<_, Socket>(&socket))?;
        Ok(())
    }
}
