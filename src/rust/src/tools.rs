//! The component tooling behind `tools.h`: what each function does is described there. This file is
//! the C surface; the work is done by the modules below, which know nothing of C.

mod abi;
mod binary;
mod bounds;
mod chunks;
mod classify;
mod compose;
mod core_module;
mod data;
mod encode;
mod exit_status;
mod guest_bindings;
mod list;
mod metadata;
mod rename;
pub mod split;
mod stack;
mod types;
mod validate;
mod wat_text;
mod wit_packages;
mod wit_text;
mod world;

#[cfg(test)]
mod tests;

use abi::{
    Buffer, ComposeLabel, ComposeLink, ComposePart, EncodedWit, WitFile, answer, bytes_of,
    encoded_of, free, plan_of, text_of, wit_files_of,
};
use split::Layouts;

/// # Safety
/// `buffer` is null or points to a buffer that this library filled, or to one that is all zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_buffer_free(buffer: *mut Buffer) {
    // SAFETY: as promised by the caller.
    unsafe { free(buffer) }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_classify(
    data: *const u8,
    size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller; the same holds for the functions below.
    unsafe { answer(out, error, || classify::classify(bytes_of(data, size))) }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_metadata(
    data: *const u8,
    size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe { answer(out, error, || metadata::metadata(bytes_of(data, size))) }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_world_json(
    data: *const u8,
    size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe { answer(out, error, || world::json(bytes_of(data, size))) }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_world_wit(
    data: *const u8,
    size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe { answer(out, error, || world::wit(bytes_of(data, size))) }
}

/// # Safety
/// As `tools.h` says: `files` has `count` entries, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_parse_wit(
    files: *const WitFile,
    count: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe { answer(out, error, || wit_text::json(&wit_files_of(files, count)?)) }
}

/// # Safety
/// As `tools.h` says: `files` has `count` entries, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_wit_needs(
    files: *const WitFile,
    count: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            wit_packages::needs(&wit_files_of(files, count)?)
        })
    }
}

/// # Safety
/// As `tools.h` says: the lists have the sizes given, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_gather_wit(
    files: *const WitFile,
    count: usize,
    packages: *const EncodedWit,
    package_count: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            let packages = encoded_of(packages, package_count)?;
            wit_packages::gather(&wit_files_of(files, count)?, &packages)
        })
    }
}

/// # Safety
/// As `tools.h` says: `files` has `count` entries, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_encode_wit(
    files: *const WitFile,
    count: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            wit_packages::encode(&wit_files_of(files, count)?)
        })
    }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_validate(
    data: *const u8,
    size: usize,
    features: u32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            validate::validate(bytes_of(data, size), features)
        })
    }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_wrap_preview1(
    data: *const u8,
    size: usize,
    kind: i32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            encode::wrap_preview1(bytes_of(data, size), kind)
        })
    }
}

/// # Safety
/// As `tools.h` says: the inputs have the sizes given, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_encode(
    data: *const u8,
    size: usize,
    files: *const WitFile,
    count: usize,
    world: *const u8,
    world_size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            let files = wit_files_of(files, count)?;
            let world = text_of(world, world_size, "the name of the world")?;
            encode::encode(bytes_of(data, size), &files, world)
        })
    }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_componentize(
    data: *const u8,
    size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe { answer(out, error, || encode::componentize(bytes_of(data, size))) }
}

/// # Safety
/// As `tools.h` says: the inputs have the sizes given, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_guest_bindings(
    language: i32,
    files: *const WitFile,
    count: usize,
    world: *const u8,
    world_size: usize,
    package: *const u8,
    package_size: usize,
    exports_package: *const u8,
    exports_package_size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            let files = wit_files_of(files, count)?;
            let request = guest_bindings::Request {
                language,
                files: &files,
                world: text_of(world, world_size, "the name of the world")?,
                package: text_of(package, package_size, "the package")?,
                exports_package: text_of(
                    exports_package,
                    exports_package_size,
                    "the package of exports",
                )?,
            };
            guest_bindings::generate(&request)
        })
    }
}

/// # Safety
/// As `tools.h` says: the inputs have the sizes given, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_wat(
    text: *const u8,
    text_size: usize,
    path: *const u8,
    path_size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            let path = text_of(path, path_size, "the path")?;
            wat_text::binary(bytes_of(text, text_size), path)
        })
    }
}

/// # Safety
/// As `tools.h` says: the lists have the sizes given, `out` and `error` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_compose(
    parts: *const ComposePart,
    part_count: usize,
    links: *const ComposeLink,
    link_count: usize,
    labels: *const ComposeLabel,
    label_count: usize,
    root: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            let parts = abi::list_of(parts, part_count);
            let links = abi::list_of(links, link_count);
            let labels = abi::list_of(labels, label_count);
            compose::compose(&plan_of(parts, links, labels, root)?)
        })
    }
}

/// # Safety
/// As `tools.h` says: `data` has `size` bytes, `out` and `error` may be written, all others read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_tools_split(
    data: *const u8,
    size: usize,
    options: *const split::Options,
    layouts: *const u8,
    layouts_size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    // SAFETY: as promised by the caller.
    unsafe {
        answer(out, error, || {
            let layouts = Layouts::decode(bytes_of(layouts, layouts_size))?;
            let split = split::split(bytes_of(data, size), *options, layouts)?;
            Ok(split.unwrap_or_default())
        })
    }
}
