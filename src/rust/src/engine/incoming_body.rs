//! The content of a request, as Wasmtime's HTTP crate pulls it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use wasmtime_wasi_http::Error;

use super::exchange::{Inner, Pulled};

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
