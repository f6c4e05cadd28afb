//! A key-value provider in Rust: a map behind `wrpc:keyvalue@0.2.0-draft`.
//!
//!     keyvalue-rust nats://127.0.0.1:4222 PREFIX
//!     keyvalue-rust tcp:127.0.0.1:7761
//!     keyvalue-rust unix:/run/keyvalue.sock

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use bytes::Bytes;

mod transports;

mod bindings {
    wit_bindgen_wrpc::generate!({
        path: "../../../wit/wrpc-keyvalue",
        world: "provider",
        generate_all,
    });
}

use bindings::exports::wrpc::keyvalue::{atomics, batch, store};
use store::{Error, KeyResponse};

/// Keys of one page of `list-keys`.
const PAGE: usize = 1000;

type Bucket = BTreeMap<String, Bytes>;

#[derive(Clone, Default)]
struct Provider {
    buckets: Arc<Mutex<HashMap<String, Bucket>>>,
}

impl Provider {
    /// Runs `work` with the bucket, which comes into being with its first use.
    fn with<T>(&self, bucket: String, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.buckets.lock().expect("no call panics with the lock");
        work(buckets.entry(bucket).or_default())
    }
}

// The context is what a transport knows of a call.
impl<C: Send + Sync> store::Handler<C> for Provider {
    async fn get(
        &self,
        _: C,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<Option<Bytes>, Error>> {
        Ok(Ok(self.with(bucket, |bucket| bucket.get(&key).cloned())))
    }

    async fn set(
        &self,
        _: C,
        bucket: String,
        key: String,
        value: Bytes,
    ) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| bucket.insert(key, value));
        Ok(Ok(()))
    }

    async fn delete(&self, _: C, bucket: String, key: String) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| bucket.remove(&key));
        Ok(Ok(()))
    }

    async fn exists(
        &self,
        _: C,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<bool, Error>> {
        Ok(Ok(self.with(bucket, |bucket| bucket.contains_key(&key))))
    }

    /// The cursor is how many keys, in order, have been listed.
    async fn list_keys(
        &self,
        _: C,
        bucket: String,
        cursor: Option<u64>,
    ) -> anyhow::Result<Result<KeyResponse, Error>> {
        let done = usize::try_from(cursor.unwrap_or(0))?;
        Ok(Ok(self.with(bucket, |bucket| {
            let keys: Vec<String> = bucket.keys().skip(done).take(PAGE).cloned().collect();
            let next = done + keys.len();
            let cursor = (next < bucket.len()).then_some(next as u64);
            KeyResponse { keys, cursor }
        })))
    }
}

impl<C: Send + Sync> atomics::Handler<C> for Provider {
    async fn increment(
        &self,
        _: C,
        bucket: String,
        key: String,
        delta: u64,
    ) -> anyhow::Result<Result<u64, Error>> {
        Ok(self.with(bucket, |bucket| {
            let text = bucket
                .get(&key)
                .map_or("0".into(), |value| String::from_utf8_lossy(value));
            let number = text
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_add(delta));
            let number =
                number.ok_or_else(|| Error::Other(format!("{key} cannot be counted up")))?;
            bucket.insert(key, Bytes::from(number.to_string()));
            Ok(number)
        }))
    }
}

impl<C: Send + Sync> batch::Handler<C> for Provider {
    async fn get_many(
        &self,
        _: C,
        bucket: String,
        keys: Vec<String>,
    ) -> anyhow::Result<Result<Vec<Option<(String, Bytes)>>, Error>> {
        Ok(Ok(self.with(bucket, |bucket| {
            let pair = |key: String| bucket.get(&key).map(|value| (key, value.clone()));
            keys.into_iter().map(pair).collect()
        })))
    }

    async fn set_many(
        &self,
        _: C,
        bucket: String,
        key_values: Vec<(String, Bytes)>,
    ) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| bucket.extend(key_values));
        Ok(Ok(()))
    }

    async fn delete_many(
        &self,
        _: C,
        bucket: String,
        keys: Vec<String>,
    ) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| {
            keys.iter().for_each(|key| drop(bucket.remove(key)))
        });
        Ok(Ok(()))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: keyvalue-rust nats://HOST:PORT PREFIX | tcp:HOST:PORT | unix:PATH";
    let address = arguments.next().context(usage)?;
    let provider = Provider::default();
    match address.split_once(':') {
        Some(("tcp", at)) => transports::serve_tcp(at, provider).await,
        Some(("unix", path)) => transports::serve_unix(path, provider).await,
        _ => {
            let prefix = arguments.next().context(usage)?;
            transports::serve_nats(&address, prefix, provider).await
        }
    }
}
