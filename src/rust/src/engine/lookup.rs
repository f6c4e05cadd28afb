//! `wasi:sockets/ip-name-lookup` with a policy by name in front of wasmtime-wasi's own.

use wasmtime::Result;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as p2;
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, IoError, SocketError};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as p3;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView, WasiSocketsView};

use super::host::Host;

struct Lookup;

impl HasData for Lookup {
    type Data<'a> = View<'a>;
}

struct View<'a>(&'a mut Host);

impl View<'_> {
    fn inner(&mut self) -> WasiSocketsCtxView<'_> {
        self.0.sockets()
    }
}

impl p2::Host for View<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<p2::ResolveAddressStream>, SocketError> {
        if !self.0.context.lookup_allowed(&name) {
            return Err(ErrorCode::PermanentResolverFailure.into());
        }
        p2::Host::resolve_addresses(&mut self.inner(), network, name)
    }
}

impl p2::HostResolveAddressStream for View<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<p2::ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        p2::HostResolveAddressStream::resolve_next_address(&mut self.inner(), stream)
    }
    fn subscribe(
        &mut self,
        stream: Resource<p2::ResolveAddressStream>,
    ) -> Result<Resource<DynPollable>> {
        p2::HostResolveAddressStream::subscribe(&mut self.inner(), stream)
    }
    fn drop(&mut self, stream: Resource<p2::ResolveAddressStream>) -> Result<()> {
        p2::HostResolveAddressStream::drop(&mut self.inner(), stream)
    }
}

impl network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        network::Host::convert_error_code(&mut self.inner(), error)
    }
    fn network_error_code(&mut self, error: Resource<IoError>) -> Result<Option<ErrorCode>> {
        network::Host::network_error_code(&mut self.inner(), error)
    }
}

impl network::HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        network::HostNetwork::drop(&mut self.inner(), network)
    }
}

impl p3::Host for View<'_> {}

impl p3::HostWithStore<Host> for Lookup {
    async fn resolve_addresses(
        store: &Accessor<Host, Self>,
        name: String,
    ) -> Result<Result<Vec<wasmtime_wasi::p3::bindings::sockets::types::IpAddress>, p3::ErrorCode>>
    {
        if !store.with(|mut access| access.get().0.context.lookup_allowed(&name)) {
            return Ok(Err(p3::ErrorCode::AccessDenied));
        }
        let inner = store.with_getter::<WasiSockets>(Host::sockets);
        <WasiSockets as p3::HostWithStore<Host>>::resolve_addresses(&inner, name).await
    }
}

/// Replaces the look-up interfaces that wasmtime-wasi has put into the linker.
pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    linker.allow_shadowing(true);
    p2::add_to_linker::<Host, Lookup>(linker, |host| View(host))?;
    if concurrency {
        p3::add_to_linker::<Host, Lookup>(linker, |host| View(host))?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
