//! HTTP exchanges among the calls of an instance.

use std::cell::Cell;
use std::sync::Arc;

use wasmtime::component::Accessor;
use wasmtime::{AsContextMut, Result, Store, bail, format_err};
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p3::bindings::Service;

use super::{Asked, Guest, Running};
use crate::engine::component::Entry;
use crate::engine::exchange::{Ended, Failure, Inner};
use crate::engine::host::Host;
use crate::engine::http_call::{call_p3, reused_p2};

/// An exchange while it is on the instance.
pub struct ExchangeOnInstance<'g> {
    guest: &'g Guest,
    exchange: Arc<Inner>,
    ended: bool,
}

impl<'g> ExchangeOnInstance<'g> {
    pub fn new(guest: &'g Guest, exchange: Arc<Inner>) -> ExchangeOnInstance<'g> {
        ExchangeOnInstance {
            guest,
            exchange,
            ended: false,
        }
    }

    fn done(mut self, ended: &Ended) {
        self.ended = true;
        self.exchange.done(ended);
    }
}

impl Drop for ExchangeOnInstance<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let exchange = Asked::Exchange(self.exchange.clone());
            self.guest.orphans.borrow_mut().push(exchange);
        }
    }
}

pub enum Handler {
    P2(Proxy),
    P3(Service),
}

impl Running<'_> {
    fn handler(&self, store: impl AsContextMut<Data = Host>) -> Result<&Handler> {
        if let Some(known) = self.handler.get() {
            return Ok(known);
        }
        let made = match &self.resolved.entry {
            Entry::HttpP2(_) => Handler::P2(Proxy::new(store, &self.instance)?),
            Entry::HttpP3(_) => Handler::P3(Service::new(store, &self.instance)?),
            _ => bail!("the component does not serve HTTP"),
        };
        Ok(self.handler.get_or_init(|| made))
    }

    /// With nothing else on the instance.
    pub async fn exchange_alone(
        &self,
        store: &mut Store<Host>,
        exchange: Arc<Inner>,
    ) -> Result<()> {
        if !exchange.is_wanted() {
            exchange.done(&Err(Failure::NotStarted));
            return Ok(());
        }
        let call = ExchangeOnInstance::new(self.guest, exchange);
        let Handler::P2(proxy) = self.handler(&mut *store)? else {
            bail!("exchanges of WASI 0.3 need concurrency");
        };
        let ended = reused_p2(store, proxy, &call.exchange).await;
        call.done(&ended);
        match ended {
            Err(why) if why.is_of_guest() => {
                self.broken.set(Some(why.collateral()));
                Err(format_err!("an exchange failed"))
            }
            _ => Ok(()),
        }
    }

    /// Among other calls.
    pub async fn exchange(
        &self,
        accessor: &Accessor<Host>,
        call: ExchangeOnInstance<'_>,
    ) -> Result<()> {
        let Handler::P3(service) = accessor.with(|store| self.handler(store))? else {
            bail!("exchanges of WASI 0.2 do not overlap with calls");
        };
        let ended = call_p3(accessor, service, &call.exchange, &Cell::new(None)).await?;
        call.done(&ended);
        Ok(())
    }
}
