//! The two ends of a connection within the private network. They may belong to instances on
//! different threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use wasmtime_wasi::sockets::ErrorCode;

use super::network::Binding;
use super::pipe::{Guard, Pipe};
use crate::engine::budget::Total;

/// Both directions, seen from one end.
#[derive(Clone)]
pub struct Pipes {
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
}

impl Pipes {
    /// Those of both ends.
    pub fn pair(memory: &Arc<Total>) -> (Pipes, Pipes) {
        let pipe = || Arc::new(Pipe::new(memory.clone()));
        let (one, other) = (pipe(), pipe());
        let near = Pipes {
            incoming: one.clone(),
            outgoing: other.clone(),
        };
        let far = Pipes {
            incoming: other,
            outgoing: one,
        };
        (near, far)
    }

    /// One end is gone without having been anybody's.
    pub fn abort(&self, guard: Guard) {
        self.incoming.abandon(true);
        self.outgoing.leave(guard, true);
    }
}

/// What one end keeps until nothing of it is left.
struct End {
    pipes: Pipes,
    guard: Guard,
    /// Of the one that connected.
    _binding: Option<Binding>,
}

impl End {
    /// With both halves shut down it answers what comes with a reset, as Linux does: who sends to
    /// it may not go on for ever.
    fn check_halves(&self) {
        let Pipes { incoming, outgoing } = &self.pipes;
        if incoming.is_closed() && outgoing.has_ended() {
            incoming.abandon(false);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let reset = self.pipes.incoming.abandon(false);
        self.pipes.outgoing.leave(self.guard.clone(), reset);
    }
}

/// Reads no more when it is dropped.
pub struct Receiver(Arc<End>);

impl Receiver {
    pub fn read(&self, into: &mut [u8]) -> Poll<Result<usize, ErrorCode>> {
        self.0.pipes.incoming.read(into)
    }

    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.pipes.incoming.poll_readable(cx)
    }

    pub fn close(&self) {
        self.0.pipes.incoming.close();
        self.0.check_halves();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.close();
    }
}

/// Has sent all when it is dropped.
pub struct Sender(Arc<End>);

impl Sender {
    pub fn space(&self) -> Poll<Result<usize, ErrorCode>> {
        self.0.pipes.outgoing.space()
    }

    pub fn write(&self, bytes: &[u8]) -> Poll<Result<usize, ErrorCode>> {
        self.0.pipes.outgoing.write(bytes)
    }

    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.pipes.outgoing.poll_writable(cx)
    }

    /// Ready when nothing can be sent any more; waits in place of `poll_ready`.
    pub fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.pipes.outgoing.poll_gone(cx)
    }

    pub fn end(&self) {
        self.0.pipes.outgoing.end();
        self.0.check_halves();
    }

    /// Who reads is told that this was no proper end.
    pub fn reset(&self) {
        self.0.pipes.outgoing.leave(self.0.guard.clone(), true);
        self.0.check_halves();
    }
}

/// The last half leaves it to the end, which may have to reset: who reads must not see it end well
/// before that.
impl Drop for Sender {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) > 1 {
            self.end();
        }
    }
}

/// One end, of which both halves may be taken.
pub struct Connection {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub receiver: Option<Arc<Receiver>>,
    pub sender: Option<Arc<Sender>>,
}

impl Connection {
    /// `guard` is kept until nothing of this end is left, nor of what it sent.
    pub fn new(
        pipes: Pipes,
        (local, remote): (SocketAddr, SocketAddr),
        guard: Guard,
        binding: Option<Binding>,
    ) -> Connection {
        let end = Arc::new(End {
            pipes,
            guard,
            _binding: binding,
        });
        Connection {
            local,
            remote,
            receiver: Some(Arc::new(Receiver(end.clone()))),
            sender: Some(Arc::new(Sender(end))),
        }
    }
}
