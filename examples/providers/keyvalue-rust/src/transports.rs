//! The same provider over each transport.

use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream::select_all;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use wit_bindgen_wrpc::wrpc_transport::Serve;
use wit_bindgen_wrpc::wrpc_transport::frame::{Oneshot, Server};
use wrpc_transport_nats::Client;

use crate::{Provider, bindings};

/// Answers the calls that a server is handed, until it is gone.
async fn answer<S: Serve>(server: &S, provider: Provider) -> anyhow::Result<JoinHandle<()>>
where
    S::Context: Send + Sync + 'static,
{
    let served = bindings::serve(server, provider).await?;
    let mut calls = select_all(
        served
            .into_iter()
            .map(|(instance, name, calls)| calls.map(move |call| (instance, name, call))),
    );
    Ok(tokio::spawn(async move {
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
    }))
}

/// Programs of one prefix share its calls.
pub async fn serve_nats(server: &str, prefix: String, provider: Provider) -> anyhow::Result<()> {
    let nats = async_nats::connect(server)
        .await
        .context("cannot connect to NATS")?;
    let group = Some(Arc::from(prefix.as_str()));
    let wrpc = Client::new(nats.clone(), prefix, group).await?;
    let answering = answer(&wrpc, provider).await?;
    nats.flush().await?;
    println!("serving");
    Ok(answering.await?)
}

/// Each connection is one call, read by a task of its own, so that a slow one holds up no other.
type Connections<I, O> = Arc<Server<(), I, O>>;

fn take<I, O>(server: &Connections<I, O>, from: I, to: O)
where
    I: AsyncRead + Send + Sync + Unpin + 'static,
    O: AsyncWrite + Send + Sync + Unpin + 'static,
{
    let server = server.clone();
    tokio::spawn(async move {
        if let Err(error) = server.accept(Oneshot::from((from, to))).await {
            eprintln!("a connection without a call: {error}");
        }
    });
}

async fn answered<I, O>(provider: Provider) -> anyhow::Result<Connections<I, O>>
where
    I: AsyncRead + Send + Sync + Unpin + 'static,
    O: AsyncWrite + Send + Sync + Unpin + 'static,
{
    let server = Connections::default();
    answer(server.as_ref(), provider).await?;
    Ok(server)
}

pub async fn serve_tcp(at: &str, provider: Provider) -> anyhow::Result<()> {
    let server = answered(provider).await?;
    let listener = TcpListener::bind(at).await?;
    println!("serving {}", listener.local_addr()?);
    loop {
        let (from, to) = listener.accept().await?.0.into_split();
        take(&server, from, to);
    }
}

pub async fn serve_unix(path: &str, provider: Provider) -> anyhow::Result<()> {
    let server = answered(provider).await?;
    let listener = UnixListener::bind(path)?;
    println!("serving {path}");
    loop {
        let (from, to) = listener.accept().await?.0.into_split();
        take(&server, from, to);
    }
}
