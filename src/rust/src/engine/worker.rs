//! Warm instances: one store that serves many calls, overlapping ones for P3.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use futures::stream::{FuturesUnordered, StreamExt};
use wasmtime::component::GuestTaskId;
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::call::Driven;
use super::component::{Entry, Linked, Resolved};
use super::context::{Context, Contexts};
use super::exchange::{Ended, Exchange, Failure, Inner};
use super::host::{Host, InstanceStore, new_store};
use super::http_call::{call_p3, failure, instantiation_failure, reused_p2};
use super::wake::Wake;
use crate::abi::{guard, guard_void};

#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<Arc<Inner>>>,
    waker: RefCell<Option<Waker>>,
    closed: Cell<bool>,
    /// Calls that were on the instance when their future was dropped.
    orphans: RefCell<Vec<Orphan>>,
    /// The task of the guest that ended the instance, if it is known.
    culprit: Cell<Option<GuestTaskId>>,
}

struct Orphan {
    exchange: Arc<Inner>,
    task: Option<GuestTaskId>,
}

impl Queue {
    fn poll_next(&self, cx: &mut TaskContext<'_>) -> Poll<Option<Arc<Inner>>> {
        if let Some(exchange) = self.waiting.borrow_mut().pop_front() {
            return Poll::Ready(Some(exchange));
        }
        if self.closed.get() {
            return Poll::Ready(None);
        }
        self.listen(cx);
        Poll::Pending
    }

    fn listen(&self, cx: &TaskContext<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Puts the first call that waits among those that were on the instance.
    fn orphan_first(&self) {
        let first = self.waiting.borrow_mut().pop_front();
        let first = first.map(|exchange| Orphan {
            exchange,
            task: None,
        });
        self.orphans.borrow_mut().extend(first);
    }

    /// Tells every call that is left how its instance ended: the one that did it why, or the only
    /// one; the others that they suffer for it.
    fn finish(&self, why: Failure) {
        let orphans = std::mem::take(&mut *self.orphans.borrow_mut());
        let alone = orphans.len() == 1;
        let culprit = self.culprit.take();
        let collateral = Err(why.collateral());
        let why = Err(why);
        for orphan in orphans {
            let guilty = alone || (culprit.is_some() && orphan.task == culprit);
            orphan
                .exchange
                .done(if guilty { &why } else { &collateral });
        }
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for exchange in waiting {
            exchange.done(&Err(Failure::NotStarted));
        }
    }
}

/// A call while it is on the instance.
struct OnInstance {
    exchange: Arc<Inner>,
    task: Cell<Option<GuestTaskId>>,
    queue: Rc<Queue>,
    reported: bool,
}

impl OnInstance {
    fn new(exchange: Arc<Inner>, queue: &Rc<Queue>) -> OnInstance {
        OnInstance {
            exchange,
            task: Cell::new(None),
            queue: queue.clone(),
            reported: false,
        }
    }

    fn done(mut self, ended: &Ended) {
        self.reported = true;
        self.exchange.done(ended);
    }
}

impl Drop for OnInstance {
    fn drop(&mut self) {
        if !self.reported {
            self.queue.orphans.borrow_mut().push(Orphan {
                exchange: self.exchange.clone(),
                task: self.task.get(),
            });
        }
    }
}

/// Whether the instance can serve on after a call that ended so.
fn survives(ended: &Ended) -> bool {
    matches!(ended, Ok(()) | Err(Failure::ErrorCode(..)))
}

async fn serve_p2(
    mut store: InstanceStore,
    pre: &ProxyPre<Host>,
    queue: &Rc<Queue>,
) -> Result<(), Failure> {
    let proxy = match pre.instantiate_async(&mut store).await {
        Ok(proxy) => proxy,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    while let Some(exchange) = poll_fn(|cx| queue.poll_next(cx)).await {
        let call = OnInstance::new(exchange, queue);
        let ended = reused_p2(&mut store, &proxy, &call.exchange).await;
        let go_on = survives(&ended);
        call.done(&ended);
        if !go_on {
            break;
        }
    }
    Ok(())
}

async fn serve_p3(
    mut store: InstanceStore,
    pre: &ServicePre<Host>,
    single: bool,
    queue: &Rc<Queue>,
    max_concurrent: usize,
) -> Result<(), Failure> {
    let service = match pre.instantiate_async(&mut store).await {
        Ok(service) => service,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    let ended = store
        .run_concurrent(async |accessor| {
            let function = *service.wasi_http_handler().func_handle().func();
            let mut running = FuturesUnordered::new();
            poll_fn(|cx| {
                loop {
                    while let Poll::Ready(Some(ended)) = running.poll_next_unpin(cx) {
                        if let Err(error) = ended {
                            return Poll::Ready(Err(error));
                        }
                    }
                    let admits = running.len() < max_concurrent
                        && accessor
                            .poll_ready_for_concurrent_call(function, cx)
                            .is_ready();
                    let next = if admits {
                        queue.poll_next(cx)
                    } else {
                        Poll::Pending
                    };
                    match next {
                        Poll::Ready(Some(exchange)) => {
                            let call = OnInstance::new(exchange, queue);
                            let service = &service;
                            running.push(async move {
                                let ended =
                                    call_p3(accessor, service, &call.exchange, &call.task).await;
                                match ended {
                                    Ok(ended) => {
                                        call.done(&ended);
                                        Ok(())
                                    }
                                    Err(error) => {
                                        call.queue.culprit.set(call.task.get());
                                        Err(error)
                                    }
                                }
                            });
                        }
                        Poll::Ready(None) if running.is_empty() => {
                            return accessor.poll_no_interesting_tasks(cx).map(Ok);
                        }
                        _ => return Poll::Pending,
                    }
                }
            })
            .await
        })
        .await
        .flatten();
    let unclear = queue.culprit.get().is_none() && queue.orphans.borrow().len() > 1;
    // A trap below a call from one component to another leaves the store with a pointer into the
    // stack that the trap gave up, and what follows it must not be asked for.
    if ended.is_err() && unclear && single {
        queue.culprit.set(trapped_task(&mut store));
    }
    ended.map_err(|error| failure(error, store.data().share.refused))
}

/// The call whose code ran when the store's event loop failed: Wasmtime leaves it the current one.
/// Nobody knows if the failure was not in a guest.
fn trapped_task(store: &mut Store<Host>) -> Option<GuestTaskId> {
    store.as_context_mut().async_call_stack().ok()?.last()
}

async fn serve(resolved: Arc<Resolved>, context: Contexts, queue: Rc<Queue>, concurrent: usize) {
    let ended = match new_store(&resolved, &context) {
        Err(error) => Err(instantiation_failure(error, None)),
        Ok(store) => match &resolved.entry {
            Entry::HttpP2(pre) => serve_p2(store, pre, &queue).await,
            Entry::HttpP3(pre) => serve_p3(store, pre, resolved.single, &queue, concurrent).await,
            Entry::CommandP2(_) | Entry::CommandP3(_) | Entry::Library => {
                Err(Failure::Panic("the component does not serve HTTP".into()))
            }
        },
    };
    match ended {
        Ok(()) => queue.finish(Failure::NotStarted),
        // No call was taken yet: tell the first one why there is no instance.
        Err(why) => {
            if matches!(why, Failure::Resources(_)) || queue.orphans.borrow().is_empty() {
                queue.orphan_first();
            }
            queue.finish(why);
        }
    }
}

pub struct Worker {
    driven: Driven,
    queue: Rc<Queue>,
}

/// # Safety
/// Both pointers are alive during the call; `wake` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_worker_new(
    linked: *const Linked,
    context: *const Context,
    max_concurrent: u32,
    wake: Wake,
) -> *mut Worker {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (linked, context) = unsafe { ((*linked).0.clone(), (*context).0.clone()) };
        let queue = Rc::new(Queue::default());
        let future = serve(
            linked,
            context,
            queue.clone(),
            max_concurrent.max(1) as usize,
        );
        Ok(Box::into_raw(Box::new(Worker {
            driven: Driven::new(future, wake),
            queue,
        })))
    })
}

/// # Safety
/// Both pointers are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_worker_submit(worker: *mut Worker, exchange: *mut Exchange) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let (worker, exchange) = unsafe { (&*worker, (*exchange).0.clone()) };
        worker.queue.waiting.borrow_mut().push_back(exchange);
        worker.queue.wake();
    });
}

/// # Safety
/// `worker` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_worker_close(worker: *mut Worker) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let worker = unsafe { &*worker };
        worker.queue.closed.set(true);
        worker.queue.wake();
    });
}

/// # Safety
/// `worker` is alive and not being polled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_worker_poll(worker: *mut Worker) -> i32 {
    guard(1, || {
        // SAFETY: by this function's contract.
        let Worker { driven, queue } = unsafe { &mut *worker };
        let polled = driven.poll(|message| queue.finish(Failure::Panic(message)));
        Ok(polled as i32)
    })
}

/// # Safety
/// `worker` came from `nimbus_worker_new`, is not being polled and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_worker_free(worker: *mut Worker) {
    guard_void(|| {
        // SAFETY: by this function's contract.
        let mut worker = unsafe { Box::from_raw(worker) };
        worker.driven.discard();
        worker
            .queue
            .finish(Failure::Collateral("the instance was ended".into()));
    });
}
