//! Content that comes from C++: how it waits, and that of a request as Wasmtime's HTTP crate pulls
//! it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use wasmtime_wasi_http::Error;

use super::exchange::{Inner, Pulled};

/// Chunks below this size are joined.
const JOIN_BELOW_BYTES: usize = 2048;

/// Content that waits for its reader. Large chunks stay as they are; small ones are copied
/// together, however many come: so its memory follows its bytes, which is all that windows count.
#[derive(Default)]
pub struct ContentQueue {
    chunks: VecDeque<Bytes>,
    /// Behind them.
    tail: Vec<u8>,
}

impl ContentQueue {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    pub fn push_back(&mut self, chunk: Bytes) {
        if chunk.len() >= JOIN_BELOW_BYTES {
            let before = self.take_tail();
            self.chunks.extend(before);
            self.chunks.push_back(chunk);
        } else if self.tail.is_empty() {
            // A copy that has come as such becomes the tail itself.
            self.tail = chunk.into();
        } else {
            self.tail.extend_from_slice(&chunk);
        }
    }

    pub fn pop_front(&mut self) -> Option<Bytes> {
        self.chunks.pop_front().or_else(|| self.take_tail())
    }

    /// Gives its memory back.
    pub fn clear(&mut self) {
        *self = ContentQueue::default();
    }

    fn take_tail(&mut self) -> Option<Bytes> {
        let tail = std::mem::take(&mut self.tail);
        (!tail.is_empty()).then(|| tail.into())
    }
}

pub struct IncomingBody(pub Arc<Inner>);

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(match ready!(self.0.poll_pull(cx)) {
            Pulled::Chunk(chunk) => Some(Ok(Frame::data(chunk))),
            Pulled::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Pulled::End => None,
            Pulled::Failed => Some(Err(Error::ConnectionTerminated)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.at_end()
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        self.0.unread();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(chunks: impl IntoIterator<Item = Bytes>) -> ContentQueue {
        let mut queue = ContentQueue::default();
        chunks.into_iter().for_each(|chunk| queue.push_back(chunk));
        queue
    }

    fn drain(queue: &mut ContentQueue) -> Vec<Bytes> {
        std::iter::from_fn(|| queue.pop_front()).collect()
    }

    #[test]
    fn many_tiny_chunks_become_one() {
        let sent = (0..65_536).map(|at| Bytes::copy_from_slice(&[at as u8]));
        let mut queue = queue(sent);
        assert_eq!(queue.chunks.len(), 0);
        assert!(queue.tail.capacity() <= 2 * 65_536);
        let chunks = drain(&mut queue);
        assert_eq!(chunks.len(), 1);
        assert!((0..65_536).all(|at| chunks[0][at] == at as u8));
        assert!(queue.is_empty());
    }

    #[test]
    fn large_chunks_stay_where_they_are_among_small_ones() {
        let large = Bytes::from(vec![b'x'; JOIN_BELOW_BYTES]);
        let [one, two, end] = [b"1", b"2", b"e"].map(|text| Bytes::from_static(text));
        let mut queue = queue([one, two, large.clone(), large.clone(), end]);
        let chunks = drain(&mut queue);
        let sizes = chunks.iter().map(Bytes::len).collect::<Vec<_>>();
        assert_eq!(sizes, [2, JOIN_BELOW_BYTES, JOIN_BELOW_BYTES, 1]);
        assert_eq!((&chunks[0][..], &chunks[3][..]), (&b"12"[..], &b"e"[..]));
        assert_eq!(chunks[1].as_ptr(), large.as_ptr(), "not copied");
        assert_eq!(chunks[2].as_ptr(), large.as_ptr(), "not copied");
    }

    #[test]
    fn a_chunk_below_the_limit_waits_in_the_memory_it_came_in() {
        let small = Bytes::copy_from_slice(b"small");
        let at = small.as_ptr();
        let mut queue = queue([small]);
        let chunk = queue.pop_front().unwrap();
        assert_eq!((chunk.as_ptr(), &chunk[..]), (at, &b"small"[..]));
        assert_eq!(queue.pop_front(), None);
    }

    #[test]
    fn what_is_cleared_holds_no_memory() {
        let mut queue = queue([vec![0; JOIN_BELOW_BYTES], vec![0; 1]].map(Bytes::from));
        queue.clear();
        assert!(queue.is_empty());
        assert_eq!((queue.chunks.capacity(), queue.tail.capacity()), (0, 0));
    }
}
