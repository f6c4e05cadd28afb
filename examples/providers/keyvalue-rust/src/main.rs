//! A key-value provider in Rust: a map behind `wrpc:keyvalue@0.2.0-draft`, over NATS.
//!
//!     keyvalue-rust nats://127.0.0.1:4222 PREFIX

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::select_all;
use wrpc_transport_nats::{Client, NatsContext};

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

impl store::Handler<NatsContext> for Provider {
    async fn get(
        &self,
        _: NatsContext,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<Option<Bytes>, Error>> {
        Ok(Ok(self.with(bucket, |bucket| bucket.get(&key).cloned())))
    }

    async fn set(
        &self,
        _: NatsContext,
        bucket: String,
        key: String,
        value: Bytes,
    ) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| bucket.insert(key, value));
        Ok(Ok(()))
    }

    async fn delete(
        &self,
        _: NatsContext,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| bucket.remove(&key));
        Ok(Ok(()))
    }

    async fn exists(
        &self,
        _: NatsContext,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<bool, Error>> {
        Ok(Ok(self.with(bucket, |bucket| bucket.contains_key(&key))))
    }

    /// The cursor is how many keys, in order, have been listed.
    async fn list_keys(
        &self,
        _: NatsContext,
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

impl atomics::Handler<NatsContext> for Provider {
    async fn increment(
        &self,
        _: NatsContext,
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

impl batch::Handler<NatsContext> for Provider {
    async fn get_many(
        &self,
        _: NatsContext,
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
        _: NatsContext,
        bucket: String,
        key_values: Vec<(String, Bytes)>,
    ) -> anyhow::Result<Result<(), Error>> {
        self.with(bucket, |bucket| bucket.extend(key_values));
        Ok(Ok(()))
    }

    async fn delete_many(
        &self,
        _: NatsContext,
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
    let usage = "usage: keyvalue-rust NATS_URL PREFIX";
    let server = arguments.next().context(usage)?;
    let prefix = arguments.next().context(usage)?;

    let nats = async_nats::connect(&server)
        .await
        .context("cannot connect to NATS")?;
    let group = Some(Arc::from(prefix.as_str()));
    let wrpc = Client::new(nats.clone(), prefix, group).await?;
    let served = bindings::serve(&wrpc, Provider::default()).await?;
    nats.flush().await?;
    println!("serving");

    let mut calls = select_all(
        served
            .into_iter()
            .map(|(instance, name, calls)| calls.map(move |call| (instance, name, call))),
    );
    while let Some((instance, name, call)) = calls.next().await {
        tokio::spawn(async move {
            let done = match call {
                Ok(work) => work.await,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                eprintln!("{instance}/{name}: {error:#}");
            }
        });
    }
    Ok(())
}
