//! Which guest opened a file, by the number of its descriptor: the kernel names a file whose path
//! is longer than a page by nothing else.

use std::ffi::c_void;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::abi::{Str, guard_void};
use crate::engine::lock::lock;

/// The host's folders behind the volumes of one component.
pub type Volumes = Arc<[PathBuf]>;

/// Those of the last guest that opened a file with that number. What was closed stays until the
/// number is used again.
static OPENED: Mutex<Vec<Vec<Volumes>>> = Mutex::new(Vec::new());

pub fn remember(descriptor: RawFd, volumes: Vec<Volumes>) {
    let Ok(at) = usize::try_from(descriptor) else {
        return;
    };
    let mut all = lock(&OPENED);
    if all.len() <= at {
        all.resize_with(at + 1, Vec::new);
    }
    all[at] = volumes;
}

pub type Found = extern "C" fn(context: *mut c_void, host_path: Str);

#[unsafe(no_mangle)]
pub extern "C" fn nimbus_volumes_of_file(descriptor: i32, context: *mut c_void, found: Found) {
    guard_void(|| {
        let at = usize::try_from(descriptor).unwrap_or(usize::MAX);
        let volumes = lock(&OPENED).get(at).cloned().unwrap_or_default();
        for path in volumes.iter().flat_map(|volumes| volumes.iter()) {
            found(context, Str::of(path.as_os_str().as_encoded_bytes()));
        }
    });
}
