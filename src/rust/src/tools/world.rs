//! The world of a component: as a document and as WIT text.

use crate::tools::binary::walk;
use crate::tools::bounds::{BoundedBytes, MAX_OUTPUT_BYTES};
use crate::tools::stack::on_large_stack;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::panic::resume_unwind;
use wasmparser::Encoding;
use wit_component::{DecodedWasm, Output, OutputToString, WitPrinter};
use wit_parser::{PackageId, Resolve, WorldId};

pub fn json(bytes: &[u8]) -> Result<Vec<u8>> {
    on_large_stack(|| match decode(bytes)? {
        DecodedWasm::WitPackage(resolve, package) => document(&resolve, package, None),
        DecodedWasm::Component(resolve, world) => {
            let package = resolve.worlds[world]
                .package
                .context("the world has no package")?;
            document(&resolve, package, Some(world))
        }
    })
}

pub fn wit(bytes: &[u8]) -> Result<Vec<u8>> {
    on_large_stack(|| {
        let decoded = decode(bytes)?;
        let main = decoded.package();
        let resolve = decoded.resolve();
        let others: Vec<PackageId> = resolve
            .packages
            .iter()
            .map(|(id, _)| id)
            .filter(|id| *id != main)
            .collect();
        text(resolve, main, &others)
    })
}

/// One package of several. Call it on a large stack.
pub fn package_text(resolve: &Resolve, package: PackageId) -> Result<Vec<u8>> {
    text(resolve, package, &[])
}

fn text(resolve: &Resolve, main: PackageId, others: &[PackageId]) -> Result<Vec<u8>> {
    let mut printer = WitPrinter::new(BoundedText::default());
    printer.print(resolve, main, others)?;
    Ok(String::from(printer.output.text).into_bytes())
}

/// Call it on a large stack.
pub fn decode(bytes: &[u8]) -> Result<DecodedWasm> {
    let walked = walk(bytes, |_, _| Ok(()))?;
    if walked.encoding == Encoding::Module {
        bail!("a core module has no WIT world; only components do");
    }
    wit_component::decode(bytes)
}

/// `{"main": {"package": index, "world": index or null}, …the resolve…}`
pub fn document(resolve: &Resolve, package: PackageId, world: Option<WorldId>) -> Result<Vec<u8>> {
    let main = serde_json::json!({
        "package": package.index(),
        "world": world.map(|world| world.index()),
    });
    let mut resolved = BoundedBytes::new(MAX_OUTPUT_BYTES);
    serde_json::to_writer(&mut resolved, resolve).context("the document is too large")?;
    let resolved = resolved.into_bytes();
    let fields = resolved
        .strip_prefix(b"{")
        .context("internal: a resolve is not an object")?;
    let mut out = Vec::with_capacity(resolved.len() + 64);
    write!(out, "{{\"main\":{main},")?;
    out.extend_from_slice(fields);
    Ok(out)
}

/// Text up to a limit. The printer's output cannot fail, so beyond it a panic (without the hook)
/// leaves the printer and becomes the caller's error.
#[derive(Default)]
struct BoundedText {
    text: OutputToString,
    size: usize,
}

impl Output for BoundedText {
    fn push_str(&mut self, text: &str) {
        self.size += text.len();
        if self.size > MAX_OUTPUT_BYTES {
            resume_unwind(Box::new(format!(
                "the WIT text has more than {MAX_OUTPUT_BYTES} bytes"
            )));
        }
        self.text.push_str(text);
    }

    fn indent_if_needed(&mut self) -> bool {
        self.text.indent_if_needed()
    }

    fn indent_start(&mut self) {
        self.text.indent_start();
    }

    fn indent_end(&mut self) {
        self.text.indent_end();
    }

    fn newline(&mut self) {
        self.text.newline();
    }
}
