//! Calls on fresh instances, polled by C++.

use std::ffi::c_void;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use super::budget::HOST_LIMIT;
use super::component::{Entry, Linked, Resolved};
use super::config::enter_runtime;
use super::context::{Context, Contexts};
use super::exchange::{Ended, Exchange, Failure, Outcome, with_outcome};
use super::host::new_store;
use super::http_call::{self, failure, instantiation_failure};
use super::slice;
use super::wake::{Wake, waker};
use crate::abi::{guard, guard_void, panic_message};

/// What a poll found: NimbusPoll.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Polled {
    Pending = 0,
    Ready = 1,
    /// Pending, because its guest was cut short.
    CutShort = 2,
}

/// A future that is polled from outside any executor. It may panic: then it is dropped, and what it
/// owed its caller is told by `on_panic`.
pub struct Driven {
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Waker,
    cut_short: bool,
}

impl Driven {
    pub fn new(future: impl Future<Output = ()> + 'static, wake: Wake) -> Driven {
        Driven {
            future: Some(Box::pin(future)),
            waker: waker(wake),
            cut_short: false,
        }
    }

    /// `on_panic` is told why if the future ended by a panic.
    pub fn poll(&mut self, on_panic: impl FnOnce(String)) -> Polled {
        let Some(future) = self.future.as_mut() else {
            return Polled::Ready;
        };
        enter_runtime();
        slice::begin(self.cut_short);
        let mut cx = TaskContext::from_waker(&self.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx)));
        match polled {
            Ok(Poll::Pending) => {
                self.cut_short = slice::was_cut_short();
                return match self.cut_short {
                    true => Polled::CutShort,
                    false => Polled::Pending,
                };
            }
            Ok(Poll::Ready(())) => self.future = None,
            Err(panic) => {
                self.discard();
                on_panic(panic_message(&*panic));
            }
        }
        Polled::Ready
    }

    /// Drops the future; a half-unwound one may panic again.
    pub fn discard(&mut self) {
        enter_runtime();
        let future = self.future.take();
        _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Who is told once how a run of a command ended.
#[derive(Clone)]
pub struct CommandDone {
    pub context: *mut c_void,
    pub done: extern "C" fn(*mut c_void, *const Outcome),
}

#[derive(Clone)]
pub enum Caller {
    Exchange(Arc<super::exchange::Inner>),
    Command(CommandDone),
}

impl Caller {
    pub fn done(&self, ended: &Ended) {
        match self {
            Caller::Exchange(exchange) => exchange.done(ended),
            Caller::Command(command) => {
                with_outcome(ended.as_ref(), |outcome| {
                    (command.done)(command.context, outcome)
                });
            }
        }
    }
}

pub struct Call {
    driven: Driven,
    caller: Caller,
}

/// # Safety
/// All pointers are alive during the call; `wake` follows its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_call_http(
    linked: *const Linked,
    context: *const Context,
    exchange: *mut Exchange,
    wake: Wake,
) -> *mut Call {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (linked, context, exchange) = unsafe {
            (
                (*linked).0.clone(),
                (*context).0.clone(),
                (*exchange).0.clone(),
            )
        };
        let future = http_call::fresh(linked, context, exchange.clone());
        let call = Call {
            driven: Driven::new(future, wake),
            caller: Caller::Exchange(exchange),
        };
        Ok(Box::into_raw(Box::new(call)))
    })
}

async fn run_command(resolved: &Resolved, context: &Contexts) -> Ended {
    let mut store =
        new_store(resolved, context).map_err(|error| instantiation_failure(error, None))?;
    let instantiated = match &resolved.entry {
        Entry::CommandP2(pre) => match pre.instantiate_async(&mut store).await {
            Ok(command) => Ok(command.wasi_cli_run().call_run(&mut store).await),
            Err(error) => Err(error),
        },
        Entry::CommandP3(pre) => match pre.instantiate_async(&mut store).await {
            Ok(command) => {
                let run = async |accessor: &_| command.wasi_cli_run().call_run(accessor).await;
                Ok(store.run_concurrent(run).await.flatten())
            }
            Err(error) => Err(error),
        },
        Entry::HttpP2(_) | Entry::HttpP3(_) | Entry::Library => {
            return Err(Failure::Panic("the component is not a command".into()));
        }
    };
    let refused = store.data().share.refused;
    match instantiated {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(()))) => Err(Failure::Exit(1)),
        Ok(Err(error)) => unless_success(failure(error, refused)),
        Err(error) => unless_success(match refused {
            // Its own limits are its own fault: it is no use to start it again later.
            Some(limit) if limit != HOST_LIMIT => failure(error, refused),
            _ => instantiation_failure(error, refused),
        }),
    }
}

/// A command may exit with success.
fn unless_success(failure: Failure) -> Ended {
    match failure {
        Failure::Exit(0) => Ok(()),
        other => Err(other),
    }
}

/// # Safety
/// All pointers are alive during the call; `wake` and `done` follow their contracts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_call_command(
    linked: *const Linked,
    context: *const Context,
    done_context: *mut c_void,
    done: extern "C" fn(*mut c_void, *const Outcome),
    wake: Wake,
) -> *mut Call {
    guard(std::ptr::null_mut(), || {
        // SAFETY: by this function's contract.
        let (linked, context) = unsafe { ((*linked).0.clone(), (*context).0.clone()) };
        let command = CommandDone {
            context: done_context,
            done,
        };
        let caller = Caller::Command(command.clone());
        let future = async move {
            let ended = run_command(&linked, &context).await;
            Caller::Command(command).done(&ended);
        };
        Ok(Box::into_raw(Box::new(Call {
            driven: Driven::new(future, wake),
            caller,
        })))
    })
}

/// # Safety
/// `call` is alive and not being polled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_call_poll(call: *mut Call) -> i32 {
    guard(1, || {
        // SAFETY: by this function's contract.
        let Call { driven, caller } = unsafe { &mut *call };
        let polled = driven.poll(|message| caller.done(&Err(Failure::Panic(message))));
        Ok(polled as i32)
    })
}

/// # Safety
/// `call` came from this module, is not being polled and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_call_free(call: *mut Call) {
    // SAFETY: by this function's contract.
    guard_void(|| drop(unsafe { Box::from_raw(call) }));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// What a caller is told, as it is told it.
    #[derive(Default)]
    struct Told {
        outcomes: RefCell<Vec<(i32, String)>>,
    }

    extern "C" fn done(context: *mut c_void, outcome: *const Outcome) {
        // SAFETY: `context` is the Told of the test, and the outcome lives during the call.
        let (told, outcome) = unsafe { (&*context.cast::<Told>(), &*outcome) };
        // SAFETY: as above.
        let message = unsafe { outcome.message.text() }.unwrap().to_owned();
        told.outcomes.borrow_mut().push((outcome.kind, message));
    }

    fn call(told: &Told, future: impl Future<Output = ()> + 'static) -> *mut Call {
        Box::into_raw(Box::new(Call {
            driven: Driven {
                future: Some(Box::pin(future)),
                waker: Waker::noop().clone(),
                cut_short: false,
            },
            caller: Caller::Command(CommandDone {
                context: std::ptr::from_ref(told).cast_mut().cast(),
                done,
            }),
        }))
    }

    const PANIC: i32 = 8;

    #[test]
    fn a_panic_within_a_poll_ends_the_call_and_is_told_once() {
        let told = Told::default();
        let call = call(&told, async {
            let mut polled = false;
            std::future::poll_fn(|_| match std::mem::replace(&mut polled, true) {
                false => Poll::Pending,
                true => panic!("within host code"),
            })
            .await
        });
        // SAFETY: alive until it is freed below.
        unsafe {
            assert_eq!(nimbus_call_poll(call), Polled::Pending as i32);
            assert!(told.outcomes.borrow().is_empty());
            assert_eq!(nimbus_call_poll(call), Polled::Ready as i32);
            assert_eq!(nimbus_call_poll(call), Polled::Ready as i32, "for good");
            nimbus_call_free(call);
        }
        let expected = (PANIC, "within host code".to_owned());
        assert_eq!(*told.outcomes.borrow(), [expected]);
    }

    /// Calls its import "fail".
    const CALLER: &str = r#"(component
      (import "fail" (func $fail))
      (core func $lowered (canon lower (func $fail)))
      (core module $m (import "" "fail" (func $fail)) (func (export "run") (call $fail)))
      (core instance $i (instantiate $m
        (with "" (instance (export "fail" (func $lowered))))))
      (func (export "run") (canon lift (core func $i "run"))))"#;

    /// How polls of a guest went whose import panics, at once or once it was waited for: those
    /// before it, and what was told. Its store must have gone.
    fn panic_under_a_guest(concurrency: bool, waits: bool) -> (u32, Vec<(i32, String)>) {
        let mut config = wasmtime::Config::new();
        config.concurrency_support(concurrency);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let wasm = wat::parse_str(CALLER).unwrap();
        let component = wasmtime::component::Component::new(&engine, wasm).unwrap();
        let mut linker = wasmtime::component::Linker::<Arc<()>>::new(&engine);
        let import = linker.root().func_wrap_async("fail", move |_, ()| {
            let mut waiting = waits;
            Box::new(std::future::poll_fn(
                move |_| -> Poll<wasmtime::Result<()>> {
                    match std::mem::take(&mut waiting) {
                        true => Poll::Pending,
                        false => panic!("within an import"),
                    }
                },
            ))
        });
        import.unwrap();
        let (told, alive) = (Told::default(), Arc::new(()));
        let data = alive.clone();
        let call = call(&told, async move {
            let mut store = wasmtime::Store::new(&engine, data);
            let instance = linker.instantiate_async(&mut store, &component).await;
            let run = instance
                .unwrap()
                .get_typed_func::<(), ()>(&mut store, "run");
            run.unwrap().call_async(&mut store, ()).await.unwrap();
        });
        let mut pending = 0;
        // SAFETY: alive until it is freed.
        unsafe {
            while nimbus_call_poll(call) == Polled::Pending as i32 {
                pending += 1;
            }
            assert_eq!(Arc::strong_count(&alive), 1);
            nimbus_call_free(call);
        }
        (pending, told.outcomes.take())
    }

    #[test]
    fn a_panic_in_an_import_ends_the_call_of_the_guest_that_called_it() {
        for concurrency in [false, true] {
            for waits in [false, true] {
                let (pending, told) = panic_under_a_guest(concurrency, waits);
                assert_eq!(pending, u32::from(waits));
                assert_eq!(told, [(PANIC, "within an import".to_owned())]);
            }
        }
    }

    /// Panics when it is dropped.
    struct Fragile(Arc<AtomicU32>);

    impl Drop for Fragile {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("while it is dropped");
        }
    }

    #[test]
    fn a_panic_while_a_call_is_freed_stays_inside() {
        let (told, dropped) = (Told::default(), Arc::new(AtomicU32::new(0)));
        let fragile = Fragile(dropped.clone());
        let call = call(&told, async move {
            let _fragile = fragile;
            std::future::pending::<()>().await;
        });
        // SAFETY: alive until it is freed.
        unsafe {
            assert_eq!(nimbus_call_poll(call), Polled::Pending as i32);
            nimbus_call_free(call);
        }
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!(told.outcomes.borrow().is_empty());
    }
}
