//! `wasi:sockets/ip-name-lookup` with a policy by name, a time-out, and a bound on the threads that
//! it blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::vec;

use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime::Result;
use wasmtime::component::{Accessor, Linker, LinkerInstance, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as p2;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketError, subscribe};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as p3;
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::config::runtime;
use super::host::Host;
use super::sockets::{HOST_LOOPBACK, Sockets, VIEWS, View, entry};

/// What a guest asks for: an address as it is, or a name to look up.
#[derive(Debug, PartialEq)]
enum Asked {
    Address(IpAddr),
    Name(String),
}

impl Asked {
    /// Names of other scripts become ASCII. None: neither an address nor a name.
    fn parse(text: &str) -> Option<Asked> {
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) => Some(Asked::Name(name)),
            Ok(url::Host::Ipv4(ip)) => Some(Asked::Address(ip.into())),
            Ok(url::Host::Ipv6(ip)) => Some(Asked::Address(ip.into())),
            // Without brackets.
            Err(_) => text
                .parse::<Ipv6Addr>()
                .ok()
                .map(|ip| Asked::Address(ip.into())),
        }
    }
}

/// Names within a workload that has a private network, as wasmCloud has them: of its service, and
/// of the loopback of the machine.
fn private_name(text: &str) -> Option<IpAddr> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let inner = name.strip_suffix(".wasmcloud.internal")?;
    match inner.strip_suffix(".svc") {
        Some(service) if !service.is_empty() && !service.contains('.') => {
            Some(Ipv4Addr::LOCALHOST.into())
        }
        _ if inner == "service" => Some(Ipv4Addr::LOCALHOST.into()),
        _ if inner == "host" => Some(HOST_LOOPBACK.into()),
        _ => None,
    }
}

/// No name is longer, written in UTF-8: RFC 1035 allows 253 octets. What takes longer to look at is
/// not asked about.
const MAX_NAME_BYTES: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    Unresolvable,
    Late,
}

/// Addresses of a name.
type Found = Result<Vec<IpAddr>, Failure>;

/// How many look-ups block a thread at once, of all guests: the files of guests need some, too.
const LOOKUPS_OF_ALL: usize = 128;

/// Runs what blocks, when it is its turn. Its thread has the turn, not who waits: the look-up of a
/// guest that is gone goes on.
async fn in_turn<T: Send + 'static>(
    turns: Arc<Semaphore>,
    blocking: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    static ALL: LazyLock<Arc<Semaphore>> =
        LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS_OF_ALL)));
    let turn = turns.acquire_owned().await.ok()?;
    let turn_of_all = ALL.clone().acquire_owned().await.ok()?;
    let run = move || {
        let _turns = (turn, turn_of_all);
        blocking()
    };
    runtime().spawn_blocking(run).await.ok()
}

/// Of one component.
struct LookUps {
    turns: Arc<Semaphore>,
    timeout: Duration,
}

impl LookUps {
    async fn look_up(self, name: String) -> Found {
        let system = move || {
            let found = (name.as_str(), 0).to_socket_addrs().ok()?;
            Some(found.map(|address| address.ip().to_canonical()).collect())
        };
        match timeout(self.timeout, in_turn(self.turns, system)).await {
            Ok(found) => found.flatten().ok_or(Failure::Unresolvable),
            Err(_) => Err(Failure::Late),
        }
    }
}

/// What the table has where the bindings say `resolve-address-stream`.
enum LookUp {
    Running(AbortOnDropJoinHandle<Found>),
    Done(Result<vec::IntoIter<IpAddr>, Failure>),
}

impl LookUp {
    fn done(found: Found) -> LookUp {
        LookUp::Done(found.map(Vec::into_iter))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LookUp {
    async fn ready(&mut self) {
        if let LookUp::Running(look_up) = self {
            *self = LookUp::done(look_up.await);
        }
    }
}

type Stream = Resource<p2::ResolveAddressStream>;

impl View<'_> {
    /// What needs no look-up.
    fn private_address(&mut self, name: &str) -> Option<IpAddr> {
        let context = self.host.context_of(self.slot);
        context.network.as_ref().and_then(|_| private_name(name))
    }

    /// None: the policy forbids it.
    fn admit_lookup(&mut self, name: &str) -> Option<LookUps> {
        let context = self.host.context_of(self.slot);
        let allowed = context.lookup_allowed(name);
        allowed.then(|| LookUps {
            turns: context.lookups.clone(),
            timeout: context.lookup_timeout,
        })
    }
}

impl View<'_> {
    fn begin_lookup(&mut self, name: &str) -> Result<LookUp, SocketError> {
        let Some(look_ups) = self.admit_lookup(name) else {
            return Err(ErrorCode::PermanentResolverFailure.into());
        };
        match Asked::parse(name) {
            Some(Asked::Address(address)) => Ok(LookUp::done(Ok(vec![address]))),
            Some(Asked::Name(name)) => Ok(LookUp::Running(spawn(look_ups.look_up(name)))),
            None => Err(ErrorCode::InvalidArgument.into()),
        }
    }
}

impl p2::Host for View<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Stream, SocketError> {
        // Whoever has a network may ask.
        _ = self.host.table.get(&network)?;
        if name.len() > MAX_NAME_BYTES {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let look_up = match self.private_address(&name) {
            Some(address) => LookUp::done(Ok(vec![address])),
            None => self.begin_lookup(&name)?,
        };
        Ok(entry(&self.host.table.push(look_up)?))
    }
}

impl p2::HostResolveAddressStream for View<'_> {
    fn resolve_next_address(&mut self, stream: Stream) -> Result<Option<IpAddress>, SocketError> {
        let look_up = self.host.table.get_mut(&entry::<_, LookUp>(&stream))?;
        if let LookUp::Running(running) = look_up
            && let Some(found) = running.now_or_never()
        {
            *look_up = LookUp::done(found);
        }
        match look_up {
            LookUp::Running(_) => Err(ErrorCode::WouldBlock.into()),
            LookUp::Done(Ok(addresses)) => Ok(addresses.next().map(IpAddress::from)),
            LookUp::Done(Err(Failure::Unresolvable)) => Err(ErrorCode::NameUnresolvable.into()),
            LookUp::Done(Err(Failure::Late)) => Err(ErrorCode::TemporaryResolverFailure.into()),
        }
    }
    fn subscribe(&mut self, stream: Stream) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.host.table, entry::<_, LookUp>(&stream))
    }
    fn drop(&mut self, stream: Stream) -> Result<()> {
        self.host.table.delete(entry::<_, LookUp>(&stream))?;
        Ok(())
    }
}

impl p3::Host for View<'_> {}

impl p3::HostWithStore<Host> for Sockets {
    async fn resolve_addresses(
        store: &Accessor<Host, Self>,
        name: String,
    ) -> Result<Result<Vec<wasmtime_wasi::p3::bindings::sockets::types::IpAddress>, p3::ErrorCode>>
    {
        if name.len() > MAX_NAME_BYTES {
            return Ok(Err(p3::ErrorCode::InvalidArgument));
        }
        if let Some(address) = store.with(|mut access| access.get().private_address(&name)) {
            return Ok(Ok(vec![address.into()]));
        }
        let Some(look_ups) = store.with(|mut access| access.get().admit_lookup(&name)) else {
            return Ok(Err(p3::ErrorCode::PermanentResolverFailure));
        };
        let found = match Asked::parse(&name) {
            Some(Asked::Address(address)) => Ok(vec![address]),
            Some(Asked::Name(name)) => spawn(look_ups.look_up(name)).await,
            None => return Ok(Err(p3::ErrorCode::InvalidArgument)),
        };
        Ok(match found {
            Ok(addresses) => Ok(addresses.into_iter().map(Into::into).collect()),
            Err(Failure::Unresolvable) => Err(p3::ErrorCode::NameUnresolvable),
            Err(Failure::Late) => Err(p3::ErrorCode::TemporaryResolverFailure),
        })
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::sync::Semaphore;

    use super::{Asked, Failure, HOST_LOOPBACK, LookUps, in_turn, private_name, runtime};

    #[test]
    fn names_are_told_from_addresses() {
        let name = |text: &str| Some(Asked::Name(text.into()));
        assert_eq!(Asked::parse("Example.ORG"), name("example.org"));
        assert_eq!(
            Asked::parse("b\u{fc}cher.example"),
            name("xn--bcher-kva.example")
        );
        let v4 = Some(Asked::Address(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(Asked::parse("127.0.0.1"), v4);
        let v6 = Some(Asked::Address(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(Asked::parse("::1"), v6);
        assert_eq!(Asked::parse("[::1]"), v6);
        for text in ["", "a b", "[::1", "a/b"] {
            assert_eq!(Asked::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_of_private_networks() {
        let service = Some(Ipv4Addr::LOCALHOST.into());
        for name in [
            "service.wasmcloud.internal",
            "Service.WasmCloud.Internal.",
            "1.svc.wasmcloud.internal",
        ] {
            assert_eq!(private_name(name), service, "{name}");
        }
        let host = Some(HOST_LOOPBACK.into());
        assert_eq!(private_name("host.wasmcloud.internal"), host);
        for name in [
            "wasmcloud.internal",
            ".wasmcloud.internal",
            "svc.wasmcloud.internal",
            ".svc.wasmcloud.internal",
            "a.b.svc.wasmcloud.internal",
            "other.wasmcloud.internal",
            "service.wasmcloud.internal.example",
            "localhost",
        ] {
            assert_eq!(private_name(name), None, "{name}");
        }
    }

    #[test]
    fn finds_this_machine() {
        let look_ups = LookUps {
            turns: Arc::new(Semaphore::new(1)),
            timeout: Duration::from_secs(60),
        };
        let found = runtime().block_on(look_ups.look_up("localhost".into()));
        assert!(found.unwrap().iter().all(|address| address.is_loopback()));
    }

    #[test]
    fn waits_for_its_turn_no_longer_than_it_may() {
        let look_ups = LookUps {
            turns: Arc::new(Semaphore::new(0)),
            timeout: Duration::from_millis(1),
        };
        let found = runtime().block_on(look_ups.look_up("localhost".into()));
        assert_eq!(found, Err(Failure::Late));
    }

    #[test]
    fn a_thread_has_the_turn_until_it_is_done() {
        let turns = Arc::new(Semaphore::new(1));
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let first = in_turn(turns.clone(), move || {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
        });
        // Whoever waited for it goes away when it has begun.
        assert!(first.now_or_never().is_none());
        has_begun.recv().unwrap();
        let mut second = Box::pin(in_turn(turns, || 2));
        assert!(second.as_mut().now_or_never().is_none());
        go_on.send(()).unwrap();
        assert_eq!(runtime().block_on(second), Some(2));
    }
}
