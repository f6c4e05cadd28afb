//! Streams of WASI 0.2 of TCP connections.

use std::future::poll_fn;
use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use wasmtime::format_err;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{
    DynInputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};
use wasmtime_wasi::sockets::ErrorCode;

use super::Permit;
use super::connection::{Receiver, Sender};
use super::unread::CAPACITY;

/// What a guest reads of the world: it may outlive the socket in the hands of another component,
/// and keeps the descriptor open, so it has the permit, too.
pub struct Counted {
    pub stream: DynInputStream,
    pub _permit: Arc<Permit>,
}

#[async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

#[async_trait]
impl InputStream for Counted {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.stream.read(size)
    }
}

fn failed(code: ErrorCode) -> StreamError {
    match code {
        ErrorCode::ConnectionBroken => StreamError::Closed,
        // `network-error-code` knows this kind of error.
        ErrorCode::ConnectionReset => {
            StreamError::LastOperationFailed(IoError::from(ErrorKind::ConnectionReset).into())
        }
        other => StreamError::LastOperationFailed(other.into()),
    }
}

/// What comes within the private network. None: it has ended, or an error was told.
pub struct Input(pub Option<Arc<Receiver>>);

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        if let Input(Some(receiver)) = self {
            poll_fn(|cx| receiver.poll_ready(cx)).await;
        }
    }
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let receiver = self.0.as_ref().ok_or(StreamError::Closed)?;
        if size == 0 {
            return Ok(Bytes::new());
        }
        let mut bytes = vec![0; size.min(CAPACITY)];
        let count = match receiver.read(&mut bytes) {
            Poll::Pending => 0,
            Poll::Ready(Ok(0)) => {
                self.0 = None;
                return Err(StreamError::Closed);
            }
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) => {
                self.0 = None;
                return Err(failed(error));
            }
        };
        bytes.truncate(count);
        Ok(bytes.into())
    }
}

/// What goes within the private network.
pub struct Output(pub Arc<Sender>);

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_ready(cx)).await;
    }
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self.0.write(&bytes) {
            Poll::Ready(Ok(count)) if count == bytes.len() => Ok(()),
            Poll::Ready(Err(error)) => Err(failed(error)),
            Poll::Pending if bytes.is_empty() => Ok(()),
            _ => Err(StreamError::Trap(format_err!(
                "not permitted to write {} bytes",
                bytes.len()
            ))),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        // What is written is there for the other end.
        self.check_write().map(|_| ())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match self.0.space() {
            Poll::Pending => Ok(0),
            Poll::Ready(Ok(room)) => Ok(room),
            Poll::Ready(Err(error)) => Err(failed(error)),
        }
    }
}
