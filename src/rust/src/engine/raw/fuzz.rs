//! What `src/engine/raw_values_fuzz.cc` runs.

use std::cell::RefCell;

use wasmtime::component::types::Type;

use super::reference::random::{Random, value};
use super::reference::{Comparison, all_types, plain_engine};
use crate::abi::slice;

struct Fuzzed {
    types: Vec<Type>,
    comparisons: [Comparison; 3],
}

impl Fuzzed {
    fn new() -> Fuzzed {
        let engine = plain_engine();
        let types = all_types(&engine);
        let encodings = ["utf8", "utf16", "latin1+utf16"];
        Fuzzed {
            comparisons: encodings.map(|each| Comparison::new(&engine, &types, each)),
            types,
        }
    }

    fn run(&mut self, ty: u8, encoding: u8, bytes: &[u8]) {
        let index = usize::from(ty) % self.types.len();
        let comparison = &mut self.comparisons[usize::from(encoding) % 3];
        let mut chosen = Random::Given(bytes);
        comparison.value(index, &value(&self.types[index], &mut chosen));
        comparison.bytes(index, bytes);
    }
}

thread_local! {
    static FUZZED: RefCell<Option<Fuzzed>> = const { RefCell::new(None) };
}

/// The first byte chooses a type, the second how the guest's strings are encoded. The others are
/// taken once for what chooses a value, and once for its encoding. A difference ends the process.
///
/// # Safety
/// `data` points at `size` bytes that are alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nimbus_fuzz_raw_values(data: *const u8, size: usize) {
    // SAFETY: by this function's contract.
    if let [ty, encoding, bytes @ ..] = unsafe { slice(data, size) } {
        FUZZED.with_borrow_mut(|fuzzed| {
            let fuzzed = fuzzed.get_or_insert_with(Fuzzed::new);
            fuzzed.run(*ty, *encoding, bytes);
        });
    }
}
