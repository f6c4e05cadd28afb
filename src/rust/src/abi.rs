//! The plain types of `engine.h`, and what every exported function needs: the panic wall and the
//! thread's last error.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

pub fn set_last_error(message: impl Into<Vec<u8>>) {
    let mut message: Vec<u8> = message.into();
    message.retain(|byte| *byte != 0);
    LAST_ERROR.with(|last| *last.borrow_mut() = CString::new(message).unwrap_or_default());
}

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_last_error() -> *const c_char {
    LAST_ERROR.with(|last| last.borrow().as_ptr())
}

/// Runs `body`; on an error or a panic records the message and returns `failed`.
pub fn guard<R>(failed: R, body: impl FnOnce() -> wasmtime::Result<R>) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            set_last_error(format!("{error:#}"));
            failed
        }
        Err(panic) => {
            set_last_error(format!("internal error: {}", panic_message(&*panic)));
            failed
        }
    }
}

/// The same for functions that cannot fail by their contract.
pub fn guard_void(body: impl FnOnce()) {
    guard((), || {
        body();
        Ok(())
    });
}

pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => "panic".to_owned(),
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub data: *const u8,
    pub size: usize,
}

impl Str {
    pub fn of(bytes: &[u8]) -> Str {
        Str {
            data: bytes.as_ptr(),
            size: bytes.len(),
        }
    }

    /// # Safety
    /// The caller of the C function keeps the memory alive and unchanged for `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: by this function's contract.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// # Safety
    /// As for `bytes`.
    pub unsafe fn text<'a>(self) -> wasmtime::Result<&'a str> {
        // SAFETY: by this function's contract.
        Ok(std::str::from_utf8(unsafe { self.bytes() })?)
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Field {
    pub name: Str,
    pub value: Str,
}

/// # Safety
/// `fields` points at `count` fields that live for `'a`, or `count` is 0.
pub unsafe fn fields<'a>(fields: *const Field, count: usize) -> &'a [Field] {
    // SAFETY: by this function's contract.
    unsafe { slice(fields, count) }
}

/// # Safety
/// `items` points at `count` items that live for `'a`, or `count` is 0.
pub unsafe fn slice<'a, T>(items: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: by this function's contract.
    unsafe { std::slice::from_raw_parts(items, count) }
}

/// Builds a header map from outside fields.
///
/// # Safety
/// The texts of the fields are alive.
pub unsafe fn header_map(fields: &[Field]) -> wasmtime::Result<http::HeaderMap> {
    let mut map = http::HeaderMap::with_capacity(fields.len());
    for field in fields {
        // SAFETY: by this function's contract.
        let (name, value) = unsafe { (field.name.bytes(), field.value.bytes()) };
        map.append(
            http::HeaderName::from_bytes(name)?,
            http::HeaderValue::from_bytes(value)?,
        );
    }
    Ok(map)
}

/// Shows a header map as C fields to `show`.
pub fn with_fields<R>(map: &http::HeaderMap, show: impl FnOnce(&[Field]) -> R) -> R {
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| Field {
        name: Str::of(name.as_str().as_bytes()),
        value: Str::of(value.as_bytes()),
    };
    let mut few = [const {
        Field {
            name: EMPTY,
            value: EMPTY,
        }
    }; 16];
    if map.len() <= few.len() {
        for (slot, entry) in few.iter_mut().zip(map) {
            *slot = field(entry);
        }
        return show(&few[..map.len()]);
    }
    let many: Vec<Field> = map.iter().map(field).collect();
    show(&many)
}

const EMPTY: Str = Str {
    data: std::ptr::null(),
    size: 0,
};

/// Memory that changes hands; see `NimbusOwnedBytes`.
#[repr(C)]
pub struct OwnedBytes {
    pub data: *const u8,
    pub size: usize,
    pub owner: *mut c_void,
    pub release: Option<extern "C" fn(*mut c_void)>,
}

/// Memory owned by C++ until dropped.
struct Foreign {
    data: *const u8,
    size: usize,
    owner: *mut c_void,
    release: extern "C" fn(*mut c_void),
}

// SAFETY: the contract of NimbusOwnedBytes: immutable, and `release` may be called on any thread.
unsafe impl Send for Foreign {}
// SAFETY: as above; the bytes are only read.
unsafe impl Sync for Foreign {}

impl AsRef<[u8]> for Foreign {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: alive until `release`, which only Drop calls.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        (self.release)(self.owner);
    }
}

impl OwnedBytes {
    /// Takes bytes over from C++.
    ///
    /// # Safety
    /// The struct follows the contract of NimbusOwnedBytes.
    pub unsafe fn into_bytes(self) -> Bytes {
        match self.release {
            Some(release) if self.size > 0 => Bytes::from_owner(Foreign {
                data: self.data,
                size: self.size,
                owner: self.owner,
                release,
            }),
            Some(release) => {
                release(self.owner);
                Bytes::new()
            }
            // SAFETY: alive during the call, by contract.
            None => Bytes::copy_from_slice(unsafe {
                Str {
                    data: self.data,
                    size: self.size,
                }
                .bytes()
            }),
        }
    }

    /// Shows bytes to C++ for the time of a call.
    pub fn borrowed(bytes: &[u8]) -> OwnedBytes {
        OwnedBytes {
            data: bytes.as_ptr(),
            size: bytes.len(),
            owner: std::ptr::null_mut(),
            release: None,
        }
    }

    /// Hands bytes to C++.
    pub fn from_bytes(bytes: Bytes) -> OwnedBytes {
        extern "C" fn release(owner: *mut c_void) {
            // SAFETY: made by Box::into_raw below, released once.
            guard_void(|| drop(unsafe { Box::from_raw(owner.cast::<Bytes>()) }));
        }
        let (data, size) = (bytes.as_ptr(), bytes.len());
        OwnedBytes {
            data,
            size,
            owner: Box::into_raw(Box::new(bytes)).cast(),
            release: Some(release),
        }
    }
}

const _: () = {
    assert!(size_of::<Str>() == 16);
    assert!(size_of::<Field>() == 32);
    assert!(size_of::<OwnedBytes>() == 32);
};

#[cfg(test)]
mod tests {
    use super::*;

    fn last_error() -> String {
        // SAFETY: a C string of this thread, read before anything else is told.
        let text = unsafe { std::ffi::CStr::from_ptr(nimbus_last_error()) };
        text.to_string_lossy().into_owned()
    }

    #[test]
    fn a_panic_behind_the_wall_is_a_failure_with_its_message() {
        let failed = guard(-1, || -> wasmtime::Result<i32> { panic!("number {}", 7) });
        assert_eq!(failed, -1);
        assert_eq!(last_error(), "internal error: number 7");
        guard_void(|| panic!("plain"));
        assert_eq!(last_error(), "internal error: plain");
        guard_void(|| std::panic::panic_any(7));
        assert_eq!(last_error(), "internal error: panic");
        assert_eq!(guard(-1, || Ok(3)), 3);
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_without_zeros() {
        let failed = guard(1, || {
            Err::<i32, _>(wasmtime::Error::msg("the\0cause").context("the result"))
        });
        assert_eq!(failed, 1);
        assert_eq!(last_error(), "the result: thecause");
    }
}
