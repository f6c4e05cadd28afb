//! A call of an export, between C++ and the instance.

use std::cell::Cell;
use std::ffi::c_void;

use super::channels::{Outgoing, Outlets};
use super::exchange::{Failure, Outcome, with_outcome};
use super::exports::Params;
use super::inlet::Channels;
use super::raw::{Lifted, Pieces};
use crate::abi::OwnedBytes;

/// See `NimbusReturned`.
#[repr(C)]
struct Returned {
    results: OwnedBytes,
    outgoing: *const Outgoing,
    outgoing_count: usize,
}

const _: () = assert!(size_of::<Returned>() == 48);

type Done = extern "C" fn(*mut c_void, *const Outcome, *const Returned);

/// See `NimbusGuestCallRequest`.
#[repr(C)]
pub struct CallRequest {
    params: Pieces,
    channels: Channels,
    deadline_ns: i64,
    context: *mut c_void,
    done: Done,
    owner: u64,
    function: u32,
}

const _: () = assert!(size_of::<CallRequest>() == 88);

/// A call; C++ holds a reference to it.
pub struct CallState {
    pub function: usize,
    /// Whose its results are.
    pub owner: u64,
    pub deadline_ns: i64,
    /// Until it starts.
    params: Cell<Option<Params>>,
    /// Among the parameters; boxed, for there are seldom any.
    channels: Cell<Option<Box<Channels>>>,
    context: *mut c_void,
    done: Done,
    /// Calls do not overlap.
    alone: bool,
    /// False once `done` must not be called any more.
    open: Cell<bool>,
}

impl CallState {
    /// # Safety
    /// The request follows its contract; what it hands over is not used again.
    pub unsafe fn new(request: &CallRequest, alone: bool) -> CallState {
        let mut params = Params::default();
        // SAFETY: by this function's contract.
        unsafe { params.data.fill(&request.params) };
        // SAFETY: as above.
        let channels = unsafe { Channels::read(&request.channels) };
        CallState {
            function: request.function as usize,
            owner: request.owner,
            deadline_ns: request.deadline_ns,
            params: Cell::new(Some(params)),
            channels: Cell::new((!channels.is_none()).then(|| Box::new(channels))),
            context: request.context,
            done: request.done,
            alone,
            open: Cell::new(true),
        }
    }

    /// Whether somebody waits for it.
    pub fn is_open(&self) -> bool {
        self.open.get()
    }

    /// What it brings along, once.
    pub fn start(&self) -> Option<(Params, Option<Box<Channels>>)> {
        Some((self.params.take()?, self.channels.take()))
    }

    /// Nobody waits for it any more. Whether it occupies an instance on which calls do not overlap.
    pub fn give_up(&self) -> bool {
        let waited_for = self.open.replace(false);
        let started = self.start().is_none();
        waited_for && started && self.alone
    }

    pub fn end(&self, why: &Failure) {
        if self.open.replace(false) {
            let nothing = Returned {
                results: OwnedBytes::borrowed(&[]),
                outgoing: std::ptr::null(),
                outgoing_count: 0,
            };
            with_outcome(Err(why), |outcome| {
                (self.done)(self.context, outcome, &nothing);
            });
        }
    }

    pub fn succeed(&self, lifted: &mut Lifted, outlets: Outlets) {
        if self.open.replace(false) {
            let results = lifted.take_bytes();
            outlets.hand_over(|list| {
                let returned = Returned {
                    results,
                    outgoing: list.as_ptr(),
                    outgoing_count: list.len(),
                };
                with_outcome(Ok(&()), |outcome| {
                    (self.done)(self.context, outcome, &returned);
                });
            });
        }
    }
}
