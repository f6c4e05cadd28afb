//! What a guest prints, cut into lines for the host's log.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::context::Shared;
use super::lock::lock;

/// Longer lines are cut, so that a guest without line ends holds no more than this.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// What a guest may write in one call.
const WRITE_PERMIT_BYTES: usize = 64 * 1024;

struct Lines {
    host: Arc<Shared>,
    stream: i32,
    partial: Vec<u8>,
}

impl Lines {
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = MAX_LINE_BYTES - self.partial.len();
            let window = &bytes[..bytes.len().min(room + 1)];
            let (taken, complete) = match window.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end, true),
                None => (window.len().min(room), false),
            };
            self.partial.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken + usize::from(complete)..];
            if complete || self.partial.len() == MAX_LINE_BYTES {
                self.emit();
            }
        }
    }

    fn emit(&mut self) {
        self.host.print(self.stream, &self.partial);
        self.partial.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.partial.is_empty() {
            self.emit();
        }
    }
}

/// Standard output or error of one instance; all its handles share one line buffer.
#[derive(Clone)]
pub struct GuestOutput(Arc<Mutex<Lines>>);

impl GuestOutput {
    pub fn new(host: Arc<Shared>, stream: i32) -> GuestOutput {
        GuestOutput(Arc::new(Mutex::new(Lines {
            host,
            stream,
            partial: Vec::new(),
        })))
    }

    fn write(&self, bytes: &[u8]) {
        lock(&self.0).write(bytes);
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        GuestOutput::write(self, &bytes);
        Ok(())
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_PERMIT_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Guests of WASI 0.3 may have hundreds of MiB ready, which would be one call.
        let taken = &bytes[..bytes.len().min(WRITE_PERMIT_BYTES)];
        GuestOutput::write(&self, taken);
        Poll::Ready(Ok(taken.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
