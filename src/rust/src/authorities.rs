//! The authorities that Mozilla trusts for servers on the web.

use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::abi::guard;

/// # Safety
/// `size` may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_web_root(index: usize, size: *mut usize) -> *const u8 {
    guard(std::ptr::null(), || {
        let Some(certificate) = TLS_SERVER_ROOT_CERTS.get(index) else {
            return Ok(std::ptr::null());
        };
        // SAFETY: by this function's contract.
        unsafe { *size = certificate.len() };
        Ok(certificate.as_ptr())
    })
}
