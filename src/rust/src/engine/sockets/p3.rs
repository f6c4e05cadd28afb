//! `tcp-socket` of `wasi:sockets/types` of WASI 0.3.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use std::future::poll_fn;
use wasmtime::component::{
    Access, Accessor, Destination, FutureReader, LinkerInstance, Resource, ResourceType,
    StreamProducer, StreamReader, StreamResult,
};
use wasmtime::{AsContextMut, Result, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, HostTcpSocket, HostTcpSocketWithStore, HostUdpSocket, IpAddressFamily,
    IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::SocketError;
use wasmtime_wasi::sockets::{
    ErrorCode as SocketCode, TcpSocket, UdpSocket, WasiSockets, WasiSocketsCtxView,
};

use super::connection::Connection;
use super::network::Listener;
use super::options::{Options, for_each_option};
use super::p3_streams::{Ended, Half, held, when_told};
use super::tcp::{State, Tcp, accept};
use super::{Permit, VIEWS, View, context_with, entry};
use crate::engine::context::{Refused, Shared};
use crate::engine::host::Host;
use crate::engine::inlet::not_yet;
use crate::engine::labels::SOCKETS;

/// What a function of the interface returns.
type Told<T> = std::result::Result<T, ErrorCode>;
type Store<'a> = StoreContextMut<'a, Host>;

/// What the table has where the bindings say `tcp-socket`. wasmtime-wasi's socket, if it has one,
/// has an entry of its own.
type Socket = Tcp<Resource<TcpSocket>>;

impl From<Refused> for ErrorCode {
    fn from(refused: Refused) -> ErrorCode {
        match refused {
            // WASI 0.3 has no code of its own for it.
            Refused::NoCapacity => ErrorCode::Other(Some("no_capacity: no more sockets".into())),
            Refused::NotPermitted => ErrorCode::AccessDenied,
        }
    }
}

/// An error that is no code is a trap.
fn told<T>(result: std::result::Result<T, SocketError>) -> Result<Told<T>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// `?` for what may be an error to tell.
macro_rules! tell {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error.into())),
        }
    };
}

fn inner(host: &mut Host) -> WasiSocketsCtxView<'_> {
    SOCKETS[0](host)
}

fn find<'a>(host: &'a mut Host, socket: &Resource<TcpSocket>) -> Result<&'a mut Socket> {
    Ok(host.table.get_mut(&entry(socket))?)
}

/// wasmtime-wasi's socket.
fn world_of(host: &mut Host, socket: &Resource<TcpSocket>) -> Result<Option<Resource<TcpSocket>>> {
    Ok(match &find(host, socket)?.state {
        State::World(world) => Some(Resource::new_borrow(world.rep())),
        _ => None,
    })
}

/// From here on it is one of the world.
fn make_world(host: &mut Host, socket: &Resource<TcpSocket>) -> Result<Told<Resource<TcpSocket>>> {
    if let Some(world) = world_of(host, socket)? {
        return Ok(Ok(world));
    }
    let tcp = find(host, socket)?;
    let mut wasi = context_with(&tcp.context, &tcp.permit);
    let (family, options) = (tcp.family.into(), tcp.options.clone());
    let mut view = WasiSocketsCtxView {
        ctx: wasi.sockets(),
        table: &mut host.table,
    };
    let made = tell!(told(HostTcpSocket::create(&mut view, family))?);
    let world = Resource::new_borrow(made.rep());
    find(host, socket)?.state = State::World(made);
    tell!(configure(host, &world, &options)?);
    Ok(Ok(world))
}

/// What a new socket was told before it had a descriptor.
fn configure(host: &mut Host, world: &Resource<TcpSocket>, options: &Options) -> Result<Told<()>> {
    macro_rules! set {
        ($($option:ident by $function:ident,)*) => {
            $(if let Some(value) = options.$option {
                let world = Resource::new_borrow(world.rep());
                tell!(told(HostTcpSocket::$function(&mut inner(host), world, value))?);
            })*
        };
    }
    for_each_option!(set);
    Ok(Ok(()))
}

fn create_tcp(view: &mut View<'_>, family: IpAddressFamily) -> Result<Told<Resource<TcpSocket>>> {
    let (context, permit) = tell!(view.admit());
    let socket: Socket = Tcp::new(context, permit, family.into());
    Ok(Ok(entry(&view.host.table.push(socket)?)))
}

async fn create_udp(
    view: &mut View<'_>,
    family: IpAddressFamily,
) -> Result<Told<Resource<UdpSocket>>> {
    let (context, permit) = tell!(view.admit_datagrams());
    let mut wasi = context_with(&context, &permit);
    told(HostUdpSocket::create(&mut view.of(&mut wasi), family).await)
}

async fn bind(
    host: &mut Host,
    socket: Resource<TcpSocket>,
    address: IpSocketAddress,
) -> Result<Told<()>> {
    if tell!(find(host, &socket)?.bind(address.into())) {
        return Ok(Ok(()));
    }
    let world = tell!(make_world(host, &socket)?);
    told(HostTcpSocket::bind(&mut inner(host), world, address).await)
}

async fn connect(
    accessor: &Accessor<Host>,
    socket: Resource<TcpSocket>,
    remote: IpSocketAddress,
) -> Result<Told<()>> {
    let begun = accessor.with(|mut store| {
        let host = store.data_mut();
        let tcp = find(host, &socket)?;
        let remote = tell!(tcp.connect(remote.into()));
        match remote {
            Some(remote) => {
                tell!(tcp.leave(remote));
                Ok(Ok(Some((tell!(make_world(host, &socket)?), remote))))
            }
            None => Result::<Told<_>>::Ok(Ok(None)),
        }
    });
    if let Some((world, remote)) = tell!(begun?) {
        let of_wasi = accessor.with_getter::<WasiSockets>(SOCKETS[0]);
        let connected =
            <WasiSockets as HostTcpSocketWithStore<Host>>::connect(&of_wasi, world, remote.into());
        return told(connected.await);
    }
    poll_fn(|cx| {
        accessor.with(|mut store| -> Poll<Result<Told<()>>> {
            let tcp = find(store.data_mut(), &socket)?;
            if tcp.poll_ready(cx).is_pending() {
                return Poll::Pending;
            }
            let finished = tcp.finish_connect();
            finished.map(|result| Ok(result.map(|_| ()).map_err(ErrorCode::from)))
        })
    })
    .await
}

/// Connections that a guest has not taken yet are the listener's. It listens on when its socket is
/// gone, and so has its permit.
struct Accepting {
    context: Arc<Shared>,
    _permit: Arc<Permit>,
    listener: Arc<Listener>,
    options: Options,
}

impl StreamProducer<Host> for Accepting {
    type Item = Resource<TcpSocket>;
    type Buffer = Option<Self::Item>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: Store<'a>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        let is_question = destination.remaining(store.as_context_mut()) == Some(0);
        loop {
            if self.listener.poll_ready(cx).is_pending() {
                return not_yet(finish);
            }
            if is_question {
                return Poll::Ready(Ok(StreamResult::Completed));
            }
            // None: there may not be one more socket, and who connected was told so.
            if let Some(accepted) = accept(&self.context, &self.listener) {
                let socket: Socket =
                    Tcp::accepted(self.context.clone(), accepted, self.options.clone());
                let socket = store.data_mut().table.push(socket)?;
                destination.set_buffer(Some(entry(&socket)));
                return Poll::Ready(Ok(StreamResult::Completed));
            }
        }
    }
}

fn listen(
    mut store: Store<'_>,
    socket: Resource<TcpSocket>,
) -> Result<Told<StreamReader<Resource<TcpSocket>>>> {
    let host = store.data_mut();
    let bound = match world_of(host, &socket)? {
        Some(world) => Some(SocketAddr::from(tell!(told(
            HostTcpSocket::get_local_address(&mut inner(host), world)
        )?))),
        None => None,
    };
    let memory = host.share.total.clone();
    let tcp = find(host, &socket)?;
    let accepting = Accepting {
        listener: tell!(tcp.listen(bound, memory)),
        context: tcp.context.clone(),
        _permit: tcp.permit.clone(),
        options: tcp.options.clone(),
    };
    Ok(Ok(StreamReader::new(store, accepting)?))
}

/// Takes one half of a connection in the private network; each may be taken once.
fn take<T>(
    host: &mut Host,
    socket: &Resource<TcpSocket>,
    half: impl FnOnce(&mut Connection) -> Option<Arc<T>>,
) -> Result<Told<Arc<T>>> {
    let connection = tell!(find(host, socket)?.connection());
    Ok(half(connection).ok_or(ErrorCode::InvalidState))
}

fn permit_of(host: &mut Host, socket: &Resource<TcpSocket>) -> Result<Arc<Permit>> {
    Ok(find(host, socket)?.permit.clone())
}

fn send(
    mut store: Store<'_>,
    socket: Resource<TcpSocket>,
    mut data: StreamReader<u8>,
) -> Result<FutureReader<Ended>> {
    if let Some(world) = world_of(store.data_mut(), &socket)? {
        let permit = permit_of(store.data_mut(), &socket)?;
        let access = Access::<Host, WasiSockets>::new(store.as_context_mut(), SOCKETS[0]);
        let ended = HostTcpSocketWithStore::send(access, world, data)?;
        return held(store, permit, ended);
    }
    match take(store.data_mut(), &socket, |c| c.sender.take())? {
        Ok(sender) => {
            let (half, told) = Half::new(sender);
            data.pipe(store.as_context_mut(), half)?;
            when_told(store, told)
        }
        Err(error) => {
            data.close(store.as_context_mut())?;
            FutureReader::new(store, async move { Result::<Ended>::Ok(Err(error)) })
        }
    }
}

type Received = (StreamReader<u8>, FutureReader<Ended>);

fn receive(mut store: Store<'_>, socket: Resource<TcpSocket>) -> Result<Received> {
    if let Some(world) = world_of(store.data_mut(), &socket)? {
        let permit = permit_of(store.data_mut(), &socket)?;
        let access = Access::<Host, WasiSockets>::new(store.as_context_mut(), SOCKETS[0]);
        let (data, ended) = HostTcpSocketWithStore::receive(access, world)?;
        return Ok((data, held(store, permit, ended)?));
    }
    match take(store.data_mut(), &socket, |c| c.receiver.take())? {
        Ok(receiver) => {
            let (half, told) = Half::new(receiver);
            let data = StreamReader::new(store.as_context_mut(), half)?;
            Ok((data, when_told(store, told)?))
        }
        Err(error) => {
            let data = StreamReader::new(store.as_context_mut(), std::iter::empty())?;
            let ended = FutureReader::new(store, async move { Result::<Ended>::Ok(Err(error)) })?;
            Ok((data, ended))
        }
    }
}

fn local_address(host: &mut Host, socket: Resource<TcpSocket>) -> Result<Told<IpSocketAddress>> {
    match world_of(host, &socket)? {
        Some(world) => told(HostTcpSocket::get_local_address(&mut inner(host), world)),
        None => Ok(Ok(tell!(find(host, &socket)?.local_address()).into())),
    }
}

fn remote_address(host: &mut Host, socket: Resource<TcpSocket>) -> Result<Told<IpSocketAddress>> {
    match world_of(host, &socket)? {
        Some(world) => told(HostTcpSocket::get_remote_address(&mut inner(host), world)),
        None => Ok(Ok(tell!(find(host, &socket)?.remote_address()).into())),
    }
}

fn set_backlog(host: &mut Host, socket: Resource<TcpSocket>, value: u64) -> Result<Told<()>> {
    match world_of(host, &socket)? {
        Some(world) => told(HostTcpSocket::set_listen_backlog_size(
            &mut inner(host),
            world,
            value,
        )),
        None => Ok(find(host, &socket)?
            .set_backlog(value)
            .map_err(ErrorCode::from)),
    }
}

fn drop_socket(host: &mut Host, socket: u32) -> Result<()> {
    let tcp = host.table.delete(Resource::<Socket>::new_own(socket))?;
    match tcp.state {
        State::World(world) => HostTcpSocket::drop(&mut inner(host), world),
        _ => Ok(()),
    }
}

type Instance<'a, 'b> = &'a mut LinkerInstance<'b, Host>;
type ByAddress = (Resource<TcpSocket>, IpSocketAddress);

/// Replaces in wasi:sockets/types everything of TCP sockets, and what makes those of UDP.
pub fn replace(instance: Instance<'_, '_>, slot: usize) -> Result<()> {
    replace_making(instance, slot)?;
    replace_connecting(instance)?;
    replace_telling(instance)?;
    replace_options(instance)
}

fn replace_making(instance: Instance<'_, '_>, slot: usize) -> Result<()> {
    let view = VIEWS[slot];
    let resource = ResourceType::host::<TcpSocket>();
    instance.resource("tcp-socket", resource, |mut store: Store<'_>, socket| {
        drop_socket(store.data_mut(), socket)
    })?;
    instance.func_wrap(
        "[static]tcp-socket.create",
        move |mut store: Store<'_>, (family,): (IpAddressFamily,)| {
            Ok((create_tcp(&mut view(store.data_mut()), family)?,))
        },
    )?;
    instance.func_wrap_async(
        "[static]udp-socket.create",
        move |mut store: Store<'_>, (family,): (IpAddressFamily,)| {
            Box::new(async move { Ok((create_udp(&mut view(store.data_mut()), family).await?,)) })
        },
    )
}

fn replace_connecting(instance: Instance<'_, '_>) -> Result<()> {
    instance.func_wrap_async(
        "[method]tcp-socket.bind",
        |mut store: Store<'_>, (socket, address): ByAddress| {
            Box::new(async move { Ok((bind(store.data_mut(), socket, address).await?,)) })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]tcp-socket.connect",
        |accessor: &Accessor<Host>, (socket, address): ByAddress| {
            Box::pin(async move { Ok((connect(accessor, socket, address).await?,)) })
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.listen",
        |store: Store<'_>, (socket,): (Resource<TcpSocket>,)| Ok((listen(store, socket)?,)),
    )?;
    instance.func_wrap(
        "[method]tcp-socket.send",
        |store: Store<'_>, (socket, data): (Resource<TcpSocket>, StreamReader<u8>)| {
            Ok((send(store, socket, data)?,))
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.receive",
        |store: Store<'_>, (socket,): (Resource<TcpSocket>,)| Ok((receive(store, socket)?,)),
    )
}

fn replace_telling(instance: Instance<'_, '_>) -> Result<()> {
    instance.func_wrap(
        "[method]tcp-socket.get-local-address",
        |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
            Ok((local_address(store.data_mut(), socket)?,))
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.get-remote-address",
        |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
            Ok((remote_address(store.data_mut(), socket)?,))
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.get-is-listening",
        |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
            Ok((find(store.data_mut(), &socket)?.is_listening(),))
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.get-address-family",
        |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
            let family = find(store.data_mut(), &socket)?.family;
            Ok((IpAddressFamily::from(family),))
        },
    )
}

/// Not for those of the world.
fn tell_options<T>(
    host: &mut Host,
    socket: &Resource<TcpSocket>,
    about: impl FnOnce(&mut Options) -> std::result::Result<T, SocketCode>,
) -> Result<Told<T>> {
    let answer = find(host, socket)?.options().and_then(about);
    Ok(answer.map_err(ErrorCode::from))
}

/// Options: of wasmtime-wasi's socket if there is one.
fn replace_options(instance: Instance<'_, '_>) -> Result<()> {
    macro_rules! options {
        ($($get_name:literal $wasi_get:ident $get:ident,
           $set_name:literal $set:ident: $type:ty;)*) => {
            $(instance.func_wrap(
                $get_name,
                |mut store: Store<'_>, (socket,): (Resource<TcpSocket>,)| {
                    let host = store.data_mut();
                    Ok((match world_of(host, &socket)? {
                        Some(world) => told(HostTcpSocket::$wasi_get(&mut inner(host), world))?,
                        None => tell_options(host, &socket, |options| Ok(options.$get()))?,
                    },))
                },
            )?;
            instance.func_wrap(
                $set_name,
                |mut store: Store<'_>, (socket, value): (Resource<TcpSocket>, $type)| {
                    let host = store.data_mut();
                    Ok((match world_of(host, &socket)? {
                        Some(world) => told(HostTcpSocket::$set(&mut inner(host), world, value))?,
                        None => tell_options(host, &socket, |options| options.$set(value))?,
                    },))
                },
            )?;)*
        };
    }
    options! {
        "[method]tcp-socket.get-keep-alive-enabled" get_keep_alive_enabled keep_alive_enabled,
        "[method]tcp-socket.set-keep-alive-enabled" set_keep_alive_enabled: bool;
        "[method]tcp-socket.get-keep-alive-idle-time" get_keep_alive_idle_time keep_alive_idle_time,
        "[method]tcp-socket.set-keep-alive-idle-time" set_keep_alive_idle_time: u64;
        "[method]tcp-socket.get-keep-alive-interval" get_keep_alive_interval keep_alive_interval,
        "[method]tcp-socket.set-keep-alive-interval" set_keep_alive_interval: u64;
        "[method]tcp-socket.get-keep-alive-count" get_keep_alive_count keep_alive_count,
        "[method]tcp-socket.set-keep-alive-count" set_keep_alive_count: u32;
        "[method]tcp-socket.get-hop-limit" get_hop_limit hop_limit,
        "[method]tcp-socket.set-hop-limit" set_hop_limit: u8;
        "[method]tcp-socket.get-receive-buffer-size" get_receive_buffer_size receive_buffer_size,
        "[method]tcp-socket.set-receive-buffer-size" set_receive_buffer_size: u64;
        "[method]tcp-socket.get-send-buffer-size" get_send_buffer_size send_buffer_size,
        "[method]tcp-socket.set-send-buffer-size" set_send_buffer_size: u64;
    }
    instance.func_wrap(
        "[method]tcp-socket.set-listen-backlog-size",
        |mut store: Store<'_>, (socket, value): (Resource<TcpSocket>, u64)| {
            Ok((set_backlog(store.data_mut(), socket, value)?,))
        },
    )
}
