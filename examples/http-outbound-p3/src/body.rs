//! Bodies of responses.

use wasip3::http::types::{Fields, Response};
use wasip3::wit_bindgen::{self, StreamReader, StreamResult};
use wasip3::{wit_future, wit_stream};

use crate::request::Wishes;

const PIECE: usize = 64 * 1024;

pub fn handed_on(stream: StreamReader<u8>, wishes: &Wishes) -> StreamReader<u8> {
    if wishes.copy {
        copied(stream, u64::MAX)
    } else {
        stream
    }
}

/// At most `limit` bytes of `input`, by way of this component's memory.
pub fn copied(mut input: StreamReader<u8>, limit: u64) -> StreamReader<u8> {
    let (mut output, copy) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        let mut left = limit;
        while left > 0 {
            let piece = Vec::with_capacity(left.min(PIECE as u64) as usize);
            let (result, mut piece) = input.read(piece).await;
            if !matches!(result, StreamResult::Complete(_)) {
                return;
            }
            piece.truncate(left.min(PIECE as u64) as usize);
            left -= piece.len() as u64;
            if !output.write_all(piece).await.is_empty() {
                return; // the receiver has gone away
            }
        }
    });
    copy
}

pub fn text(status: u16, text: &str) -> Response {
    let headers = Fields::from_list(&[("content-type".into(), b"text/plain".to_vec())]).unwrap();
    let bytes = text.as_bytes().to_vec();
    let (mut output, contents) = wit_stream::new();
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(headers, Some(contents), no_trailers);
    response.set_status_code(status).unwrap();
    wit_bindgen::spawn_local(async move {
        output.write_all(bytes).await;
    });
    response
}
