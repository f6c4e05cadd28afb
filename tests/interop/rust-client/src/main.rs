//! A client of a key-value provider over NATS, with the bindings and the transport of wRPC's own
//! crates: checks what comes back.
//!
//!     rust-client NATS_URL PREFIX

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use wrpc_transport_nats::Client;

mod bindings {
    wit_bindgen_wrpc::generate!({
        inline: "
            package nimbus:interop;
            world client {
                import wrpc:keyvalue/store@0.2.0-draft;
                import wrpc:keyvalue/atomics@0.2.0-draft;
                import wrpc:keyvalue/batch@0.2.0-draft;
            }
        ",
        path: "../../../wit/wrpc-keyvalue",
        world: "nimbus:interop/client",
        generate_all,
    });
}

use bindings::wrpc::keyvalue::{atomics, batch, store};

const BUCKET: &str = "rust";

/// What the interface says about a failure, as one of ours.
fn told<T>(result: Result<T, store::Error>) -> anyhow::Result<T> {
    result.map_err(|error| anyhow::anyhow!("{error:?}"))
}

async fn check(wrpc: &Client) -> anyhow::Result<()> {
    ensure!(told(store::get(wrpc, None, BUCKET, "none").await?)?.is_none());
    // Of one message, just beyond, and of several.
    for size in [0, 1, 1 << 10, (1 << 20) - 64, 1 << 20, 3 << 20] {
        let value = Bytes::from(vec![size as u8; size]);
        told(store::set(wrpc, None, BUCKET, "key", &value).await?)?;
        let found = told(store::get(wrpc, None, BUCKET, "key").await?)?;
        ensure!(found == Some(value), "a value of {size} bytes");
    }
    ensure!(told(store::exists(wrpc, None, BUCKET, "key").await?)?);
    told(store::delete(wrpc, None, BUCKET, "key").await?)?;
    ensure!(!told(store::exists(wrpc, None, BUCKET, "key").await?)?);

    let count = atomics::increment(wrpc, None, BUCKET, "count", u64::MAX).await?;
    ensure!(count.ok() == Some(u64::MAX));
    let beyond = atomics::increment(wrpc, None, BUCKET, "count", 1).await?;
    ensure!(beyond.is_err(), "counted beyond the largest number");

    let value = Bytes::from_static(b"1");
    let written = batch::set_many(wrpc, None, BUCKET, &[("a", &value), ("b", &value)]).await?;
    ensure!(written.is_ok());
    let found = batch::get_many(wrpc, None, BUCKET, &["a", "none", "b"]).await?;
    let found = found.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    ensure!(found.len() == 3 && found[1].is_none());
    ensure!(found[2] == Some(("b".into(), value)));
    let listed = told(store::list_keys(wrpc, None, BUCKET, None).await?)?;
    ensure!(listed.keys.len() == 3, "{:?}", listed.keys);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: rust-client NATS_URL PREFIX";
    let server = arguments.next().context(usage)?;
    let prefix = arguments.next().context(usage)?;
    let nats = async_nats::connect(&server)
        .await
        .context("cannot connect to NATS")?;
    let wrpc = Client::new(nats, prefix, None).await?;
    check(&wrpc).await?;
    println!("checked");
    Ok(())
}
