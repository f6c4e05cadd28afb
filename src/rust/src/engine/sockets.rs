//! Sockets, counted: each has a permit of its component from when it is made until it is closed.
//! Everything else about them is wasmtime-wasi's own.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures::channel::oneshot;
use wasmtime::component::{
    Access, FutureConsumer, FutureReader, HasData, Linker, LinkerInstance, Resource, Source,
    StreamReader,
};
use wasmtime::{AsContextMut, Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::sockets as p2;
use wasmtime_wasi::p2::bindings::sockets::network::{self, IpAddressFamily, Network};
use wasmtime_wasi::p2::pipe::ClosedInputStream;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, IoError, Pollable, SocketError, StreamResult,
};
use wasmtime_wasi::p3::bindings::sockets::types as p3;
use wasmtime_wasi::p3::bindings::sockets::types::{
    HostTcpSocket, HostTcpSocketWithStore, HostUdpSocket,
};
use wasmtime_wasi::sockets::{TcpSocket, UdpSocket, WasiSockets, WasiSocketsCtxView};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use super::context::{Shared, SocketGrant};
use super::host::Host;
use super::labels::{MAX_SLOTS, SOCKETS, per_slot};

/// The right to one socket; given back when dropped.
pub struct Permit(Arc<Shared>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.socket_closed();
    }
}

/// Which socket of a store has which permit.
#[derive(Default)]
pub struct Permits {
    by_socket: HashMap<u32, Weak<Permit>>,
    swept_at: usize,
}

impl Permits {
    const KEPT: usize = 64;

    fn remember(&mut self, socket: u32, permit: &Arc<Permit>) {
        if self.by_socket.len() >= self.swept_at.max(Self::KEPT) {
            self.by_socket.retain(|_, permit| permit.strong_count() > 0);
            self.swept_at = 2 * self.by_socket.len();
        }
        self.by_socket.insert(socket, Arc::downgrade(permit));
    }

    fn of(&self, socket: u32) -> Option<Arc<Permit>> {
        self.by_socket.get(&socket)?.upgrade()
    }
}

/// The sockets of one slot, with what is asked about them.
pub struct Sockets;

impl HasData for Sockets {
    type Data<'a> = View<'a>;
}

pub struct View<'a> {
    pub host: &'a mut Host,
    pub slot: usize,
}

pub const VIEWS: [fn(&mut Host) -> View<'_>; MAX_SLOTS] = per_slot!(view);

fn view<const SLOT: usize>(host: &mut Host) -> View<'_> {
    View { host, slot: SLOT }
}

/// A socket keeps what answers its questions as long as it is open, and so its permit.
fn context_with(context: &Arc<Shared>, permit: &Arc<Permit>) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    let (policy, permit) = (context.clone(), permit.clone());
    builder
        .allow_tcp(true)
        .allow_udp(true)
        .socket_addr_check(move |address, usage| {
            let _held = &permit;
            let allowed = policy.socket_allowed(address, usage);
            Box::pin(async move { allowed })
        });
    builder.build()
}

impl View<'_> {
    pub fn inner(&mut self) -> WasiSocketsCtxView<'_> {
        SOCKETS[self.slot](self.host)
    }

    /// None: no more of them. Who may have none at all is told so by wasmtime-wasi.
    fn admit(&mut self) -> Option<Admitted> {
        let context = self.host.context_of(self.slot).clone();
        match context.socket_opened() {
            SocketGrant::NoCapacity => None,
            SocketGrant::Granted => {
                let permit = Arc::new(Permit(context.clone()));
                let wasi = context_with(&context, &permit);
                let permit = Some(permit);
                Some(Admitted { wasi, permit })
            }
            SocketGrant::NotPermitted => {
                let wasi = WasiCtxBuilder::new()
                    .allow_tcp(false)
                    .allow_udp(false)
                    .build();
                Some(Admitted { wasi, permit: None })
            }
        }
    }

    fn made<T>(&mut self, admitted: Admitted, socket: &Resource<T>) {
        if let Some(permit) = admitted.permit {
            self.host.sockets.remember(socket.rep(), &permit);
        }
    }

    fn of<'a>(&'a mut self, admitted: &'a mut Admitted) -> WasiSocketsCtxView<'a> {
        WasiSocketsCtxView {
            ctx: admitted.wasi.sockets(),
            table: &mut self.host.table,
        }
    }
}

/// What a new socket is made from.
struct Admitted {
    wasi: WasiCtx,
    permit: Option<Arc<Permit>>,
}

impl network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<network::ErrorCode> {
        network::Host::convert_error_code(&mut self.inner(), error)
    }
    fn network_error_code(
        &mut self,
        error: Resource<IoError>,
    ) -> Result<Option<network::ErrorCode>> {
        network::Host::network_error_code(&mut self.inner(), error)
    }
}

impl network::HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        network::HostNetwork::drop(&mut self.inner(), network)
    }
}

impl p2::tcp_create_socket::Host for View<'_> {
    fn create_tcp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> Result<Resource<wasmtime_wasi::p2::TcpSocket>, SocketError> {
        let Some(mut admitted) = self.admit() else {
            return Err(network::ErrorCode::NewSocketLimit.into());
        };
        let socket =
            p2::tcp_create_socket::Host::create_tcp_socket(&mut self.of(&mut admitted), family)?;
        self.made(admitted, &socket);
        Ok(socket)
    }
}

impl p2::udp_create_socket::Host for View<'_> {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> Result<Resource<wasmtime_wasi::p2::UdpSocket>, SocketError> {
        let Some(mut admitted) = self.admit() else {
            return Err(network::ErrorCode::NewSocketLimit.into());
        };
        let mut inner = self.of(&mut admitted);
        p2::udp_create_socket::Host::create_udp_socket(&mut inner, family).await
    }
}

pub fn add_p2_tcp(instance: &mut LinkerInstance<'_, Host>, slot: usize) -> Result<()> {
    p2::tcp_create_socket::add_to_linker_instance::<Host, Sockets>(instance, VIEWS[slot])
}

pub fn add_p2_udp(instance: &mut LinkerInstance<'_, Host>, slot: usize) -> Result<()> {
    p2::udp_create_socket::add_to_linker_instance::<Host, Sockets>(instance, VIEWS[slot])
}

/// What a guest reads of a connection: it may outlive the socket in the hands of another component,
/// and keeps the descriptor open, so it has the permit, too.
struct Counted {
    stream: DynInputStream,
    _permit: Arc<Permit>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Counted {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.stream.read(size)
    }
}

type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);
type Connected = std::result::Result<Streams, network::ErrorCode>;

fn finish_connect(
    host: &mut Host,
    socket: Resource<wasmtime_wasi::p2::TcpSocket>,
) -> Result<Connected> {
    let permit = host.sockets.of(socket.rep());
    let connected = p2::tcp::HostTcpSocket::finish_connect(&mut SOCKETS[0](host), socket);
    let (input, output) = match connected {
        Ok(streams) => streams,
        Err(error) => return Ok(Err(error.downcast()?)),
    };
    if let Some(permit) = permit {
        let kept = host.table.get_mut(&input)?;
        let stream: DynInputStream = std::mem::replace(kept, Box::new(ClosedInputStream));
        *kept = Box::new(Counted {
            stream,
            _permit: permit,
        });
    }
    Ok(Ok((input, output)))
}

/// Replaces in wasi:sockets/tcp what makes streams of sockets. Sockets of all slots are one type.
fn replace_p2(instance: &mut LinkerInstance<'_, Host>) -> Result<()> {
    instance.func_wrap(
        "[method]tcp-socket.finish-connect",
        |mut store: StoreContextMut<'_, Host>,
         (socket,): (Resource<wasmtime_wasi::p2::TcpSocket>,)| {
            Ok((finish_connect(store.data_mut(), socket)?,))
        },
    )
}

type Made<T> = std::result::Result<Resource<T>, p3::ErrorCode>;
type Ended = std::result::Result<(), p3::ErrorCode>;

/// WASI 0.3 has no code of its own for it.
fn no_capacity<T>() -> Made<T> {
    Err(p3::ErrorCode::Other(Some(
        "no_capacity: no more sockets".into(),
    )))
}

fn create_tcp(view: &mut View<'_>, family: p3::IpAddressFamily) -> Result<Made<TcpSocket>> {
    let Some(mut admitted) = view.admit() else {
        return Ok(no_capacity());
    };
    let made = HostTcpSocket::create(&mut view.of(&mut admitted), family);
    finish(view, admitted, made)
}

async fn create_udp(view: &mut View<'_>, family: p3::IpAddressFamily) -> Result<Made<UdpSocket>> {
    let Some(mut admitted) = view.admit() else {
        return Ok(no_capacity());
    };
    let made = HostUdpSocket::create(&mut view.of(&mut admitted), family).await;
    finish(view, admitted, made)
}

fn finish<T>(
    view: &mut View<'_>,
    admitted: Admitted,
    made: std::result::Result<Resource<T>, wasmtime_wasi::p3::sockets::SocketError>,
) -> Result<Made<T>> {
    match made {
        Ok(socket) => {
            view.made(admitted, &socket);
            Ok(Ok(socket))
        }
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// Holds a permit until the end of a stream is told, which comes when the stream is closed.
struct Held {
    ended: Option<oneshot::Sender<Ended>>,
    _permit: Arc<Permit>,
}

impl FutureConsumer<Host> for Held {
    type Item = Ended;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
        store: StoreContextMut<Host>,
        mut source: Source<'_, Ended>,
        _finish: bool,
    ) -> Poll<Result<()>> {
        let mut ended: Option<Ended> = None;
        source.read(store, &mut ended)?;
        if let (Some(ended), Some(told)) = (ended, self.ended.take()) {
            // The guest may not want to know.
            _ = told.send(ended);
        }
        Poll::Ready(Ok(()))
    }
}

/// The streams of a connection keep it open when its socket is gone: they have its permit, too.
fn held(
    mut store: StoreContextMut<'_, Host>,
    permit: Option<Arc<Permit>>,
    ended: FutureReader<Ended>,
) -> Result<FutureReader<Ended>> {
    let Some(permit) = permit else {
        return Ok(ended);
    };
    let (tell, told) = oneshot::channel();
    let held = Held {
        ended: Some(tell),
        _permit: permit,
    };
    ended.pipe(store.as_context_mut(), held)?;
    // Nothing is told if the store is going away.
    let told = async move { Result::<Ended>::Ok(told.await.unwrap_or(Ok(()))) };
    FutureReader::new(store, told)
}

fn send(
    mut store: StoreContextMut<'_, Host>,
    slot: usize,
    socket: Resource<TcpSocket>,
    data: StreamReader<u8>,
) -> Result<FutureReader<Ended>> {
    let permit = store.data().sockets.of(socket.rep());
    let access = Access::<Host, WasiSockets>::new(store.as_context_mut(), SOCKETS[slot]);
    let ended = HostTcpSocketWithStore::send(access, socket, data)?;
    held(store, permit, ended)
}

type Received = (StreamReader<u8>, FutureReader<Ended>);

fn receive(
    mut store: StoreContextMut<'_, Host>,
    slot: usize,
    socket: Resource<TcpSocket>,
) -> Result<Received> {
    let permit = store.data().sockets.of(socket.rep());
    let access = Access::<Host, WasiSockets>::new(store.as_context_mut(), SOCKETS[slot]);
    let (data, ended) = HostTcpSocketWithStore::receive(access, socket)?;
    Ok((data, held(store, permit, ended)?))
}

/// Replaces in wasi:sockets/types what makes sockets, and what makes streams of them.
pub fn replace_p3(instance: &mut LinkerInstance<'_, Host>, slot: usize) -> Result<()> {
    let view = VIEWS[slot];
    instance.func_wrap(
        "[static]tcp-socket.create",
        move |mut store: StoreContextMut<'_, Host>, (family,): (p3::IpAddressFamily,)| {
            Ok((create_tcp(&mut view(store.data_mut()), family)?,))
        },
    )?;
    instance.func_wrap_async(
        "[static]udp-socket.create",
        move |mut store: StoreContextMut<'_, Host>, (family,): (p3::IpAddressFamily,)| {
            Box::new(async move { Ok((create_udp(&mut view(store.data_mut()), family).await?,)) })
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.send",
        move |store: StoreContextMut<'_, Host>,
              (socket, data): (Resource<TcpSocket>, StreamReader<u8>)| {
            Ok((send(store, slot, socket, data)?,))
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.receive",
        move |store: StoreContextMut<'_, Host>, (socket,): (Resource<TcpSocket>,)| {
            Ok((receive(store, slot, socket)?,))
        },
    )
}

/// Replaces what wasmtime-wasi has put into the linker.
pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    linker.allow_shadowing(true);
    p2::tcp_create_socket::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    p2::udp_create_socket::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    replace_p2(&mut linker.instance(P2_TCP)?)?;
    if concurrency {
        replace_p3(&mut linker.instance(P3_TYPES)?, 0)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// As wasmtime-wasi names them in the linker.
const P2_TCP: &str = "wasi:sockets/tcp@0.2.12";
const P3_TYPES: &str = "wasi:sockets/types@0.3.0";
