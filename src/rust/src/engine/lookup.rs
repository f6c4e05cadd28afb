//! `wasi:sockets/ip-name-lookup` with a policy by name in front of wasmtime-wasi's own.

use wasmtime::Result;
use wasmtime::component::{Accessor, Linker, LinkerInstance, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as p2;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as p3;
use wasmtime_wasi::sockets::WasiSockets;

use super::host::Host;
use super::labels::SOCKETS;
use super::sockets::{Sockets, VIEWS, View};

impl View<'_> {
    fn allows(&mut self, name: &str) -> bool {
        self.host.context_of(self.slot).lookup_allowed(name)
    }
}

impl p2::Host for View<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<p2::ResolveAddressStream>, SocketError> {
        if !self.allows(&name) {
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

impl p3::Host for View<'_> {}

impl p3::HostWithStore<Host> for Sockets {
    async fn resolve_addresses(
        store: &Accessor<Host, Self>,
        name: String,
    ) -> Result<Result<Vec<wasmtime_wasi::p3::bindings::sockets::types::IpAddress>, p3::ErrorCode>>
    {
        let (allowed, slot) = store.with(|mut access| {
            let mut view = access.get();
            (view.allows(&name), view.slot)
        });
        if !allowed {
            return Ok(Err(p3::ErrorCode::PermanentResolverFailure));
        }
        let inner = store.with_getter::<WasiSockets>(SOCKETS[slot]);
        <WasiSockets as p3::HostWithStore<Host>>::resolve_addresses(&inner, name).await
    }
}

/// Replaces the look-up interfaces that wasmtime-wasi has put into the linker.
pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    linker.allow_shadowing(true);
    p2::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    if concurrency {
        p3::add_to_linker::<Host, Sockets>(linker, VIEWS[0])?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// The look-up interface of one component among several.
pub fn add_p2_to_instance(instance: &mut LinkerInstance<'_, Host>, slot: usize) -> Result<()> {
    p2::add_to_linker_instance::<Host, Sockets>(instance, VIEWS[slot])
}

pub fn add_p3_to_instance(instance: &mut LinkerInstance<'_, Host>, slot: usize) -> Result<()> {
    p3::add_to_linker_instance::<Host, Sockets>(instance, VIEWS[slot])
}
