//! Lists of files, as they are given to C.

use crate::tools::bounds::MAX_OUTPUT_BYTES;
use anyhow::{Result, ensure};

/// For each file the size of its path, its path, the size of its contents, the contents.
pub fn list(files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (path, contents) in files {
        for part in [path.as_ref().as_bytes(), contents.as_ref()] {
            ensure!(
                out.len() + part.len() <= MAX_OUTPUT_BYTES,
                "the files have more than {MAX_OUTPUT_BYTES} bytes"
            );
            out.extend((part.len() as u64).to_le_bytes());
            out.extend(part);
        }
    }
    Ok(out)
}
