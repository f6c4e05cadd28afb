//! Sockets, counted: each has a permit of its component from when it is made until nothing of it is
//! left, which is one to leave the workload once it does. Those of TCP are ours (`tcp`), for a
//! workload may have a private network (`network`). Everything else about those of the world is
//! wasmtime-wasi's own.

mod connection;
pub mod network;
mod options;
mod p2;
mod p2_streams;
mod p3;
mod p3_streams;
mod pipe;
pub mod published;
mod tcp;
mod unread;

use std::sync::{Arc, Mutex};

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, LinkerInstance, Resource};
use wasmtime_wasi::p2::bindings::sockets as p2_bindings;
use wasmtime_wasi::p2::bindings::sockets::network::{self as p2_network, IpAddressFamily, Network};
use wasmtime_wasi::p2::{IoError, SocketError};
use wasmtime_wasi::p3::bindings::sockets::types as p3_types;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use super::context::{Refused, Shared, SocketCount};
use super::host::Host;
use super::labels::{MAX_SLOTS, SOCKETS, per_slot};
use super::lock::lock;
use network::Family;
pub use p3::replace as replace_p3;
pub use tcp::HOST_LOOPBACK;

/// The right to one socket; given back when dropped.
pub struct Permit {
    context: Arc<Shared>,
    /// Whether it leaves the workload.
    outgoing: Mutex<bool>,
}

impl Permit {
    fn take(context: &Arc<Shared>) -> std::result::Result<Arc<Permit>, Refused> {
        context.socket_opened(SocketCount::Open)?;
        Ok(Arc::new(Permit {
            context: context.clone(),
            outgoing: Mutex::new(false),
        }))
    }

    /// From here on the socket counts as one that leaves the workload, too.
    fn leave(&self) -> std::result::Result<(), Refused> {
        let mut outgoing = lock(&self.outgoing);
        if !*outgoing {
            self.context.socket_opened(SocketCount::Outgoing)?;
            *outgoing = true;
        }
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if *lock(&self.outgoing) {
            self.context.socket_closed(SocketCount::Outgoing);
        }
        self.context.socket_closed(SocketCount::Open);
    }
}

/// As both WASI versions have it in their bindings.
macro_rules! family {
    ($($bound:ty),*) => {
        $(impl From<$bound> for Family {
            fn from(family: $bound) -> Family {
                match family {
                    <$bound>::Ipv4 => Family::V4,
                    <$bound>::Ipv6 => Family::V6,
                }
            }
        }

        impl From<Family> for $bound {
            fn from(family: Family) -> $bound {
                match family {
                    Family::V4 => <$bound>::Ipv4,
                    Family::V6 => <$bound>::Ipv6,
                }
            }
        })*
    };
}

family!(IpAddressFamily, p3_types::IpAddressFamily);

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

/// What a socket of the world is made from. It keeps what answers its questions as long as it is
/// open, and so its permit.
fn context_with(context: &Arc<Shared>, permit: &Arc<Permit>) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    let (policy, permit) = (context.clone(), permit.clone());
    builder
        .allow_tcp(true)
        .allow_udp(true)
        .socket_addr_check(move |address, usage| {
            let _held = &permit;
            let allowed = policy.socket_allowed(address, usage.into());
            Box::pin(async move { allowed })
        });
    builder.build()
}

impl View<'_> {
    pub fn inner(&mut self) -> WasiSocketsCtxView<'_> {
        SOCKETS[self.slot](self.host)
    }

    fn admit(&mut self) -> std::result::Result<(Arc<Shared>, Arc<Permit>), Refused> {
        let context = self.host.context_of(self.slot).clone();
        let permit = Permit::take(&context)?;
        Ok((context, permit))
    }

    /// Datagrams know only the world.
    fn admit_datagrams(&mut self) -> std::result::Result<(Arc<Shared>, Arc<Permit>), Refused> {
        let (context, permit) = self.admit()?;
        permit.leave()?;
        Ok((context, permit))
    }

    fn of<'a>(&'a mut self, wasi: &'a mut WasiCtx) -> WasiSocketsCtxView<'a> {
        WasiSocketsCtxView {
            ctx: wasi.sockets(),
            table: &mut self.host.table,
        }
    }
}

/// The same entry of the table, by the type that it has there and not in the bindings.
pub fn entry<T: 'static, U: 'static>(resource: &Resource<T>) -> Resource<U> {
    match resource.owned() {
        true => Resource::new_own(resource.rep()),
        false => Resource::new_borrow(resource.rep()),
    }
}

impl p2_network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<p2_network::ErrorCode> {
        p2_network::Host::convert_error_code(&mut self.inner(), error)
    }
    fn network_error_code(
        &mut self,
        error: Resource<IoError>,
    ) -> Result<Option<p2_network::ErrorCode>> {
        p2_network::Host::network_error_code(&mut self.inner(), error)
    }
}

impl p2_network::HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        p2_network::HostNetwork::drop(&mut self.inner(), network)
    }
}

impl From<Refused> for SocketError {
    fn from(refused: Refused) -> SocketError {
        match refused {
            Refused::NoCapacity => p2_network::ErrorCode::NewSocketLimit.into(),
            Refused::NotPermitted => p2_network::ErrorCode::AccessDenied.into(),
        }
    }
}

impl p2_bindings::udp_create_socket::Host for View<'_> {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> std::result::Result<Resource<wasmtime_wasi::p2::UdpSocket>, SocketError> {
        let (context, permit) = self.admit_datagrams()?;
        let mut wasi = context_with(&context, &permit);
        let mut inner = self.of(&mut wasi);
        p2_bindings::udp_create_socket::Host::create_udp_socket(&mut inner, family).await
    }
}

type Instance<'a, 'b> = &'a mut LinkerInstance<'b, Host>;

pub fn add_p2_tcp(instance: Instance<'_, '_>, slot: usize) -> Result<()> {
    p2_bindings::tcp_create_socket::add_to_linker_instance::<Host, Sockets>(instance, VIEWS[slot])
}

pub fn add_p2_udp(instance: Instance<'_, '_>, slot: usize) -> Result<()> {
    p2_bindings::udp_create_socket::add_to_linker_instance::<Host, Sockets>(instance, VIEWS[slot])
}

/// As wasmtime-wasi names it in the linker.
const P3_TYPES: &str = "wasi:sockets/types@0.3.0";

/// Replaces what wasmtime-wasi has put into the linker.
pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    linker.allow_shadowing(true);
    p2_bindings::tcp::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    p2_bindings::tcp_create_socket::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    p2_bindings::udp_create_socket::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    if concurrency {
        replace_p3(&mut linker.instance(P3_TYPES)?, 0)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
