use std::thread;

use super::*;

#[derive(Default)]
struct Told {
    bytes: usize,
    unread: bool,
}

extern "C" fn on_consumed(context: *mut c_void, size: usize) {
    // SAFETY: the test's own, on its thread.
    unsafe { &mut *context.cast::<Told>() }.bytes += size;
}
extern "C" fn on_unread(context: *mut c_void) {
    // SAFETY: as above.
    unsafe { &mut *context.cast::<Told>() }.unread = true;
}
extern "C" fn no_head(_: *mut c_void, _: u16, _: *const Field, _: usize) {}
extern "C" fn no_body(_: *mut c_void, _: *const u8, _: usize, _: *const Bytes) {}
extern "C" fn no_end(_: *mut c_void, _: *const Field, _: usize) {}
extern "C" fn no_done(_: *mut c_void, _: *const Outcome) {}

/// Too large to be joined.
const FIRST: usize = 4096;
const SECOND: usize = 3000;

/// One whose content is there already.
fn exchange(told: *mut Told) -> Box<Exchange> {
    let request = Request {
        method: Str::of(b"POST"),
        scheme: Str::of(b"http"),
        authority: Str::of(b"test"),
        path: Str::of(b"/"),
        headers: std::ptr::null(),
        header_count: 0,
        has_body: 1,
        credit_bytes: 0,
        deadline_ns: 0,
    };
    let sink = Sink {
        context: told.cast(),
        head: no_head,
        body: no_body,
        end: no_end,
        consumed: on_consumed,
        unread: on_unread,
        done: no_done,
    };
    // SAFETY: both are alive; the result is owned by nobody else.
    let exchange = unsafe { Box::from_raw(nimbus_exchange_new(&request, &sink)) };
    exchange.0.feed(|state| {
        state.chunks.push_back(Bytes::from(vec![b'a'; FIRST]));
        state.chunks.push_back(Bytes::from(vec![b'b'; SECOND]));
    });
    exchange
}

fn pull(inner: &Inner) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(inner.poll_pull(&mut cx).is_ready());
}

#[test]
fn what_the_guest_takes_is_told_at_once() {
    let mut told = Told::default();
    let exchange = exchange(&mut told);
    pull(&exchange.0);
    assert_eq!((told.bytes, told.unread), (FIRST, false));
    exchange.0.unread();
    assert_eq!((told.bytes, told.unread), (FIRST, true));
}

#[test]
fn tiny_pieces_are_taken_as_one_and_told_as_all_their_bytes() {
    let mut told = Told::default();
    let mut exchange = exchange(&mut told);
    for _ in 0..65_536 {
        // SAFETY: alive; the byte is copied during the call.
        unsafe { nimbus_exchange_push(&mut *exchange, OwnedBytes::borrowed(b"x")) };
    }
    pull(&exchange.0);
    pull(&exchange.0);
    assert_eq!(told.bytes, FIRST + SECOND);
    pull(&exchange.0);
    assert_eq!(told.bytes, FIRST + SECOND + 65_536);
    assert!(exchange.0.state().chunks.is_empty());
}

#[test]
fn what_is_taken_on_another_thread_is_told_by_whoever_drives() {
    let mut told = Told::default();
    let exchange = exchange(&mut told);
    let (waker, woken) = counting_waker();
    exchange.0.tell(&Context::from_waker(&waker));
    assert_eq!(woken.load(Ordering::Relaxed), 0);

    let inner = exchange.0.clone();
    thread::spawn(move || pull(&inner)).join().unwrap();
    assert_eq!(told.bytes, 0);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let inner = exchange.0.clone();
    thread::spawn(move || {
        pull(&inner);
        inner.unread();
    })
    .join()
    .unwrap();
    assert_eq!((told.bytes, told.unread), (0, false));
    assert_eq!(woken.load(Ordering::Relaxed), 1, "once until told");

    exchange.0.tell(&Context::from_waker(&waker));
    assert_eq!((told.bytes, told.unread), (FIRST + SECOND, true));
    exchange.0.tell(&Context::from_waker(&waker));
    assert_eq!(told.bytes, FIRST + SECOND);
}

#[test]
fn nobody_is_told_after_the_end() {
    let mut told = Told::default();
    let exchange = exchange(&mut told);
    let inner = exchange.0.clone();
    thread::spawn(move || pull(&inner)).join().unwrap();
    exchange.0.detach();
    exchange.0.tell(&Context::from_waker(Waker::noop()));
    exchange.0.unread();
    assert_eq!((told.bytes, told.unread), (0, false));
}

fn counting_waker() -> (Waker, Arc<std::sync::atomic::AtomicUsize>) {
    struct Counting(Arc<std::sync::atomic::AtomicUsize>);
    impl std::task::Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    (Arc::new(Counting(count.clone())).into(), count)
}

#[test]
fn content_that_nobody_wants_is_not_kept_and_does_not_look_complete() {
    let mut told = Told::default();
    let exchange = exchange(&mut told);
    exchange.0.feed(|state| state.ended = true);
    exchange.0.discard();
    assert!(exchange.0.state().chunks.is_empty());
    assert!(!exchange.0.at_end());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(
        exchange.0.poll_pull(&mut cx),
        Poll::Ready(Pulled::Failed)
    ));
}
