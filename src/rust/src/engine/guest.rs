//! An instance whose exports C++ calls: one call after the other, or overlapping where the engine
//! has concurrency. HTTP exchanges are calls among the others.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use futures::future::Either;
use futures::stream::{FuturesUnordered, StreamExt};
use wasmtime::component::{Accessor, Instance, ResourceAny};
use wasmtime::{AsContextMut, Result, Store};

use self::admission::Taken;
use self::exchanges::{ExchangeOnInstance, Handler};
use super::call::Driven;
use super::channels::{Outlets, outlets};
use super::component::{Entry, Linked, Resolved};
use super::context::{Context, Contexts};
use super::exchange::{Exchange, Failure, Inner};
use super::exports::{Function, Params, ResourceTypes, callable};
use super::guest_call::{CallRequest, CallState};
use super::guest_resources::Resources;
use super::host::{Host, new_store};
use super::http_call::{failure, instantiation_failure};
use super::raw::{Lifted, Recycled};
use super::wake::Wake;
use crate::abi::{Str, guard, guard_void};

mod admission;
mod exchanges;

/// What the instance is asked to do.
enum Asked {
    Call(Rc<CallState>),
    Exchange(Arc<Inner>),
}

impl Asked {
    /// Of one that nobody waits for.
    fn leave_out(&self) {
        if let Asked::Exchange(exchange) = self {
            exchange.done(&Err(Failure::NotStarted));
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Asked::Call(call) => call.is_open(),
            Asked::Exchange(exchange) => exchange.is_wanted(),
        }
    }
}

#[derive(Default)]
struct Guest {
    concurrency: bool,
    waiting: RefCell<VecDeque<Asked>>,
    waker: RefCell<Option<Waker>>,
    resources: RefCell<Resources>,
    /// What was on the instance when its future was dropped.
    orphans: RefCell<Vec<Asked>>,
    /// One that has ended: its memory is used again if C++ has let go of it.
    spare: Cell<Option<Rc<CallState>>>,
}

impl Guest {
    /// On the heap, in memory that is there already if possible.
    #[inline]
    fn place(&self, state: CallState) -> Rc<CallState> {
        if let Some(mut spare) = self.spare.take()
            && let Some(place) = Rc::get_mut(&mut spare)
        {
            *place = state;
            return spare;
        }
        Rc::new(state)
    }

    fn poll_next(&self, cx: &TaskContext<'_>) -> Poll<Asked> {
        while let Some(asked) = self.waiting.borrow_mut().pop_front() {
            if asked.is_open() {
                return Poll::Ready(asked);
            }
            asked.leave_out();
        }
        let mut waker = self.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The exchange whose turn it is.
    fn next_exchange(&self) -> Option<Arc<Inner>> {
        let mut waiting = self.waiting.borrow_mut();
        match waiting.pop_front()? {
            Asked::Exchange(exchange) => Some(exchange),
            call => {
                waiting.push_front(call);
                None
            }
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn take_doomed(&self) -> Option<ResourceAny> {
        self.resources.borrow_mut().doomed.pop()
    }

    fn finish(&self, why: Failure) {
        let orphans = std::mem::take(&mut *self.orphans.borrow_mut());
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for asked in &waiting {
            match asked {
                Asked::Call(call) => call.end(&why),
                Asked::Exchange(exchange) => exchange.done(&Err(Failure::NotStarted)),
            }
        }
        let ended = Err(why);
        for asked in &orphans {
            match (asked, &ended) {
                (Asked::Call(call), Err(why)) => call.end(why),
                (Asked::Exchange(exchange), _) => exchange.done(&ended),
                _ => {}
            }
        }
        *self.resources.borrow_mut() = Resources::default();
    }
}

/// A call while it is on the instance.
struct OnInstance<'g> {
    guest: &'g Guest,
    call: Rc<CallState>,
    taken: Option<Box<Taken>>,
    ended: bool,
}

impl<'g> OnInstance<'g> {
    fn new(guest: &'g Guest, call: Rc<CallState>, taken: Option<Box<Taken>>) -> OnInstance<'g> {
        OnInstance {
            guest,
            call,
            taken,
            ended: false,
        }
    }

    fn done(mut self, mut lifted: Recycled<Lifted>, outlets: Outlets) -> Result<()> {
        let mut resources = self.guest.resources.borrow_mut();
        resources.keep(&mut lifted, self.call.owner)?;
        for number in self.taken.iter().flat_map(|taken| &taken.borrowed) {
            resources.give_back(*number);
        }
        if !self.call.is_open() {
            // Nobody will ever know their numbers.
            for handle in &lifted.large {
                resources.doom(handle.rep);
            }
        }
        drop(resources);
        self.ended = true;
        self.call.succeed(&mut lifted, outlets);
        self.guest.spare.set(Some(self.call.clone()));
        Ok(())
    }
}

impl Drop for OnInstance<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let call = Asked::Call(self.call.clone());
            self.guest.orphans.borrow_mut().push(call);
        }
    }
}

/// One instance with what is known of it.
struct Running<'g> {
    guest: &'g Guest,
    resolved: &'g Resolved,
    instance: Instance,
    types: ResourceTypes,
    /// By function, as far as they have been called.
    callables: RefCell<Vec<Option<Rc<Function>>>>,
    /// Made for the first exchange.
    handler: OnceCell<Handler>,
    /// How the exchange ended that ended the instance.
    broken: Cell<Option<Failure>>,
}

impl<'g> Running<'g> {
    fn callable(
        &self,
        function: usize,
        store: impl AsContextMut<Data = Host>,
    ) -> Result<Rc<Function>> {
        if let Some(Some(known)) = self.callables.borrow().get(function) {
            return Ok(known.clone());
        }
        let export = &self.resolved.exports.functions[function];
        let found = Rc::new(callable(export, &self.instance, store)?);
        let mut callables = self.callables.borrow_mut();
        if callables.len() <= function {
            callables.resize(function + 1, None);
        }
        callables[function] = Some(found.clone());
        Ok(found)
    }

    async fn destroy_doomed(&self, store: &mut Store<Host>) -> Result<()> {
        while let Some(resource) = self.guest.take_doomed() {
            resource.resource_drop_async(&mut *store).await?;
        }
        Ok(())
    }

    /// One call after the other.
    async fn serve_plain(&self, store: &mut Store<Host>) -> Result<()> {
        loop {
            if self.has_doomed() {
                self.destroy_doomed(store).await?;
            }
            let next = poll_fn(|cx| match self.has_doomed() {
                true => Poll::Ready(None),
                false => self.guest.poll_next(cx).map(Some),
            });
            let call = match next.await {
                Some(Asked::Call(call)) => call,
                Some(Asked::Exchange(exchange)) => {
                    self.exchange_alone(store, exchange).await?;
                    continue;
                }
                None => continue,
            };
            let Some((mut params, taken)) = self.admit(&call) else {
                continue;
            };
            let mut call = OnInstance::new(self.guest, call, taken);
            store.data_mut().imports.deadline_ns = call.call.deadline_ns;
            store.data_mut().share.begin_call();
            let function = self.callable(call.call.function, &mut *store)?;
            call.resolve(&mut params, &mut *store)?;
            let mut lifted = function.call(store, params).await?;
            let outlets = self.outlets(&call, &mut lifted, &mut *store)?;
            call.done(lifted, outlets)?;
        }
    }

    fn has_doomed(&self) -> bool {
        !self.guest.resources.borrow().doomed.is_empty()
    }

    /// Overlapping calls; resources are destroyed when none is under way.
    async fn serve_concurrent(&self, store: &mut Store<Host>, most: usize) -> Result<()> {
        loop {
            self.destroy_doomed(store).await?;
            if self.must_be_alone()
                && let Some(exchange) = self.guest.next_exchange()
            {
                self.exchange_alone(store, exchange).await?;
            }
            store
                .run_concurrent(async |accessor| self.overlap(accessor, most).await)
                .await??;
        }
    }

    async fn call(
        &self,
        accessor: &Accessor<Host>,
        callable: Rc<Function>,
        call: &mut OnInstance<'_>,
        mut params: Params,
    ) -> Result<(Recycled<Lifted>, Outlets)> {
        accessor.with(|store| call.resolve(&mut params, store))?;
        let mut lifted = callable.call_concurrent(accessor, params).await?;
        if lifted.channels.is_empty() {
            return Ok((lifted, Outlets::default()));
        }
        let outlets = accessor.with(|store| self.outlets(call, &mut lifted, store))?;
        Ok((lifted, outlets))
    }

    /// The streams and futures among what a call returned.
    fn outlets(
        &self,
        call: &OnInstance<'_>,
        lifted: &mut Lifted,
        store: impl AsContextMut<Data = Host>,
    ) -> Result<Outlets> {
        if lifted.channels.is_empty() {
            return Ok(Outlets::default());
        }
        let results = self.resolved.exports.functions[call.call.function].results()?;
        outlets(store, results, lifted)
    }

    fn must_be_alone(&self) -> bool {
        matches!(self.resolved.entry, Entry::HttpP2(_))
    }

    /// Returns when there are resources to destroy, or an exchange has to be alone.
    async fn overlap(&self, accessor: &Accessor<Host>, most: usize) -> Result<()> {
        let mut running = FuturesUnordered::new();
        let mut next_is_alone = false;
        poll_fn(|cx| {
            loop {
                while let Poll::Ready(Some(ended)) = running.poll_next_unpin(cx) {
                    let ended: Result<()> = ended;
                    if let Err(error) = ended {
                        return Poll::Ready(Err(error));
                    }
                }
                if running.is_empty() && (next_is_alone || self.has_doomed()) {
                    return Poll::Ready(Ok(()));
                }
                if running.len() >= most || next_is_alone {
                    return Poll::Pending;
                }
                let next = self.guest.poll_next(cx);
                if next.is_ready() && running.is_empty() {
                    accessor.with(|mut store| store.get().share.begin_call());
                }
                let call = match next {
                    Poll::Ready(Asked::Call(call)) => call,
                    Poll::Ready(exchange @ Asked::Exchange(_)) if self.must_be_alone() => {
                        self.guest.waiting.borrow_mut().push_front(exchange);
                        next_is_alone = true;
                        continue;
                    }
                    Poll::Ready(Asked::Exchange(exchange)) => {
                        let call = ExchangeOnInstance::new(self.guest, exchange);
                        running.push(Either::Right(Box::pin(self.exchange(accessor, call))));
                        continue;
                    }
                    Poll::Pending => return Poll::Pending,
                };
                let Some((params, taken)) = self.admit(&call) else {
                    continue;
                };
                let mut call = OnInstance::new(self.guest, call, taken);
                let function =
                    accessor.with(|mut store| self.callable(call.call.function, &mut store));
                running.push(Either::Left(async move {
                    let called = self.call(accessor, function?, &mut call, params).await;
                    let (lifted, outlets) = called?;
                    call.done(lifted, outlets)
                }));
            }
        })
        .await
    }
}

async fn serve(resolved: Arc<Resolved>, contexts: Contexts, guest: Rc<Guest>, most: usize) {
    let ended = run(&resolved, &contexts, &guest, most).await;
    let why = match ended {
        Ok(()) => Failure::Collateral("the instance has ended".into()),
        Err(why) => why,
    };
    guest.finish(why);
}

async fn run(
    resolved: &Resolved,
    contexts: &Contexts,
    guest: &Guest,
    most: usize,
) -> std::result::Result<(), Failure> {
    let mut store =
        new_store(resolved, contexts).map_err(|error| instantiation_failure(error, None))?;
    let instance = match resolved.pre.instantiate_async(&mut store).await {
        Ok(instance) => instance,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    let running = Running {
        guest,
        resolved,
        instance,
        types: ResourceTypes::of(&resolved.exports, &instance, &mut store),
        callables: RefCell::default(),
        handler: OnceCell::new(),
        broken: Cell::new(None),
    };
    let ended = match resolved.concurrency {
        true => running.serve_concurrent(&mut store, most).await,
        false => running.serve_plain(&mut store).await,
    };
    let broken = running.broken.take();
    ended.map_err(|error| broken.unwrap_or_else(|| failure(error, store.data().share.refused)))
}

pub struct GuestHandle {
    driven: Driven,
    guest: Rc<Guest>,
}

/// # Safety
/// Both pointers are alive during the call; `wake` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_new(
    linked: *const Linked,
    context: *const Context,
    max_concurrent: u32,
    wake: Wake,
) -> *mut GuestHandle {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (linked, context) = unsafe { ((*linked).0.clone(), (*context).0.clone()) };
        let guest = Rc::new(Guest {
            concurrency: linked.concurrency,
            ..Guest::default()
        });
        let most = max_concurrent.max(1) as usize;
        let future = serve(linked, context, guest.clone(), most);
        Ok(Box::into_raw(Box::new(GuestHandle {
            driven: Driven::new(future, wake),
            guest,
        })))
    })
}

/// # Safety
/// `guest` is alive; the request follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_call(
    guest: *mut GuestHandle,
    request: *const CallRequest,
) -> *const CallState {
    guard(std::ptr::null(), || {
        // SAFETY: by this function's contract.
        let (guest, request) = unsafe { (&(*guest).guest, &*request) };
        // SAFETY: as above.
        let state = unsafe { CallState::new(request, !guest.concurrency) };
        let call = guest.place(state);
        let asked = Asked::Call(call.clone());
        guest.waiting.borrow_mut().push_back(asked);
        // Where calls do not overlap, the poll that follows by contract looks for them itself.
        if guest.concurrency {
            guest.wake();
        }
        Ok(Rc::into_raw(call))
    })
}

/// # Safety
/// Both pointers are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_submit(guest: *mut GuestHandle, exchange: *mut Exchange) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (guest, exchange) = unsafe { (&(*guest).guest, (*exchange).0.clone()) };
        let asked = Asked::Exchange(exchange);
        guest.waiting.borrow_mut().push_back(asked);
        guest.wake();
    });
}

/// # Safety
/// `call` came from `nimbus_guest_call` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_call_free(call: *const CallState) -> i32 {
    guard(0, || {
        // SAFETY: by this function's contract.
        let call = unsafe { Rc::from_raw(call) };
        Ok(i32::from(call.give_up()))
    })
}

/// # Safety
/// `guest` and the bytes are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_drop(guest: *mut GuestHandle, handle: Str) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (guest, handle) = unsafe { (&(*guest).guest, handle.bytes()) };
        if let Ok(number) = handle.try_into() {
            guest
                .resources
                .borrow_mut()
                .doom(u32::from_le_bytes(number));
            guest.wake();
        }
    });
}

/// # Safety
/// `guest` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_disown(guest: *mut GuestHandle, first: u64, last: u64) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let guest = unsafe { &(*guest).guest };
        guest.resources.borrow_mut().doom_of(first, last);
        guest.wake();
    });
}

/// # Safety
/// `guest` is alive and not being polled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_poll(guest: *mut GuestHandle) -> i32 {
    guard(1, || {
        // SAFETY: by this function's contract.
        let GuestHandle { driven, guest } = unsafe { &mut *guest };
        let polled = driven.poll(|message| guest.finish(Failure::Panic(message)));
        Ok(polled as i32)
    })
}

/// # Safety
/// `guest` came from `nimbus_guest_new`, is not being polled and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_free(guest: *mut GuestHandle) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let mut guest = unsafe { Box::from_raw(guest) };
        guest.driven.discard();
        let why = Failure::Collateral("the instance was ended".into());
        guest.guest.finish(why);
    });
}

/// # Safety
/// `guest` and the bytes are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_owns(guest: *const GuestHandle, handle: Str) -> i32 {
    guard(0, || {
        // SAFETY: by this function's contract.
        let (guest, handle) = unsafe { (&(*guest).guest, handle.bytes()) };
        let number = handle.try_into().ok().map(u32::from_le_bytes);
        let resources = guest.resources.borrow();
        let owned = number.and_then(|number| resources.owned.get(&number));
        Ok(i32::from(owned.is_some_and(|owned| !owned.dropped)))
    })
}

/// # Safety
/// `guest` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_guest_resources(guest: *const GuestHandle) -> usize {
    guard(0, || {
        // SAFETY: by this function's contract.
        let guest = unsafe { &(*guest).guest };
        Ok(guest.resources.borrow().owned.len())
    })
}
