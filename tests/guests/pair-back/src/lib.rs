//! Serves `test:pair/backend`, of ../pair.

mod back; // generated from ../pair/wit

use std::io::Write as _;

use wasip2::cli::{environment, stdout};
use wasip2::filesystem::preopens;
use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use wasip2::io::streams::{InputStream, StreamError};

use crate::back::exports::test::pair::backend::Guest;

crate::back::export!(Back with_types_in crate::back);

struct Back;

impl Guest for Back {
    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn possessions() -> String {
        let folders: Vec<String> = preopens::get_directories()
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        format!("{:?} {folders:?}", environment::get_environment())
    }

    fn count_bytes(content: InputStream) -> u64 {
        let mut total = 0;
        loop {
            match content.blocking_read(64 * 1024) {
                Ok(bytes) => total += bytes.len() as u64,
                Err(StreamError::Closed) => return total,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn open(path: String) -> Result<InputStream, String> {
        let (folder, _) = preopens::get_directories()
            .into_iter()
            .next()
            .ok_or("no volume")?;
        let file = folder
            .open_at(
                PathFlags::empty(),
                &path,
                OpenFlags::empty(),
                DescriptorFlags::READ,
            )
            .map_err(|error| error.name().to_owned())?;
        file.read_via_stream(0)
            .map_err(|error| error.name().to_owned())
    }

    fn print(line: String) {
        let _ = writeln!(stdout::get_stdout(), "{line}");
    }

    fn fail() {
        panic!("as asked");
    }
}
