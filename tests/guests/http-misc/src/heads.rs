//! Heads of messages that are kept, as many as the host allows.

use std::cell::RefCell;

use guest_support::Query;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, ResponseOutparam};

use crate::reply::text;

thread_local! {
    static KEPT: RefCell<Vec<Fields>> = const { RefCell::new(Vec::new()) };
}

/// Keeps `sets` more sets of header fields of `bytes` each as long as the instance lives. Answers
/// how many there are by now.
pub fn keep(out: ResponseOutparam, query: &Query) {
    let value = vec![b'x'; query.number("bytes", 100_000) as usize];
    let count = KEPT.with_borrow_mut(|kept| {
        for _ in 0..query.number("sets", 1) {
            let fields = Fields::new();
            if fields.append("x-kept", &value).is_ok() {
                kept.push(fields);
            }
        }
        kept.len()
    });
    text(out, 200, &format!("{count}\n"));
}

/// Keeps a request that is never sent, with as much content as the host takes.
pub fn keep_bodies(out: ResponseOutparam, query: &Query) {
    for _ in 0..query.number("count", 1) {
        let request = OutgoingRequest::new(Fields::new());
        let body = request.body().unwrap();
        let stream = body.write().unwrap();
        while let Ok(bytes @ 1..) = stream.check_write() {
            stream.write(&vec![0; bytes as usize]).unwrap();
        }
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
        std::mem::forget(request);
    }
    text(out, 200, "kept\n");
}

/// Lets go of what `keep` has kept.
pub fn let_go(out: ResponseOutparam) {
    KEPT.with_borrow_mut(Vec::clear);
    text(out, 200, "none\n");
}

/// Whether the host takes a method and an authority of `bytes`.
pub fn long_texts(out: ResponseOutparam, query: &Query) {
    let long = "X".repeat(query.number("bytes", 1) as usize);
    let request = OutgoingRequest::new(Fields::new());
    let method = request.set_method(&Method::Other(long.clone())).is_ok();
    let authority = request.set_authority(Some(&long)).is_ok();
    text(out, 200, &format!("method {method}, authority {authority}\n"));
}
