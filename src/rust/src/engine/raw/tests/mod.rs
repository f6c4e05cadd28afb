//! Raw lifting and lowering against Wasmtime's `Val`: see `reference`.

mod inputs;
mod malformed;
mod refused;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::fuzz::nimbus_fuzz_raw_values;
use super::reference::random::{Random, value};
use super::reference::{Comparison, Guest, all_types, guest, plain_engine, types_of};

#[test]
fn every_type_crosses_as_val_says() {
    cross_as_val_says(0x1234_5678_9abc_def1);
}

#[test]
fn what_a_fuzzer_chooses_crosses_as_val_says() {
    for ty in 0..=u8::MAX {
        for (encoding, bytes) in [&b""[..], b"\0\x01\0\x02abcdefgh", &[0xff; 200]]
            .iter()
            .enumerate()
        {
            let input = [&[ty, encoding as u8], *bytes].concat();
            // SAFETY: alive during the call.
            unsafe { nimbus_fuzz_raw_values(input.as_ptr(), input.len()) };
        }
    }
}

/// The same with other values each time, for `NIMBUS_FUZZ_SECONDS`.
#[test]
#[ignore = "takes a minute"]
fn values_of_any_seed_cross_as_val_says() {
    let seconds = std::env::var("NIMBUS_FUZZ_SECONDS").map_or(60, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut seeds = Random::new(now.as_nanos() as u64 | 1);
    while Instant::now() < end {
        let seed = seeds.next();
        println!("seed {seed:#x}"); // shown if it fails
        cross_as_val_says(seed);
    }
}

fn cross_as_val_says(seed: u64) {
    let engine = plain_engine();
    let mut random = Random::new(seed);
    let types = all_types(&engine);
    for encoding in ["utf8", "utf16", "latin1+utf16"] {
        let mut comparison = Comparison::new(&engine, &types, encoding);
        for (index, ty) in types.iter().enumerate() {
            for _ in 0..40 {
                comparison.value(index, &value(ty, &mut random));
            }
        }
    }
}
