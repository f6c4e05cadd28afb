//! Input streams of WASI 0.2 that a guest has given to C++. Nothing of them waits here: C++ reads,
//! and what it reads is read from the host's own stream, on the thread that polls the instance.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use wasmtime_wasi::p2::{DynInputStream, StreamError, StreamResult};

use super::config::enter_runtime;
use super::lock::lock;
use super::outlet::{Life, Read};
use super::raw::leb;

/// Of one piece.
const PIECE_BYTES: usize = 64 << 10;

/// Owns the stream, for what waits within it may be lost with a future of its own.
type Reading = Pin<Box<dyn Future<Output = (DynInputStream, StreamResult<Bytes>)> + Send>>;

async fn next_piece(mut stream: DynInputStream) -> (DynInputStream, StreamResult<Bytes>) {
    loop {
        match stream.read(PIECE_BYTES) {
            Ok(bytes) if bytes.is_empty() => stream.ready().await,
            piece => return (stream, piece),
        }
        // A stream may say that it is ready when it is not: others have their turn.
        tokio::task::yield_now().await;
    }
}

enum Rest {
    Stream(Reading),
    Ended,
    Broken,
}

/// How deep streams may lie within each other, as those do that components hand back and forth:
/// each is read on the stack of the one around it.
const MOST_NESTED: u32 = 32;

thread_local! {
    static NESTED: Cell<u32> = const { Cell::new(0) };
    static DROPPED: RefCell<Option<Vec<Rest>>> = const { RefCell::new(None) };
}

/// None: it lies too deep.
fn poll_nested(
    reading: &mut Reading,
    cx: &mut Context<'_>,
) -> Option<Poll<(DynInputStream, StreamResult<Bytes>)>> {
    struct Level;
    impl Drop for Level {
        fn drop(&mut self) {
            NESTED.set(NESTED.get() - 1);
        }
    }
    if NESTED.get() >= MOST_NESTED {
        return None;
    }
    NESTED.set(NESTED.get() + 1);
    let _level = Level;
    Some(reading.as_mut().poll(cx))
}

/// Drops it, and then one after the other what lay within: nested drops would need as much stack
/// as there are levels.
fn drop_flat(rest: Rest) {
    let first = DROPPED.with_borrow_mut(|waiting| match waiting {
        Some(waiting) => {
            waiting.push(rest);
            false
        }
        None => {
            *waiting = Some(vec![rest]);
            true
        }
    });
    if !first {
        return;
    }
    let next = || DROPPED.with_borrow_mut(|waiting| waiting.as_mut().and_then(Vec::pop));
    while let Some(rest) = next() {
        drop(rest);
    }
    DROPPED.set(None);
}

struct State {
    rest: Rest,
    /// Its reader's, which may be called on any thread.
    watch: Option<Waker>,
}

/// One such stream, until its reader drops it or its store goes.
pub struct Given {
    state: Mutex<State>,
    life: Life,
}

impl Given {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn put(&self, rest: Rest) -> Rest {
        std::mem::replace(&mut self.state().rest, rest)
    }

    /// The store goes, and with it what it gave away.
    pub fn break_off(&self) {
        if matches!(self.state().rest, Rest::Ended) {
            return;
        }
        drop_flat(self.put(Rest::Broken));
        let watch = self.state().watch.clone();
        if let Some(watch) = watch {
            watch.wake();
        }
    }
}

/// The reading end.
pub struct Pulled(Arc<Given>);

impl Pulled {
    pub fn new(stream: DynInputStream, life: Life) -> Pulled {
        let given = Arc::new(Given {
            state: Mutex::new(State {
                rest: Rest::Stream(Box::pin(next_piece(stream))),
                watch: None,
            }),
            life,
        });
        given.life.enter(&given);
        Pulled(given)
    }

    pub fn watch(&self, waker: Waker) {
        self.0.state().watch = Some(waker);
    }

    pub fn read(&self) -> Read {
        let mut reading = match self.0.put(Rest::Broken) {
            Rest::Stream(reading) => reading,
            Rest::Ended => {
                self.0.put(Rest::Ended);
                return Read::End;
            }
            Rest::Broken => return Read::Broken,
        };
        enter_runtime();
        let watch = self.0.state().watch.clone();
        let mut cx = Context::from_waker(watch.as_ref().unwrap_or(Waker::noop()));
        let Some(polled) = poll_nested(&mut reading, &mut cx) else {
            drop_flat(Rest::Stream(reading));
            return Read::Broken;
        };
        match polled {
            Poll::Pending => {
                self.go_on(reading);
                Read::Pending
            }
            Poll::Ready((stream, Ok(bytes))) => {
                self.go_on(Box::pin(next_piece(stream)));
                let mut list = Vec::with_capacity(bytes.len() + 5);
                leb::unsigned(&mut list, bytes.len() as u64);
                list.extend_from_slice(&bytes);
                Read::Data(list)
            }
            Poll::Ready((_, Err(StreamError::Closed))) => {
                self.0.put(Rest::Ended);
                Read::Data(vec![0])
            }
            Poll::Ready((_, Err(_))) => Read::Broken,
        }
    }

    /// Unless the store went meanwhile.
    fn go_on(&self, reading: Reading) {
        if self.0.life.lasts() {
            self.0.put(Rest::Stream(reading));
        }
    }
}

impl Drop for Pulled {
    fn drop(&mut self) {
        enter_runtime();
        self.0.life.leave(&self.0);
        self.0.state().watch = None;
        drop_flat(self.0.put(Rest::Broken));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use wasmtime::format_err;
    use wasmtime_wasi::async_trait;
    use wasmtime_wasi::p2::{InputStream, Pollable};

    use super::*;

    #[derive(Default)]
    struct Script {
        pieces: VecDeque<StreamResult<Bytes>>,
        waker: Option<Waker>,
        /// Of one read.
        most: usize,
        reads: usize,
        dropped: bool,
    }

    type Shared = Arc<Mutex<Script>>;

    /// Gives what the test has put there, and then waits.
    struct Scripted(Shared);

    impl Drop for Scripted {
        fn drop(&mut self) {
            self.0.lock().unwrap().dropped = true;
        }
    }

    #[async_trait]
    impl Pollable for Scripted {
        async fn ready(&mut self) {
            poll_fn(|cx| {
                let mut script = self.0.lock().unwrap();
                script.waker = Some(cx.waker().clone());
                match script.pieces.is_empty() {
                    true => Poll::Pending,
                    false => Poll::Ready(()),
                }
            })
            .await;
        }
    }

    #[async_trait]
    impl InputStream for Scripted {
        fn read(&mut self, size: usize) -> StreamResult<Bytes> {
            let mut script = self.0.lock().unwrap();
            script.reads += 1;
            script.most = size;
            script.pieces.pop_front().unwrap_or(Ok(Bytes::new()))
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn pulled(life: &Life) -> (Pulled, Shared, Arc<Woken>) {
        let (script, woken) = (Shared::default(), Arc::new(Woken::default()));
        let pulled = Pulled::new(Box::new(Scripted(script.clone())), life.clone());
        pulled.watch(woken.clone().into());
        (pulled, script, woken)
    }

    fn text(read: Read) -> String {
        match read {
            Read::Data(bytes) => String::from_utf8(bytes).unwrap(),
            Read::Pending => "(pending)".into(),
            Read::End => "(end)".into(),
            Read::Broken => "(broken)".into(),
        }
    }

    fn add(script: &Shared, piece: StreamResult<Bytes>) {
        let mut script = script.lock().unwrap();
        script.pieces.push_back(piece);
        if let Some(waker) = script.waker.take() {
            drop(script);
            waker.wake();
        }
    }

    #[test]
    fn nothing_is_read_before_it_is_asked_for() {
        let (pulled, script, woken) = pulled(&Life::default());
        add(&script, Ok(Bytes::from_static(b"abc")));
        add(&script, Ok(Bytes::from_static(b"d")));
        assert_eq!(script.lock().unwrap().reads, 0);
        assert_eq!(text(pulled.read()), "\x03abc");
        assert_eq!(script.lock().unwrap().reads, 1);
        assert_eq!(script.lock().unwrap().most, PIECE_BYTES);
        assert_eq!(text(pulled.read()), "\x01d");
        assert_eq!(text(pulled.read()), "(pending)");
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);

        // From a thread of Tokio, say.
        let other = script.clone();
        std::thread::spawn(move || add(&other, Err(StreamError::Closed)))
            .join()
            .unwrap();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        while let Read::Pending = pulled.read() {
            assert!(woken.0.swap(0, Ordering::Relaxed) > 0, "somebody wakes it");
        }
        assert!(script.lock().unwrap().dropped);
        assert_eq!(text(pulled.read()), "(end)");
    }

    #[test]
    fn the_end_is_an_empty_list() {
        let (pulled, script, _) = pulled(&Life::default());
        add(&script, Err(StreamError::Closed));
        assert_eq!(text(pulled.read()), "\0");
        assert_eq!(text(pulled.read()), "(end)");
        assert_eq!(text(pulled.read()), "(end)");
    }

    #[test]
    fn an_error_breaks_it_off() {
        let (pulled, script, _) = pulled(&Life::default());
        add(&script, Ok(Bytes::from_static(b"abc")));
        let error = StreamError::LastOperationFailed(format_err!("no more"));
        add(&script, Err(error));
        assert_eq!(text(pulled.read()), "\x03abc");
        assert_eq!(text(pulled.read()), "(broken)");
        assert_eq!(text(pulled.read()), "(broken)");
    }

    #[test]
    fn the_end_of_the_store_breaks_it_off_and_frees_it() {
        let life = Life::default();
        let (waiting, script, woken) = pulled(&life);
        let (ended, its_script, told) = pulled(&life);
        add(&its_script, Err(StreamError::Closed));
        assert_eq!(text(ended.read()), "\0");
        assert_eq!(text(waiting.read()), "(pending)");
        life.end();
        assert!(script.lock().unwrap().dropped);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(text(waiting.read()), "(broken)");
        assert_eq!(told.0.load(Ordering::Relaxed), 0, "it was whole");
        assert_eq!(text(ended.read()), "(end)");
    }

    /// One that another component has handed on.
    struct Within(Pulled);

    #[async_trait]
    impl Pollable for Within {
        async fn ready(&mut self) {}
    }

    #[async_trait]
    impl InputStream for Within {
        fn read(&mut self, _: usize) -> StreamResult<Bytes> {
            match self.0.read() {
                Read::Data(bytes) => Ok(bytes.into()),
                Read::Pending => Ok(Bytes::new()),
                Read::End => Err(StreamError::Closed),
                Read::Broken => Err(StreamError::LastOperationFailed(format_err!("broken"))),
            }
        }
    }

    fn nested(stream: Pulled, levels: usize, life: &Life) -> Pulled {
        (0..levels).fold(stream, |inner, _| {
            Pulled::new(Box::new(Within(inner)), life.clone())
        })
    }

    #[test]
    fn streams_lie_within_each_other() {
        let life = Life::default();
        let (inner, script, _) = pulled(&life);
        add(&script, Ok(Bytes::from_static(b"abc")));
        let outer = nested(inner, 2, &life);
        assert_eq!(text(outer.read()), "\x05\x04\x03abc");
    }

    #[test]
    fn how_deep_they_lie_costs_no_stack() {
        let life = Life::default();
        let (inner, script, _) = pulled(&life);
        add(&script, Ok(Bytes::from_static(b"abc")));
        let outer = nested(inner, 100_000, &life);
        assert_eq!(text(outer.read()), "(broken)");
        assert!(script.lock().unwrap().dropped);
        drop(outer);
        assert_eq!(life.given(), 0);

        let (inner, script, _) = pulled(&life);
        drop(nested(inner, 100_000, &life));
        assert!(script.lock().unwrap().dropped);
        let (inner, script, _) = pulled(&life);
        let outer = nested(inner, 100_000, &life);
        life.end();
        assert!(script.lock().unwrap().dropped);
        assert_eq!(text(outer.read()), "(broken)");
    }

    #[test]
    fn one_that_nobody_reads_is_freed() {
        let life = Life::default();
        let (unread, script, _) = pulled(&life);
        drop(unread);
        assert!(script.lock().unwrap().dropped);
        assert_eq!(life.given(), 0);
    }
}
