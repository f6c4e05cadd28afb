//! Native code of functions that one engine has compiled, by what they consist of: a component that
//! differs from an earlier one in few functions is compiled in the time of those.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Mutex;

use wasmtime::CacheStore;

use super::lock::lock;

type Functions = HashMap<Box<[u8]>, Box<[u8]>>;

/// In memory, and bounded: once the functions that were used since the last time come to half of
/// the bound, those that were not are forgotten. Any thread.
#[derive(Debug)]
pub struct FunctionCache {
    max_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    used: Functions,
    used_bytes: usize,
    before: Functions,
}

impl Kept {
    fn keep(&mut self, key: Box<[u8]>, code: Box<[u8]>, max_bytes: usize) -> bool {
        let bytes = key.len() + code.len();
        if bytes > max_bytes / 2 {
            return false;
        }
        if self.used_bytes + bytes > max_bytes / 2 {
            self.before = std::mem::take(&mut self.used);
            self.used_bytes = 0;
        }
        // Threads that compile the same function both bring it.
        if self.used.insert(key, code).is_none() {
            self.used_bytes += bytes;
        }
        true
    }
}

impl FunctionCache {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            kept: Mutex::default(),
        }
    }
}

impl CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut kept = lock(&self.kept);
        if let Some((key, code)) = kept.before.remove_entry(key) {
            kept.keep(key, code, self.max_bytes);
        }
        kept.used.get(key).map(|code| Cow::Owned(code.to_vec()))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        lock(&self.kept).keep(key.into(), value.into(), self.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(cache: &FunctionCache, name: u8) -> bool {
        cache.insert(&[name], vec![name; 9])
    }

    fn has(cache: &FunctionCache, name: u8) -> bool {
        match cache.get(&[name]) {
            Some(code) => {
                assert_eq!(*code, [name; 9]);
                true
            }
            None => false,
        }
    }

    #[test]
    fn gives_back_what_it_was_given() {
        let cache = FunctionCache::new(1000);
        assert!(!has(&cache, 1));
        assert!(insert(&cache, 1) && insert(&cache, 1) && insert(&cache, 2));
        assert!(has(&cache, 1) && has(&cache, 2) && !has(&cache, 3));
        assert_eq!(lock(&cache.kept).used_bytes, 20);
    }

    #[test]
    fn forgets_what_has_not_been_used_for_long() {
        let cache = FunctionCache::new(80); // four functions of ten bytes are half of it
        for name in 0..200 {
            assert!(insert(&cache, name));
            assert!(has(&cache, 0), "used again and again");
            let kept = lock(&cache.kept);
            assert!(10 * (kept.used.len() + kept.before.len()) <= 80);
            assert_eq!(kept.used_bytes, 10 * kept.used.len());
        }
        assert!(has(&cache, 199) && !has(&cache, 1) && !has(&cache, 100));
    }

    #[test]
    fn refuses_what_is_too_large() {
        let cache = FunctionCache::new(19);
        assert!(!insert(&cache, 1));
        assert!(!has(&cache, 1));
    }
}
