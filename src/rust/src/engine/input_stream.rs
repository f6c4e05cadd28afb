//! Input streams of WASI 0.2 that change hands in a call. Outside they are streams of bytes: what a
//! guest gives away is taken out of its store's table (and read as `pulled` says), and what it is
//! given is put there, made of the bytes that C++ sends.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime::{Error, Result, bail};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamError, StreamResult};

use super::inlet::{ByteProducer, Inlet};

/// What a guest has given away.
pub fn take(table: &mut ResourceTable, rep: u32) -> Result<DynInputStream> {
    match table.delete(Resource::<DynInputStream>::new_own(rep)) {
        Ok(stream) => Ok(stream),
        Err(ResourceTableError::HasChildren) => {
            bail!("an input-stream is given away while a pollable of it is open")
        }
        Err(error) => Err(error.into()),
    }
}

/// The place in the table of what a guest is given.
pub fn give(table: &mut ResourceTable, inlet: Inlet) -> Result<u32> {
    let stream: DynInputStream = Box::new(Arriving {
        bytes: ByteProducer::new(inlet),
        state: State::Open,
    });
    Ok(table.push(stream)?.rep())
}

enum State {
    Open,
    /// The guest has not been told yet.
    Failed(Error),
    Closed,
}

/// Bytes from C++. It is asked for more only when the guest asks, so that what waits here is one
/// piece of the stream at most.
struct Arriving {
    bytes: ByteProducer,
    state: State,
}

impl Arriving {
    /// Whether there are bytes, the end or an error.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !matches!(self.state, State::Open) {
            return Poll::Ready(());
        }
        match self.bytes.poll_ready(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if self.bytes.has_ended() => self.state = State::Closed,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => self.fail(error),
        }
        Poll::Ready(())
    }

    fn fail(&mut self, error: Error) {
        self.bytes.close();
        self.state = State::Failed(error);
    }
}

#[async_trait]
impl Pollable for Arriving {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll_ready(cx)).await;
    }
}

#[async_trait]
impl InputStream for Arriving {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut cx = Context::from_waker(Waker::noop());
        if self.poll_ready(&mut cx).is_pending() {
            return Ok(Bytes::new());
        }
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open => match self.bytes.take(size) {
                Ok(bytes) => {
                    self.state = State::Open;
                    Ok(bytes.into())
                }
                Err(error) => {
                    self.bytes.close();
                    Err(StreamError::LastOperationFailed(error))
                }
            },
            State::Failed(error) => Err(StreamError::LastOperationFailed(error)),
            State::Closed => Err(StreamError::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime_wasi::p2::subscribe;

    fn made_of(bytes: &[u8]) -> (ResourceTable, Resource<DynInputStream>) {
        let mut table = ResourceTable::new();
        let rep = give(&mut table, Inlet::of(bytes.to_vec())).unwrap();
        (table, Resource::new_own(rep))
    }

    fn read(table: &mut ResourceTable, of: &Resource<DynInputStream>, size: usize) -> String {
        match table.get_mut(of).unwrap().read(size) {
            Ok(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Err(error) => format!("({error})"),
        }
    }

    #[test]
    fn lists_are_read_as_the_guest_likes_and_end() {
        let (mut table, stream) = made_of(b"\x05hello\x03you\0");
        assert_eq!(read(&mut table, &stream, 0), "");
        assert_eq!(read(&mut table, &stream, 4), "hell");
        assert_eq!(read(&mut table, &stream, usize::MAX), "oyou");
        assert_eq!(read(&mut table, &stream, 1), "(closed)");
        assert_eq!(read(&mut table, &stream, 1), "(closed)");
    }

    #[test]
    fn one_read_takes_a_bounded_piece() {
        let mut bytes = vec![0x80, 0x80, 0x40];
        bytes.resize(3 + (1 << 20), b'x');
        bytes.push(0);
        let (mut table, stream) = made_of(&bytes);
        let mut total = 0;
        loop {
            match table.get_mut(&stream).unwrap().read(usize::MAX) {
                Ok(piece) => {
                    assert!((1..=64 << 10).contains(&piece.len()));
                    total += piece.len();
                }
                Err(error) => {
                    assert!(matches!(error, StreamError::Closed));
                    break;
                }
            }
        }
        assert_eq!(total, 1 << 20);
    }

    #[test]
    fn one_that_is_broken_off_fails_once_and_is_closed() {
        let (mut table, stream) = made_of(b"\x05he");
        assert_eq!(read(&mut table, &stream, 9), "he");
        let told = read(&mut table, &stream, 9);
        assert!(
            told.contains("last operation failed") && told.contains("broken off"),
            "{told}"
        );
        assert_eq!(read(&mut table, &stream, 9), "(closed)");
    }

    #[test]
    fn a_length_that_is_none_is_an_error_of_the_stream() {
        let (mut table, stream) = made_of(b"\xff\xff\xff\xff\xff\x01abc");
        let told = read(&mut table, &stream, 9);
        assert!(told.contains("out of range"), "{told}");
    }

    #[test]
    fn one_that_is_watched_is_not_given_away() {
        let (mut table, stream) = made_of(b"\0");
        let rep = stream.rep();
        let pollable = subscribe(&mut table, stream).unwrap();
        let refused = take(&mut table, rep).err().expect("it is refused");
        assert!(refused.to_string().contains("pollable"), "{refused}");
        table.delete(pollable).unwrap();
        assert!(take(&mut table, rep).is_ok());
        assert!(take(&mut table, rep).is_err(), "only once");
    }
}
