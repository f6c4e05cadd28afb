//! One request on one instance: P2 and P3, from the call to the last byte of the response.

use std::cell::Cell;
use std::fmt::{Debug, Write};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures::channel::oneshot;
use futures::future::{Either, join, select};
use http_body::Body;
use rustix::io::Errno;
use wasmtime::component::{Accessor, GuestTaskId};
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::p3::Request as RequestP3;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use super::budget::HOST_LIMIT;
use super::component::Resolved;
use super::context::Contexts;
use super::error_names::name_of;
use super::exchange::{Ended, Failure, Inner};
use super::host::{Host, new_store};
use super::texts::{Short, told};

/// Of what is told of an error that a guest answers with.
const MAX_SHOWN_BYTES: usize = 8 << 10;

/// Where the guest's own call stands, as the side that drains its response sees it.
#[derive(Clone, Copy, PartialEq)]
pub enum Guest {
    Running,
    /// It returned: content that is not there now will not come (P2).
    Returned,
    /// It trapped: what looks like the end of its content is not one.
    Failed,
}

/// Whether the system refused memory, address space, mappings (`vm.max_map_count`) or descriptors.
/// Wasmtime passes on what the crate said that it calls the system by.
fn is_exhausted(error: &wasmtime::Error) -> bool {
    let said = error.downcast_ref::<Errno>().copied();
    let code = said.or_else(|| Errno::from_io_error(error.downcast_ref::<io::Error>()?));
    let exhausted = [Errno::NOMEM, Errno::MFILE, Errno::NFILE];
    code.is_some_and(|code| exhausted.contains(&code)) || error.is::<OutOfMemory>()
}

/// What an error of Wasmtime means for a call. `refused` is the limit hit last, if any.
pub fn failure(error: wasmtime::Error, refused: Option<&str>) -> Failure {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Failure::Exit(exit.0);
    }
    if error.is::<PoolConcurrencyLimitError>() || is_exhausted(&error) {
        return Failure::Resources(told(format_args!("{error:#}")));
    }
    match refused {
        Some(limit) => Failure::Trap(told(format_args!("after it hit {limit}: {error:?}"))),
        None => Failure::Trap(told(format_args!("{error:?}"))),
    }
}

/// The same where no guest code of the call itself has run yet. What traps or exits at its
/// start after it hit a limit of its own does so at any other time as well.
pub fn instantiation_failure(error: wasmtime::Error, refused: Option<&str>) -> Failure {
    match refused {
        Some(limit) if limit == HOST_LIMIT || !(error.is::<Trap>() || error.is::<I32Exit>()) => {
            Failure::Resources(told(format_args!(
                "cannot make an instance within {limit}: {error:#}"
            )))
        }
        _ => failure(error, refused),
    }
}

/// What the guest said, up to a length: its texts may have any.
fn shown(code: &impl Debug) -> String {
    let mut short = Short::new(MAX_SHOWN_BYTES);
    _ = write!(short, "{code:?}");
    short.text
}

/// The guest answered with an error-code.
fn answered(shown: String, code: Error) -> Failure {
    Failure::ErrorCode(name_of(&code), shown)
}

/// Whatever was asked for (RFC 9110 6.4.1).
fn may_have_content(status: http::StatusCode) -> bool {
    ![http::StatusCode::NO_CONTENT, http::StatusCode::NOT_MODIFIED].contains(&status)
}

/// Sends a response to the exchange as credit allows. One that nobody reads is dropped, so that its
/// guest is told by its next write instead of going on to the end.
async fn drain(exchange: &Inner, response: http::Response<WasiBody>, guest: &Cell<Guest>) -> Ended {
    let (parts, mut body) = response.into_parts();
    exchange.head(parts.status.as_u16(), &parts.headers);
    let has_content = !exchange.is_head && may_have_content(parts.status);
    let none = http::HeaderMap::new();
    loop {
        poll_fn(|cx| exchange.poll_credit(cx)).await;
        if exchange.unwanted() {
            return Ok(());
        }
        let frame = poll_fn(|cx| match Pin::new(&mut body).poll_frame(cx) {
            Poll::Pending if guest.get() == Guest::Returned => Poll::Ready(None),
            Poll::Pending => exchange.poll_unwanted(cx).map(|()| None),
            other => other.map(Some),
        })
        .await;
        let frame = match frame {
            None if exchange.unwanted() => return Ok(()),
            Some(Some(Ok(frame))) => frame,
            // The content-length is that of another response (RFC 9110 8.6). Wasmtime's HTTP crate
            // misses that much content.
            Some(Some(Err(_))) if !has_content => {
                exchange.end(&none);
                return Ok(());
            }
            Some(Some(Err(error))) => return Err(Failure::Truncated(error.to_string())),
            Some(None) if guest.get() == Guest::Failed => {
                return Err(Failure::Truncated("the guest failed".into()));
            }
            Some(None) => {
                exchange.end(&none);
                return Ok(());
            }
            None => return Err(Failure::Truncated("the guest left its body open".into())),
        };
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => exchange.body(data),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                if guest.get() == Guest::Failed {
                    return Err(Failure::Truncated("the guest failed".into()));
                }
                exchange.end(&trailers);
                return Ok(());
            }
        }
    }
}

type AnswerP2 = Result<http::Response<WasiBody>, ErrorCode>;

async fn respond_p2(
    answer: oneshot::Receiver<AnswerP2>,
    exchange: &Inner,
    guest: &Cell<Guest>,
) -> Ended {
    let mut answer = answer;
    // A warm guest that has returned and kept its outparam would never close the channel.
    let answer = poll_fn(|cx| match Pin::new(&mut answer).poll(cx) {
        Poll::Pending if guest.get() == Guest::Returned => Poll::Ready(None),
        other => other.map(Result::ok),
    });
    match answer.await {
        Some(Ok(response)) => drain(exchange, response, guest).await,
        Some(Err(code)) => Err(answered(shown(&code), code.into())),
        None => Err(Failure::NoResponse),
    }
}

/// Puts the request into the store; the receiver gets what the guest answers.
fn start_p2(
    store: &mut Store<Host>,
    exchange: &Arc<Inner>,
) -> wasmtime::Result<(ArgumentsP2, oneshot::Receiver<AnswerP2>)> {
    let (send, answer) = oneshot::channel();
    store.data_mut().imports.deadline_ns = exchange.deadline_ns;
    store.data_mut().answering = Some(exchange.clone());
    let request = exchange
        .take_request()
        .ok_or_else(|| wasmtime::format_err!("the request was taken already"))?;
    let scheme = match request.uri().scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    store.data_mut().note_head(&request);
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let out = http.new_response_outparam_from_callback(move |answer| {
        // The receiver may be gone: the client gave up.
        _ = send.send(answer);
    })?;
    Ok(((request, out), answer))
}

type ArgumentsP2 = (
    wasmtime::component::Resource<wasmtime_wasi_http::p2::types::HostIncomingRequest>,
    wasmtime::component::Resource<wasmtime_wasi_http::p2::types::HostResponseOutparam>,
);

/// P2 on an instance of its own. The guest's future owns the store and drops it first, which closes
/// every channel the draining side waits on.
async fn fresh_p2(
    resolved: &Resolved,
    context: &Contexts,
    pre: &ProxyPre<Host>,
    exchange: &Arc<Inner>,
) -> Ended {
    let mut store =
        new_store(resolved, context).map_err(|error| instantiation_failure(error, None))?;
    let proxy = match pre.instantiate_async(&mut store).await {
        Ok(proxy) => proxy,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    let ((request, out), answer) =
        start_p2(&mut store, exchange).map_err(|error| failure(error, None))?;
    let guest = Cell::new(Guest::Running);
    let call = async {
        let handler = proxy.wasi_http_incoming_handler();
        let ended = handler.call_handle(&mut store, request, out).await;
        let ended = ended.map_err(|error| failure(error, store.data().share.refused));
        guest.set(if ended.is_ok() {
            Guest::Returned
        } else {
            Guest::Failed
        });
        drop(store);
        ended
    };
    let (called, responded) = join(call, respond_p2(answer, exchange, &guest)).await;
    called.and(responded)
}

/// P2 on a warm instance. An error leaves the instance unusable.
pub async fn reused_p2(store: &mut Store<Host>, proxy: &Proxy, exchange: &Arc<Inner>) -> Ended {
    store.data_mut().share.begin_call();
    let ((request, out), answer) =
        start_p2(store, exchange).map_err(|error| failure(error, None))?;
    let guest = Cell::new(Guest::Running);
    let ended = {
        let handler = proxy.wasi_http_incoming_handler();
        let call = pin!(handler.call_handle(&mut *store, request, out));
        let mut respond = pin!(respond_p2(answer, exchange, &guest));
        match select(call, respond.as_mut()).await {
            Either::Left((Ok(()), respond)) => {
                guest.set(Guest::Returned);
                Ok(respond.await)
            }
            Either::Left((Err(error), _)) => Err(error),
            Either::Right((responded, call)) => call.await.map(|()| responded),
        }
    };
    ended.map_err(|error| failure(error, store.data().share.refused))?
}

/// A P3 call; `task` tells, as soon as it is known, which task of the guest it is.
pub async fn call_p3(
    accessor: &Accessor<Host>,
    service: &Service,
    exchange: &Arc<Inner>,
    task: &Cell<Option<GuestTaskId>>,
) -> Result<Ended, wasmtime::Error> {
    let mut answered = pin!(answer_p3(accessor, service, exchange, task));
    poll_fn(|cx| {
        exchange.tell(cx);
        answered.as_mut().poll(cx)
    })
    .await
}

async fn answer_p3(
    accessor: &Accessor<Host>,
    service: &Service,
    exchange: &Arc<Inner>,
    task: &Cell<Option<GuestTaskId>>,
) -> Result<Ended, wasmtime::Error> {
    let Some(request) = exchange.take_request() else {
        return Ok(Err(Failure::Panic("the request was taken already".into())));
    };
    let handle = service.wasi_http_handler().func_handle();
    let (call, received) = accessor.with(|mut store| {
        let (request, received) = RequestP3::from_http(store.get().http().hooks, request);
        let received: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(received);
        let request = store.get().http().table.push(request)?;
        let call = handle.start_call_concurrent(store, (request,))?;
        Ok::<_, wasmtime::Error>((call, received))
    })?;
    task.set(Some(call.task()));
    let response = match handle.finish_call_concurrent(accessor, call).await? {
        (Ok(response),) => response,
        (Err(code),) => return Ok(Err(answered(shown(&code), code.into()))),
    };
    let response = accessor.with(|mut store| {
        let response = store.get().http().table.delete(response)?;
        response.into_http(&mut store, received)
    })?;
    Ok(drain(exchange, response, &Cell::new(Guest::Running)).await)
}

async fn fresh_p3(
    resolved: &Resolved,
    context: &Contexts,
    pre: &ServicePre<Host>,
    exchange: &Arc<Inner>,
) -> Ended {
    let mut store =
        new_store(resolved, context).map_err(|error| instantiation_failure(error, None))?;
    store.data_mut().imports.deadline_ns = exchange.deadline_ns;
    let service = match pre.instantiate_async(&mut store).await {
        Ok(service) => service,
        Err(error) => return Err(instantiation_failure(error, store.data().share.refused)),
    };
    let ended = store
        .run_concurrent(async |accessor| {
            let ended = call_p3(accessor, &service, exchange, &Cell::new(None)).await;
            if matches!(ended, Ok(Ok(()))) {
                // What the guest still does after its response may end.
                poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            }
            ended
        })
        .await;
    match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) | Err(error) => Err(failure(error, store.data().share.refused)),
    }
}

pub async fn fresh(resolved: Arc<Resolved>, context: Contexts, exchange: Arc<Inner>) {
    use super::component::Entry;
    let ended = match &resolved.entry {
        Entry::HttpP2(pre) => fresh_p2(&resolved, &context, pre, &exchange).await,
        Entry::HttpP3(pre) => fresh_p3(&resolved, &context, pre, &exchange).await,
        Entry::CommandP2(_) | Entry::CommandP3(_) | Entry::Library => {
            Err(Failure::Panic("the component does not serve HTTP".into()))
        }
    };
    exchange.done(&ended);
}

#[cfg(test)]
mod tests {
    use wasmtime::{Error, Trap, format_err};

    use super::*;

    fn is_for_lack_of_resources(error: Error) -> bool {
        matches!(instantiation_failure(error, None), Failure::Resources(_))
    }

    #[test]
    fn what_a_guest_says_of_an_error_is_told_up_to_a_length() {
        assert_eq!(shown(&ErrorCode::LoopDetected), "ErrorCode::LoopDetected");
        let long = ErrorCode::InternalError(Some("\u{1}".repeat(1 << 20)));
        let told = shown(&long);
        assert!(told.starts_with("ErrorCode::InternalError(Some(\"\\u{1}\\u{1}"));
        assert!(told.len() <= MAX_SHOWN_BYTES && told.len() > MAX_SHOWN_BYTES - 8);
    }

    #[test]
    fn what_the_system_has_not_got_is_no_fault_of_the_guest() {
        for code in [Errno::NOMEM, Errno::MFILE] {
            let io = io::Error::from_raw_os_error(code.raw_os_error());
            for error in [Error::from(io), Error::from(code)] {
                assert!(is_for_lack_of_resources(error.context("cannot map")));
            }
        }
        for error in [
            Error::from(Trap::UnreachableCodeReached),
            Error::from(Trap::StackOverflow).context("in its start function"),
            Error::from(io::Error::from_raw_os_error(Errno::NOENT.raw_os_error())),
            format_err!("Cannot allocate memory"),
        ] {
            assert!(!is_for_lack_of_resources(error));
        }
    }
}
