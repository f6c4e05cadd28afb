//! WebAssembly text to a binary.

use crate::tools::bounds::MAX_WAT_BYTES;
use crate::tools::stack::on_large_stack;
use anyhow::{Context, Result, ensure};
use std::path::Path;

pub fn binary(text: &[u8], path: &str) -> Result<Vec<u8>> {
    ensure!(
        text.len() <= MAX_WAT_BYTES,
        "the text has more than {MAX_WAT_BYTES} bytes"
    );
    let text = std::str::from_utf8(text).context("the text is not UTF-8")?;
    let path = (!path.is_empty()).then(|| Path::new(path));
    on_large_stack(|| Ok(wat::Parser::new().parse_str(path, text)?))
}
