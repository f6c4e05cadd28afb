//! Warm instances: one store that serves many calls, overlapping ones for P3. One that is kept, as
//! a service is, has a call beside them that lasts as long as the instance: for P3 it may be its
//! `wasi:cli/run`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use wasmtime::component::{Accessor, GuestTaskId};
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p3::bindings::Command;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};

use super::call::{Caller, CommandDone, Driven};
use super::component::{Entry, Linked, Resolved};
use super::context::{Context, Contexts};
use super::exchange::{Ended, Exchange, Failure, Inner, Outcome};
use super::host::{Host, InstanceStore, new_store};
use super::http_call::{call_p3, failure, instantiation_failure, reused_p2};
use super::wake::Wake;
use crate::abi::{guard, guard_void};

#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<Arc<Inner>>>,
    waker: RefCell<Option<Waker>>,
    closed: Cell<bool>,
    /// Of an instance that is kept, until it is made.
    kept: RefCell<Option<Kept>>,
    /// Calls that were on the instance when their future was dropped.
    orphans: RefCell<Vec<Orphan>>,
    /// The task of the guest that ended the instance, if it is known.
    culprit: Cell<Option<GuestTaskId>>,
}

/// The call that lasts as long as its instance.
struct Kept {
    caller: CommandDone,
    /// Whether it is the guest's `wasi:cli/run`; else there is no code to it.
    runs: bool,
}

struct Orphan {
    caller: Caller,
    task: Option<GuestTaskId>,
    /// Whether code of the guest's ran for it.
    runs: bool,
}

impl Queue {
    fn poll_next(&self, cx: &mut TaskContext<'_>) -> Poll<Option<Arc<Inner>>> {
        while let Some(exchange) = self.waiting.borrow_mut().pop_front() {
            if exchange.is_wanted() {
                return Poll::Ready(Some(exchange));
            }
            exchange.done(&Err(Failure::NotStarted));
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
            caller: Caller::Exchange(exchange),
            task: None,
            runs: true,
        });
        self.orphans.borrow_mut().extend(first);
    }

    /// How many of the calls that are left can have ended the instance.
    fn suspects(&self) -> usize {
        let orphans = self.orphans.borrow();
        orphans.iter().filter(|orphan| orphan.runs).count()
    }

    /// Tells every call that is left how its instance ended: the one that did it why, or the only
    /// one; the others that they suffer for it.
    fn finish(&self, why: Failure) {
        let one_suspect = self.suspects() == 1;
        let orphans = std::mem::take(&mut *self.orphans.borrow_mut());
        let alone = orphans.len() == 1;
        let culprit = self.culprit.take();
        let collateral = Err(why.collateral());
        let why = Err(why);
        for orphan in orphans {
            let known = culprit.is_some() && orphan.task == culprit;
            let guilty = alone || known || (one_suspect && orphan.runs);
            orphan.caller.done(if guilty { &why } else { &collateral });
        }
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for exchange in waiting {
            exchange.done(&Err(Failure::NotStarted));
        }
    }
}

/// A call while it is on the instance.
struct OnInstance {
    caller: Caller,
    task: Cell<Option<GuestTaskId>>,
    runs: bool,
    queue: Rc<Queue>,
    reported: bool,
}

impl OnInstance {
    fn new(caller: Caller, runs: bool, queue: &Rc<Queue>) -> OnInstance {
        OnInstance {
            caller,
            task: Cell::new(None),
            runs,
            queue: queue.clone(),
            reported: false,
        }
    }

    fn done(mut self, ended: &Ended) {
        self.reported = true;
        self.caller.done(ended);
    }
}

impl Drop for OnInstance {
    fn drop(&mut self) {
        if !self.reported {
            self.queue.orphans.borrow_mut().push(Orphan {
                caller: self.caller.clone(),
                task: self.task.get(),
                runs: self.runs,
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
    kept: Option<OnInstance>,
) -> Result<(), Failure> {
    let proxy = match pre.instantiate_async(&mut store).await {
        Ok(proxy) => proxy,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    while let Some(exchange) = poll_fn(|cx| queue.poll_next(cx)).await {
        let call = OnInstance::new(Caller::Exchange(exchange.clone()), true, queue);
        let ended = reused_p2(&mut store, &proxy, &exchange).await;
        let go_on = match (&kept, &ended) {
            (Some(_), Err(why)) => !why.is_of_guest(),
            (Some(_), Ok(_)) => survives(&ended),
            (None, _) => survives(&ended) && !store.data().share.keeps_too_much(),
        };
        call.done(&ended);
        if !go_on {
            if let (Some(kept), Err(why)) = (kept, ended) {
                kept.done(&Err(why.collateral()));
            }
            break;
        }
    }
    Ok(())
}

/// An instance with its handler, and with what it runs if it is kept for that.
async fn instantiate_p3(
    store: &mut Store<Host>,
    pre: &ServicePre<Host>,
    runs: bool,
) -> wasmtime::Result<(Service, Option<Command>)> {
    if !runs {
        return Ok((pre.instantiate_async(store).await?, None));
    }
    let instance = pre.instance_pre().instantiate_async(&mut *store).await?;
    let service = Service::new(&mut *store, &instance)?;
    Ok((service, Some(Command::new(store, &instance)?)))
}

async fn run(
    accessor: &Accessor<Host>,
    command: &Command,
    task: &Cell<Option<GuestTaskId>>,
) -> wasmtime::Result<()> {
    let run = command.wasi_cli_run().func_run();
    let call = accessor.with(|store| run.start_call_concurrent(store, ()))?;
    task.set(Some(call.task()));
    match run.finish_call_concurrent(accessor, call).await? {
        (Ok(()),) => Ok(()),
        (Err(()),) => Err(I32Exit(1).into()),
    }
}

/// What ends the instance; if `wasi:cli/run` ends well, the instance goes on without it.
async fn keep_running(
    accessor: &Accessor<Host>,
    command: Option<&Command>,
    kept: Option<&OnInstance>,
) -> wasmtime::Error {
    if let (Some(command), Some(kept)) = (command, kept)
        && let Err(error) = run(accessor, command, &kept.task).await
    {
        kept.queue.culprit.set(kept.task.get());
        return error;
    }
    pending().await
}

/// Serves calls until the queue is closed and they are done.
async fn overlap(
    accessor: &Accessor<Host>,
    service: &Service,
    queue: &Rc<Queue>,
    max_concurrent: usize,
    runs: bool,
) -> wasmtime::Result<()> {
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
                    if running.is_empty() && !runs {
                        accessor.with(|mut store| store.get().share.begin_call());
                    }
                    let call = OnInstance::new(Caller::Exchange(exchange.clone()), true, queue);
                    running.push(serve_one(accessor, service, exchange, call));
                }
                // What runs beside the calls has no end of its own.
                Poll::Ready(None) if running.is_empty() && runs => return Poll::Ready(Ok(())),
                Poll::Ready(None) if running.is_empty() => {
                    return accessor.poll_no_interesting_tasks(cx).map(Ok);
                }
                _ => return Poll::Pending,
            }
        }
    })
    .await
}

async fn serve_one(
    accessor: &Accessor<Host>,
    service: &Service,
    exchange: Arc<Inner>,
    call: OnInstance,
) -> wasmtime::Result<()> {
    match call_p3(accessor, service, &exchange, &call.task).await {
        Ok(ended) => {
            call.done(&ended);
            Ok(())
        }
        Err(error) => {
            call.queue.culprit.set(call.task.get());
            Err(error)
        }
    }
}

async fn serve_p3(
    mut store: InstanceStore,
    pre: &ServicePre<Host>,
    single: bool,
    queue: &Rc<Queue>,
    max_concurrent: usize,
    (kept, runs): (Option<OnInstance>, bool),
) -> Result<(), Failure> {
    let (service, command) = match instantiate_p3(&mut store, pre, runs).await {
        Ok(made) => made,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    let ended = store
        .run_concurrent(async |accessor| {
            let beside = keep_running(accessor, command.as_ref(), kept.as_ref());
            let calls = overlap(accessor, &service, queue, max_concurrent, runs);
            match select(pin!(beside), pin!(calls)).await {
                Either::Left((error, _)) => Err(error),
                Either::Right((ended, _)) => ended,
            }
        })
        .await
        .flatten();
    drop(kept);
    let unclear = queue.culprit.get().is_none() && queue.suspects() > 1;
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
    let (kept, runs) = match queue.kept.take() {
        Some(Kept { caller, runs }) => (Some(Caller::Command(caller)), runs),
        None => (None, false),
    };
    let is_kept = kept.is_some();
    let kept = kept.map(|caller| OnInstance::new(caller, runs, &queue));
    let ended = match new_store(&resolved, &context) {
        Err(error) => {
            drop(kept);
            Err(instantiation_failure(error, None))
        }
        Ok(store) => match &resolved.entry {
            Entry::HttpP2(pre) => serve_p2(store, pre, &queue, kept).await,
            Entry::HttpP3(pre) => {
                let kept = (kept, runs);
                serve_p3(store, pre, resolved.single, &queue, concurrent, kept).await
            }
            Entry::CommandP2(_) | Entry::CommandP3(_) | Entry::Library => {
                Err(Failure::Panic("the component does not serve HTTP".into()))
            }
        },
    };
    match ended {
        Ok(()) => queue.finish(Failure::NotStarted),
        // No call was taken yet: tell the first one why there is no instance.
        Err(why) => {
            let taken = !queue.orphans.borrow().is_empty() && !matches!(why, Failure::Resources(_));
            if !is_kept && !taken {
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
/// `worker` is alive and has not been polled; `done` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_worker_keep(
    worker: *mut Worker,
    runs: u8,
    context: *mut c_void,
    done: extern "C" fn(*mut c_void, *const Outcome),
) {
    guard_void(|| {
        let kept = Kept {
            caller: CommandDone { context, done },
            runs: runs != 0,
        };
        // SAFETY: by this function's contract.
        unsafe { &*worker }.queue.kept.replace(Some(kept));
    });
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
