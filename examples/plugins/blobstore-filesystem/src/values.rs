//! Content on its way into an object and out of it.

use std::cell::{Cell, RefCell};

use wasip2::filesystem::types::Descriptor;
use wasip2::io::streams::{InputStream, OutputStream};

use crate::blobs::exports::wasi::blobstore::types::{
    GuestIncomingValue, GuestOutgoingValue, IncomingValue, OutgoingValue,
};
use crate::files;

/// Written to a file of its own, which becomes the object when it is complete.
pub struct Outgoing {
    part: Result<files::Partial, String>,
    body_taken: Cell<bool>,
    /// Where the object will stand.
    target: RefCell<Option<String>>,
}

impl Outgoing {
    pub fn write_to(&self, path: String) -> Result<(), String> {
        self.part.as_ref().map_err(Clone::clone)?;
        match self.target.replace(Some(path)) {
            None => Ok(()),
            Some(_) => Err("the value is an object already".into()),
        }
    }
}

impl GuestOutgoingValue for Outgoing {
    fn new_outgoing_value() -> OutgoingValue {
        OutgoingValue::new(Outgoing {
            part: files::Partial::create(),
            body_taken: Cell::new(false),
            target: RefCell::new(None),
        })
    }

    fn outgoing_value_write_body(&self) -> Result<OutputStream, ()> {
        if self.body_taken.replace(true) {
            return Err(());
        }
        let part = self.part.as_ref().map_err(|_| ())?;
        part.file.write_via_stream(0).map_err(|_| ())
    }

    fn finish(this: OutgoingValue) -> Result<(), String> {
        let Outgoing { part, target, .. } = this.into_inner();
        match target.into_inner() {
            Some(path) => part?.become_file(&path),
            None => Ok(()),
        }
    }
}

/// A part of a file, or all of it.
pub struct Incoming {
    pub file: Descriptor,
    pub start: u64,
    pub bytes: u64,
    /// The part ends where the file does.
    pub to_end: bool,
}

impl GuestIncomingValue for Incoming {
    fn incoming_value_consume_sync(this: IncomingValue) -> Result<Vec<u8>, String> {
        let Incoming { file, start, bytes, .. } = this.into_inner();
        let mut content = Vec::new();
        while (content.len() as u64) < bytes {
            let at = content.len() as u64;
            let (piece, end) = file
                .read(bytes - at, start + at)
                .map_err(|error| files::failed("reading", error))?;
            content.extend_from_slice(&piece);
            if end || piece.is_empty() {
                break;
            }
        }
        Ok(content)
    }

    fn incoming_value_consume_async(this: IncomingValue) -> Result<InputStream, String> {
        let Incoming { file, start, bytes, to_end } = this.into_inner();
        let failed = |error| files::failed("reading", error);
        if to_end {
            return file.read_via_stream(start).map_err(failed);
        }
        // A stream has no end of its own but the file's: the part becomes a file, which goes with
        // the stream.
        let part = files::Partial::create()?;
        files::copy(&file, &part.file, start, bytes)?;
        part.file.read_via_stream(0).map_err(failed)
    }

    fn size(&self) -> u64 {
        self.bytes
    }
}
