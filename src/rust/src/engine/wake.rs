//! Wakers that post a token to a queue of C++.

use std::ffi::c_void;
use std::sync::Arc;
use std::task::{Wake as StdWake, Waker};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Wake {
    wake: extern "C" fn(*mut c_void, u64),
    release: extern "C" fn(*mut c_void),
    queue: *mut c_void,
    token: u64,
}

const _: () = assert!(size_of::<Wake>() == 32);

struct Token(Wake);

// SAFETY: the contract of NimbusWake: both functions may be called on any thread.
unsafe impl Send for Token {}
// SAFETY: as above.
unsafe impl Sync for Token {}

impl StdWake for Token {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        (self.0.wake)(self.0.queue, self.0.token);
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        (self.0.release)(self.0.queue);
    }
}

pub fn waker(wake: Wake) -> Waker {
    Waker::from(Arc::new(Token(wake)))
}
