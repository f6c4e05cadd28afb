//! Calls a peer, and says what came back wrong.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures::channel::mpsc;
use futures::{Stream, StreamExt as _, stream};
use wrpc::Invoke;

use crate::bindings::nimbus::interop::peer;

crate::known_values!(peer);

/// For all calls together.
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn check(wrpc: &impl Invoke<Context = ()>) -> anyhow::Result<()> {
    tokio::time::timeout(PATIENCE, async {
        check_values(wrpc).await?;
        check_bytes(wrpc, 10).await?;
        check_bytes(wrpc, 1000).await?;
        check_upper(wrpc, "some words of text").await?;
        check_conversation(wrpc).await?;
        check_later(wrpc).await?;
        check_resource(wrpc).await
    })
    .await?
}

pub async fn check_large(wrpc: &impl Invoke<Context = ()>) -> anyhow::Result<()> {
    tokio::time::timeout(PATIENCE, async {
        check_bytes(wrpc, 10_000_000).await?;
        check_upper(wrpc, &"some words of text ".repeat(500_000)).await
    })
    .await?
}

async fn check_values(wrpc: &impl Invoke<Context = ()>) -> anyhow::Result<()> {
    let numbers = peer::same_numbers(wrpc, (), &known_numbers()).await?;
    ensure!(numbers == known_numbers(), "same-numbers: {numbers:?}");
    let mixture = peer::same_mixture(wrpc, (), &known_mixture()).await?;
    ensure!(mixture == known_mixture(), "same-mixture: {mixture:?}");
    peer::nothing(wrpc, ()).await.context("nothing")?;
    let broken = peer::break_off(wrpc, ()).await;
    ensure!(broken.is_err(), "break-off: {broken:?}");
    Ok(())
}

async fn check_bytes(wrpc: &impl Invoke<Context = ()>, size: usize) -> anyhow::Result<()> {
    let sent = Bytes::from(vec![b'x'; size]);
    let same = peer::same_bytes(wrpc, (), &sent).await?;
    ensure!(same == sent, "same-bytes: {} of {size} bytes", same.len());
    Ok(())
}

/// What has to run beside a call for its streams to move.
async fn drive(io: Option<impl Future<Output = anyhow::Result<()>>>) -> anyhow::Result<()> {
    match io {
        Some(io) => io.await,
        None => Ok(()),
    }
}

/// A stream that is there as a whole goes out with the other parameters, others on a channel of
/// their own.
async fn check_upper(wrpc: &impl Invoke<Context = ()>, text: &str) -> anyhow::Result<()> {
    check_pieces(wrpc, text, |pieces| Box::pin(pieces)).await?;
    check_pieces(wrpc, text, |pieces| {
        Box::pin(pieces.then(|piece| async {
            tokio::task::yield_now().await;
            piece
        }))
    })
    .await
}

type Pieces = stream::Iter<std::vec::IntoIter<Bytes>>;

async fn check_pieces(
    wrpc: &impl Invoke<Context = ()>,
    text: &str,
    send: impl Fn(Pieces) -> std::pin::Pin<Box<dyn Stream<Item = Bytes> + Send>>,
) -> anyhow::Result<()> {
    let pieces: Vec<Bytes> = text
        .as_bytes()
        .chunks((text.len() / 1000).max(7))
        .map(Bytes::copy_from_slice)
        .collect();
    let (upper, io) = peer::upper(wrpc, (), send(stream::iter(pieces))).await?;
    let (upper, sent) = tokio::join!(upper.collect::<Vec<Bytes>>(), drive(io));
    sent.context("upper")?;
    ensure!(upper.concat() == text.to_uppercase().as_bytes(), "upper");
    Ok(())
}

/// Each number is sent once the one before came back.
async fn converse(
    mut numbers: mpsc::UnboundedSender<Vec<u32>>,
    mut doubled: impl Stream<Item = Vec<u32>> + Unpin,
) -> anyhow::Result<()> {
    for number in [1, 2, 300, 1 << 30] {
        numbers.start_send(vec![number])?;
        let answer = doubled.next().await;
        ensure!(answer == Some(vec![number * 2]), "doubled: {answer:?}");
    }
    drop(numbers);
    let end = doubled.next().await;
    ensure!(end.is_none(), "doubled: {end:?} after the end");
    Ok(())
}

async fn check_conversation(wrpc: &impl Invoke<Context = ()>) -> anyhow::Result<()> {
    let (sender, numbers) = mpsc::unbounded();
    let (doubled, io) = peer::doubled(wrpc, (), Box::pin(numbers)).await?;
    let (talked, sent) = tokio::join!(converse(sender, doubled), drive(io));
    talked?;
    sent.context("doubled")
}

async fn check_later(wrpc: &impl Invoke<Context = ()>) -> anyhow::Result<()> {
    let (later, io) = peer::later(wrpc, (), Box::pin(async { "well".into() })).await?;
    let (later, sent) = tokio::join!(later, drive(io));
    sent.context("later")?;
    ensure!(later == "well, at last", "later: {later}");
    Ok(())
}

async fn check_resource(wrpc: &impl Invoke<Context = ()>) -> anyhow::Result<()> {
    let thing = peer::Thing::new(wrpc, (), "the thing").await?;
    let name = peer::Thing::name(wrpc, (), &thing.as_borrow()).await?;
    ensure!(name == "the thing", "thing.name: {name}");
    Ok(())
}
