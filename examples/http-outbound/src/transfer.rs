//! Moves one body, with its trailers, from an incoming to an outgoing message without blocking.

use std::mem;

use wasip2::http::types::{FutureTrailers, IncomingBody, OutgoingBody};
use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

const PIECE: u64 = 64 * 1024;

/// Drive it by `advance` until that returns `None`. Dropping one that has not ended, or whose
/// source failed, leaves the outgoing message visibly incomplete.
pub struct Transfer {
    stage: Stage,
    /// How many bytes may still pass.
    left: u64,
}

enum Stage {
    Body {
        input: InputStream,
        output: OutputStream,
        from: IncomingBody,
        to: OutgoingBody,
    },
    Trailers {
        trailers: FutureTrailers,
        to: OutgoingBody,
    },
    Done,
}

enum Step {
    Moved,
    Wait(Pollable),
    Ended,
    Failed,
}

impl Transfer {
    /// With a limit the outgoing message ends, complete but without trailers, once that many bytes
    /// have passed.
    pub fn start(from: IncomingBody, to: OutgoingBody, limit: Option<u64>) -> Transfer {
        let input = from.stream().unwrap();
        let output = to.write().unwrap();
        let stage = Stage::Body {
            input,
            output,
            from,
            to,
        };
        Transfer {
            stage,
            left: limit.unwrap_or(u64::MAX),
        }
    }

    /// Moves what can be moved now. Returns what to wait for before the next call, `None` at the
    /// end.
    pub fn advance(&mut self) -> Option<Pollable> {
        if let Stage::Body { input, output, .. } = &self.stage {
            loop {
                match step(input, output, &mut self.left) {
                    Step::Moved => {}
                    Step::Wait(pollable) => return Some(pollable),
                    Step::Ended => break self.end_body(),
                    Step::Failed => {
                        self.stage = Stage::Done;
                        return None;
                    }
                }
            }
        }
        self.advance_trailers()
    }

    fn end_body(&mut self) {
        let Stage::Body {
            input,
            output,
            from,
            to,
        } = mem::replace(&mut self.stage, Stage::Done)
        else {
            return;
        };
        drop((input, output)); // they must go before the bodies they belong to
        if self.left == 0 {
            let _ = OutgoingBody::finish(to, None);
        } else {
            self.stage = Stage::Trailers {
                trailers: IncomingBody::finish(from),
                to,
            };
        }
    }

    fn advance_trailers(&mut self) -> Option<Pollable> {
        let Stage::Trailers { trailers, .. } = &self.stage else {
            return None;
        };
        let Some(result) = trailers.get() else {
            return Some(trailers.subscribe());
        };
        if let (Ok(Ok(trailers)), Stage::Trailers { to, .. }) =
            (result, mem::replace(&mut self.stage, Stage::Done))
        {
            let _ = OutgoingBody::finish(to, trailers);
        }
        None
    }
}

fn step(input: &InputStream, output: &OutputStream, left: &mut u64) -> Step {
    if *left == 0 {
        return Step::Ended;
    }
    let room = match output.check_write() {
        Ok(0) => return Step::Wait(output.subscribe()),
        Ok(room) => room,
        Err(_) => return Step::Failed, // the receiver has gone away
    };
    match input.read(room.min(PIECE).min(*left)) {
        Ok(bytes) if bytes.is_empty() => Step::Wait(input.subscribe()),
        Ok(bytes) => {
            *left -= bytes.len() as u64;
            match output.write(&bytes) {
                Ok(()) => Step::Moved,
                Err(_) => Step::Failed,
            }
        }
        Err(StreamError::Closed) => Step::Ended,
        Err(StreamError::LastOperationFailed(_)) => Step::Failed,
    }
}
