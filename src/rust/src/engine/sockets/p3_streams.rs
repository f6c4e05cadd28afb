//! Streams of WASI 0.3 of TCP connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::channel::oneshot;
use wasmtime::component::{
    Destination, FutureConsumer, FutureReader, Source, StreamConsumer, StreamProducer,
    StreamResult, VecBuffer,
};
use wasmtime::{AsContextMut, Result, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;

use super::Permit;
use super::connection::{Receiver, Sender};
use super::unread::CAPACITY;
use crate::engine::host::Host;
use crate::engine::inlet::not_yet;

pub type Ended = std::result::Result<(), ErrorCode>;

/// Holds a permit until the end of a stream is told, which comes when the stream is closed.
struct Held {
    ended: Option<oneshot::Sender<Ended>>,
    _permit: Arc<Permit>,
}

impl FutureConsumer<Host> for Held {
    type Item = Ended;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<Host>,
        mut source: Source<'_, Ended>,
        _finish: bool,
    ) -> Poll<Result<()>> {
        let mut ended: Option<Ended> = None;
        source.read(store, &mut ended)?;
        if let (Some(ended), Some(told)) = (ended, self.ended.take()) {
            // The guest may not want to know.
            _ = told.send(ended);
        }
        Poll::Ready(Ok(()))
    }
}

/// The streams of a connection of the world keep it open when its socket is gone: they have its
/// permit, too.
pub fn held(
    mut store: StoreContextMut<'_, Host>,
    permit: Arc<Permit>,
    ended: FutureReader<Ended>,
) -> Result<FutureReader<Ended>> {
    let (tell, told) = oneshot::channel();
    let held = Held {
        ended: Some(tell),
        _permit: permit,
    };
    ended.pipe(store.as_context_mut(), held)?;
    when_told(store, told)
}

pub fn when_told(
    store: StoreContextMut<'_, Host>,
    told: oneshot::Receiver<Ended>,
) -> Result<FutureReader<Ended>> {
    // Nothing is told if the store is going away.
    let told = async move { Result::<Ended>::Ok(told.await.unwrap_or(Ok(()))) };
    FutureReader::new(store, told)
}

/// A half of a connection of the private network, and who is told when it is done.
pub struct Half<T>(Option<(Arc<T>, oneshot::Sender<Ended>)>);

impl<T> Half<T> {
    pub fn new(half: Arc<T>) -> (Half<T>, oneshot::Receiver<Ended>) {
        let (tell, told) = oneshot::channel();
        (Half(Some((half, tell))), told)
    }

    fn close(&mut self, ended: Ended) {
        if let Some((half, tell)) = self.0.take() {
            drop(half);
            // As above.
            _ = tell.send(ended);
        }
    }
}

impl<T> Drop for Half<T> {
    fn drop(&mut self) {
        self.close(Ok(()));
    }
}

impl StreamProducer<Host> for Half<Receiver> {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Host>,
        destination: Destination<'a, u8, Self::Buffer>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        let Some((receiver, _)) = &self.0 else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        if receiver.poll_ready(cx).is_pending() {
            return not_yet(finish);
        }
        if destination.remaining(store.as_context_mut()) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut destination = destination.as_direct(store, CAPACITY);
        let ended = match receiver.read(destination.remaining()) {
            Poll::Pending => return not_yet(finish),
            Poll::Ready(Ok(0)) => Ok(()),
            Poll::Ready(Ok(count)) => {
                destination.mark_written(count);
                return Poll::Ready(Ok(StreamResult::Completed));
            }
            Poll::Ready(Err(error)) => Err(error.into()),
        };
        self.close(ended);
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl StreamConsumer<Host> for Half<Sender> {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<Host>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        let Some((sender, _)) = &self.0 else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        if sender.poll_ready(cx).is_pending() {
            return not_yet(finish);
        }
        let mut source = source.as_direct(store);
        if source.remaining().is_empty() {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match sender.write(source.remaining()) {
            Poll::Pending => not_yet(finish),
            Poll::Ready(Ok(count)) => {
                source.mark_read(count);
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Ready(Err(error)) => {
                self.close(Err(error.into()));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
        }
    }
}
