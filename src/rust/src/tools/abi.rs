//! What crosses to C: buffers, views of the caller's memory, and the barrier that keeps panics in.

use crate::tools::compose::{Label, Link, Part, Plan};
use crate::tools::wit_packages::Encoded;
use anyhow::{Context, Result, anyhow};
use std::any::Any;
use std::mem::{ManuallyDrop, offset_of};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `NimbusBuffer`: a `Vec<u8>` in parts, or all zero.
#[repr(C)]
pub struct Buffer {
    data: *mut u8,
    size: usize,
    capacity: usize,
}

/// `NimbusWitFile`.
#[repr(C)]
pub struct WitFile {
    path: *const u8,
    path_size: usize,
    text: *const u8,
    text_size: usize,
}

/// `NimbusView`: memory of the caller.
#[repr(C)]
pub struct View {
    data: *const u8,
    size: usize,
}

/// `NimbusEncodedWit`.
#[repr(C)]
pub struct EncodedWit {
    name: View,
    wasm: View,
}

/// `NimbusComposePart`.
#[repr(C)]
pub struct ComposePart {
    name: View,
    wasm: View,
}

/// `NimbusComposeLink`.
#[repr(C)]
pub struct ComposeLink {
    importer: usize,
    import: View,
    exporter: usize,
    export: View,
}

/// `NimbusComposeLabel`.
#[repr(C)]
pub struct ComposeLabel {
    part: usize,
    import: View,
    label: View,
}

const POINTER: usize = size_of::<*const u8>();
const _: () = assert!(size_of::<Buffer>() == 3 * POINTER);
const _: () = assert!(offset_of!(Buffer, size) == POINTER);
const _: () = assert!(offset_of!(Buffer, capacity) == 2 * POINTER);
const _: () = assert!(size_of::<WitFile>() == 4 * POINTER);
const _: () = assert!(offset_of!(WitFile, text) == 2 * POINTER);
const _: () = assert!(size_of::<EncodedWit>() == 4 * POINTER);
const _: () = assert!(size_of::<ComposePart>() == 4 * POINTER);
const _: () = assert!(size_of::<ComposeLink>() == 6 * POINTER);
const _: () = assert!(size_of::<ComposeLabel>() == 5 * POINTER);

/// Path and text of one WIT file.
pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

impl Buffer {
    const EMPTY: Buffer = Buffer {
        data: std::ptr::null_mut(),
        size: 0,
        capacity: 0,
    };

    fn new(bytes: Vec<u8>) -> Buffer {
        if bytes.capacity() == 0 {
            return Buffer::EMPTY;
        }
        let mut bytes = ManuallyDrop::new(bytes);
        Buffer {
            data: bytes.as_mut_ptr(),
            size: bytes.len(),
            capacity: bytes.capacity(),
        }
    }
}

/// # Safety
/// `buffer` is null or points to an empty buffer or one that `answer` filled and nobody freed.
pub unsafe fn free(buffer: *mut Buffer) {
    if buffer.is_null() {
        return;
    }
    // SAFETY: not null, and valid by the caller's promise.
    let taken = unsafe { buffer.replace(Buffer::EMPTY) };
    if !taken.data.is_null() {
        // SAFETY: these are the parts of the Vec that Buffer::new took apart.
        drop(unsafe { Vec::from_raw_parts(taken.data, taken.size, taken.capacity) });
    }
}

/// Runs `work` and hands its result, error or panic to the caller of the C function.
///
/// # Safety
/// `out` and `error` are null or may be written; what they hold is not freed.
pub unsafe fn answer(
    out: *mut Buffer,
    error: *mut Buffer,
    work: impl FnOnce() -> Result<Vec<u8>>,
) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(anyhow!("internal: {}", panic_text(&*panic))));
    let (status, value, message) = match result {
        Ok(bytes) => (0, bytes, Vec::new()),
        Err(failure) => (1, Vec::new(), format!("{failure:#}").into_bytes()),
    };
    for (target, bytes) in [(out, value), (error, message)] {
        if !target.is_null() {
            // SAFETY: not null, and writable by the caller's promise.
            unsafe { target.write(Buffer::new(bytes)) };
        }
    }
    status
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
}

/// # Safety
/// `data` is null or has `size` bytes that do not change during `'a`.
pub unsafe fn bytes_of<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: not null, and of that size by the caller's promise.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// # Safety
/// As for `bytes_of`.
pub unsafe fn text_of<'a>(data: *const u8, size: usize, what: &str) -> Result<&'a str> {
    // SAFETY: as promised by the caller.
    let bytes = unsafe { bytes_of(data, size) };
    std::str::from_utf8(bytes).with_context(|| format!("{what} is not UTF-8"))
}

/// # Safety
/// `files` is null or has `count` entries, whose views are valid during `'a`.
pub unsafe fn wit_files_of<'a>(files: *const WitFile, count: usize) -> Result<Vec<Source<'a>>> {
    if files.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: not null, and of that size by the caller's promise.
    let files = unsafe { std::slice::from_raw_parts(files, count) };
    files
        .iter()
        .map(|file| unsafe { source_of(file) })
        .collect()
}

unsafe fn source_of<'a>(file: &WitFile) -> Result<Source<'a>> {
    // SAFETY: the views are valid by the promise made to wit_files_of.
    let path = unsafe { text_of(file.path, file.path_size, "the path of a WIT file") }?;
    // SAFETY: the same.
    let text = unsafe { text_of(file.text, file.text_size, path) }?;
    Ok(Source { path, text })
}

/// # Safety
/// As for `wit_files_of`.
pub unsafe fn encoded_of<'a>(items: *const EncodedWit, count: usize) -> Result<Vec<Encoded<'a>>> {
    // SAFETY: as promised by the caller.
    let items = unsafe { list_of(items, count) };
    let encoded = |item: &EncodedWit| {
        Ok(Encoded {
            // SAFETY: the views are valid by the caller's promise.
            name: unsafe { text_of(item.name.data, item.name.size, "a name") }?,
            // SAFETY: the same.
            wasm: unsafe { bytes_of(item.wasm.data, item.wasm.size) },
        })
    };
    items.iter().map(encoded).collect()
}

/// # Safety
/// `items` is null or has `count` entries, whose views are valid during `'a`.
pub unsafe fn list_of<'a, T>(items: *const T, count: usize) -> &'a [T] {
    if items.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: not null, and of that size by the caller's promise.
    unsafe { std::slice::from_raw_parts(items, count) }
}

/// # Safety
/// The views in the lists are valid during `'a`.
pub unsafe fn plan_of<'a>(
    parts: &[ComposePart],
    links: &[ComposeLink],
    labels: &[ComposeLabel],
    root: usize,
) -> Result<Plan<'a>> {
    // SAFETY: by this function's contract, for all three.
    let bytes = |view: &View| unsafe { bytes_of(view.data, view.size) };
    let text = |view: &View| unsafe { text_of(view.data, view.size, "a name") };
    let index = |index: usize| {
        let known = index < parts.len();
        known
            .then_some(index)
            .context("internal: no such component")
    };
    Ok(Plan {
        parts: parts
            .iter()
            .map(|part| {
                Ok(Part {
                    name: text(&part.name)?,
                    wasm: bytes(&part.wasm),
                })
            })
            .collect::<Result<_>>()?,
        links: links
            .iter()
            .map(|link| {
                Ok(Link {
                    importer: index(link.importer)?,
                    import: text(&link.import)?,
                    exporter: index(link.exporter)?,
                    export: text(&link.export)?,
                })
            })
            .collect::<Result<_>>()?,
        labels: labels
            .iter()
            .map(|label| {
                Ok(Label {
                    part: index(label.part)?,
                    import: text(&label.import)?,
                    label: text(&label.label)?,
                })
            })
            .collect::<Result<_>>()?,
        root: index(root)?,
    })
}
