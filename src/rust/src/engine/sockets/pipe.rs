//! One direction of a connection within the private network: bytes between two threads, so many at
//! most. Nothing waits here; who cannot go on is woken when that has changed.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use wasmtime_wasi::sockets::ErrorCode;

use super::unread::{CAPACITY, Unread};
use crate::engine::budget::Total;
use crate::engine::lock::lock;

/// What is given back when it is dropped: the right to have a socket.
pub type Guard = Arc<dyn Any + Send + Sync>;

struct State {
    unread: Unread,
    /// The writer sends no more.
    ended: bool,
    /// The reader reads no more: what it has not read by then, and what comes, is lost.
    closed: bool,
    lost: bool,
    /// Nothing of the reader is left.
    gone: bool,
    /// It was no proper end.
    reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Of a writer that is gone, as long as its bytes are here.
    guard: Option<Guard>,
}

impl State {
    fn readable(&self) -> bool {
        !self.unread.is_empty() || self.ended || self.closed
    }

    /// As many bytes as there is `room` for may be written: never none.
    fn space(&mut self, room: impl FnOnce(&mut Unread) -> usize) -> Poll<Result<usize, ErrorCode>> {
        if self.gone || self.ended {
            return Poll::Ready(Err(match self.reset {
                true => ErrorCode::ConnectionReset,
                false => ErrorCode::ConnectionBroken,
            }));
        }
        if self.closed {
            return Poll::Ready(Ok(CAPACITY));
        }
        match room(&mut self.unread) {
            0 => Poll::Pending,
            space => Poll::Ready(Ok(space)),
        }
    }
}

/// What is to be done when the lock is gone.
#[derive(Default)]
struct After {
    reader: Option<Waker>,
    writer: Option<Waker>,
    _guard: Option<Guard>,
}

impl After {
    fn run(self) {
        [self.reader, self.writer]
            .into_iter()
            .flatten()
            .for_each(Waker::wake);
    }
}

pub struct Pipe(Mutex<State>);

impl Pipe {
    /// Much that lies in it is taken from `memory`.
    pub fn new(memory: Arc<Total>) -> Pipe {
        Pipe(Mutex::new(State {
            unread: Unread::new(memory),
            ended: false,
            closed: false,
            lost: false,
            gone: false,
            reset: false,
            reader: None,
            writer: None,
            guard: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// So many bytes; 0: the end, unless there is no room for any.
    pub fn read(&self, into: &mut [u8]) -> Poll<Result<usize, ErrorCode>> {
        let mut state = self.state();
        if state.closed || into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if state.unread.is_empty() {
            return match (state.reset, state.ended) {
                (true, _) => Poll::Ready(Err(ErrorCode::ConnectionReset)),
                (_, true) => Poll::Ready(Ok(0)),
                _ => Poll::Pending,
            };
        }
        let count = state.unread.take(into);
        let mut after = After {
            writer: state.writer.take(),
            ..Default::default()
        };
        if state.unread.is_empty() {
            after._guard = state.guard.take();
        }
        drop(state);
        after.run();
        Poll::Ready(Ok(count))
    }

    /// How many bytes may be written at once: never none. The next write takes so many.
    pub fn space(&self) -> Poll<Result<usize, ErrorCode>> {
        self.state().space(Unread::promise)
    }

    /// So many of them were taken. One writer at a time.
    pub fn write(&self, bytes: &[u8]) -> Poll<Result<usize, ErrorCode>> {
        let mut state = self.state();
        let space = match state.space(|unread| unread.room(bytes.len())) {
            Poll::Ready(Ok(space)) => space,
            other => return other,
        };
        let count = bytes.len().min(space);
        match state.closed {
            true => state.lost |= count > 0,
            false => state.unread.put(&bytes[..count]),
        }
        let reader = state.reader.take();
        drop(state);
        After {
            reader,
            ..Default::default()
        }
        .run();
        Poll::Ready(Ok(count))
    }

    /// Ready when `read` would not be pending; at most one waits for it.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.readable() {
            return Poll::Ready(());
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The same for `space`.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.space(|unread| unread.room(1)).is_ready() {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ready when nothing of the reader is left; waits in place of `poll_writable`.
    pub fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.gone {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn change(&self, change: impl FnOnce(&mut State) -> Option<Guard>) {
        let mut state = self.state();
        let guard = change(&mut state);
        let after = After {
            reader: state.reader.take(),
            writer: state.writer.take(),
            _guard: guard,
        };
        drop(state);
        after.run();
    }

    /// The writer has written all.
    pub fn end(&self) {
        self.change(|state| {
            state.ended = true;
            None
        });
    }

    /// The writer is gone. What it wrote keeps `guard` until it is read.
    pub fn leave(&self, guard: Guard, reset: bool) {
        self.change(|state| {
            state.ended = true;
            state.reset |= reset;
            match state.unread.is_empty() {
                true => Some(guard),
                false => state.guard.replace(guard),
            }
        });
    }

    /// The reader reads no more. Who writes is not told.
    pub fn close(&self) {
        self.change(|state| {
            state.closed = true;
            state.lost |= state.unread.clear();
            state.guard.take()
        });
    }

    /// Nothing of the reader is left: nothing can be written any more. If it is `reset`, or was not
    /// all read, it was no proper end, and that is returned.
    pub fn abandon(&self, reset: bool) -> bool {
        self.close();
        let mut was_reset = false;
        self.change(|state| {
            state.gone = true;
            was_reset = reset || state.lost;
            state.reset |= was_reset;
            None
        });
        was_reset
    }

    /// Whether the writer sends no more.
    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Whether the reader reads no more.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Woken {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn new_pipe() -> Pipe {
        Pipe::new(Arc::new(Total::new(1 << 20)))
    }

    fn told<T>(result: Poll<Result<T, ErrorCode>>) -> String
    where
        T: std::fmt::Debug,
    {
        format!("{result:?}")
    }

    #[test]
    fn bytes_come_in_their_order_and_end() {
        let pipe = new_pipe();
        let mut buffer = [0; 4];
        assert!(pipe.read(&mut buffer).is_pending());
        assert_eq!(told(pipe.write(b"hello")), "Ready(Ok(5))");
        pipe.end();
        assert_eq!(told(pipe.read(&mut buffer)), "Ready(Ok(4))");
        assert_eq!(&buffer, b"hell");
        assert_eq!(told(pipe.read(&mut buffer)), "Ready(Ok(1))");
        assert_eq!(told(pipe.read(&mut buffer)), "Ready(Ok(0))");
        assert_eq!(told(pipe.write(b"x")), "Ready(Err(ConnectionBroken))");
    }

    #[test]
    fn a_writer_waits_for_a_slow_reader() {
        let pipe = new_pipe();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let much = vec![7; CAPACITY + 1];
        assert_eq!(
            told(pipe.write(&much)),
            format!("Ready(Ok({CAPACITY}))"),
            "no more than fits"
        );
        assert!(pipe.write(b"x").is_pending());
        assert!(pipe.poll_writable(&mut cx).is_pending());
        assert_eq!(told(pipe.read(&mut [0; 3])), "Ready(Ok(3))");
        assert_eq!(woken.count(), 1);
        assert!(pipe.poll_writable(&mut cx).is_ready());
        assert_eq!(told(pipe.write(&much)), "Ready(Ok(3))");
    }

    #[test]
    fn a_reader_is_woken_from_any_thread() {
        let pipe = Arc::new(new_pipe());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(pipe.poll_readable(&mut cx).is_pending());
        let other = pipe.clone();
        std::thread::spawn(move || assert!(other.write(b"x").is_ready()))
            .join()
            .unwrap();
        assert_eq!(woken.count(), 1);
        assert!(pipe.poll_readable(&mut cx).is_ready());
    }

    #[test]
    fn what_nobody_reads_breaks_the_connection() {
        let pipe = new_pipe();
        assert!(pipe.write(b"x").is_ready());
        pipe.close();
        assert!(pipe.abandon(false));
        assert_eq!(told(pipe.write(b"x")), "Ready(Err(ConnectionReset))");
        assert_eq!(told(pipe.space()), "Ready(Err(ConnectionReset))");
    }

    #[test]
    fn what_comes_when_nobody_reads_is_lost_and_its_writer_not_told() {
        let (pipe, other) = (new_pipe(), new_pipe());
        pipe.close();
        other.close();
        let much = [7; CAPACITY];
        for _ in 0..3 {
            assert_eq!(told(pipe.write(&much)), format!("Ready(Ok({CAPACITY}))"));
        }
        assert!(pipe.state().unread.is_empty());
        assert!(pipe.abandon(false));
        assert_eq!(told(pipe.write(b"x")), "Ready(Err(ConnectionReset))");
        assert!(!other.abandon(false), "nothing came");
        assert_eq!(told(other.write(b"x")), "Ready(Err(ConnectionBroken))");
    }

    #[test]
    fn a_reset_comes_after_what_was_sent() {
        let pipe = new_pipe();
        assert!(pipe.write(b"x").is_ready());
        pipe.leave(Arc::new(()), true);
        assert_eq!(told(pipe.read(&mut [0; 3])), "Ready(Ok(1))");
        assert_eq!(told(pipe.read(&mut [0; 3])), "Ready(Err(ConnectionReset))");
    }

    #[test]
    fn who_leaves_bytes_behind_counts_until_they_are_read() {
        let (pipe, guard) = (new_pipe(), Arc::new(()));
        assert!(pipe.write(b"ab").is_ready());
        pipe.leave(guard.clone(), false);
        assert_eq!(told(pipe.read(&mut [0; 1])), "Ready(Ok(1))");
        assert_eq!(Arc::strong_count(&guard), 2);
        assert_eq!(told(pipe.read(&mut [0; 1])), "Ready(Ok(1))");
        assert_eq!(Arc::strong_count(&guard), 1);

        let pipe = new_pipe();
        assert!(pipe.write(b"ab").is_ready());
        pipe.leave(guard.clone(), false);
        pipe.close();
        assert_eq!(Arc::strong_count(&guard), 1);

        new_pipe().leave(guard.clone(), false);
        assert_eq!(Arc::strong_count(&guard), 1);
    }
}
