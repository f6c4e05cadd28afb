//! Limits on input and output, in one place.

use anyhow::{Result, bail, ensure};
use std::io::{Error, Write};

pub const MAX_BINARY_BYTES: usize = 256 << 20;
pub const MAX_WIT_BYTES: usize = 8 << 20;
pub const MAX_WIT_FILES: usize = 10_000;
/// Resolving takes time that grows with the square of this.
pub const MAX_WIT_PACKAGES: usize = 1_000;
pub const MAX_WAT_BYTES: usize = 64 << 20;
/// Of a document or text that is made from a binary.
pub const MAX_OUTPUT_BYTES: usize = 256 << 20;
/// Of components in components, and of component and instance types in each other. The parsers of
/// the libraries recurse over the latter without a limit of their own.
pub const MAX_NESTING: usize = 100;

pub fn check_binary_size(bytes: &[u8]) -> Result<()> {
    let size = bytes.len();
    ensure!(
        size <= MAX_BINARY_BYTES,
        "{size} bytes are more than the limit of {MAX_BINARY_BYTES}"
    );
    Ok(())
}

pub fn check_nesting(depth: usize, offset: usize) -> Result<()> {
    if depth > MAX_NESTING {
        bail!("nested more than {MAX_NESTING} levels deep (at offset {offset:#x})");
    }
    Ok(())
}

/// Collects bytes up to a limit; then every write fails.
pub struct BoundedBytes {
    bytes: Vec<u8>,
    limit: usize,
}

impl BoundedBytes {
    pub fn new(limit: usize) -> BoundedBytes {
        BoundedBytes {
            bytes: Vec::new(),
            limit,
        }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for BoundedBytes {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        if data.len() > self.limit - self.bytes.len() {
            return Err(Error::other(format!("more than {} bytes", self.limit)));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
