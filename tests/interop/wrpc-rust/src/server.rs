//! Serves the interface on a socket.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{bail, ensure};
use bytes::Bytes;
use futures::stream::select_all;
use futures::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpListener, UnixListener};
use wrpc::transport::frame::Server;
use wrpc::transport::{ResourceBorrow, ResourceOwn};

use crate::bindings::exports::nimbus::interop::peer;
use peer::Thing;

crate::known_values!(peer);

/// Begins each handle; the name of the thing follows.
const HANDLE_MARK: &[u8] = b"thing\0";

type StreamOf<T> = Pin<Box<dyn Stream<Item = T> + Send>>;
type FutureOf<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[derive(Clone)]
struct Peer;

impl peer::Handler<()> for Peer {
    async fn same_numbers(&self, (): (), value: Numbers) -> anyhow::Result<Numbers> {
        ensure!(value == known_numbers(), "other numbers: {value:?}");
        Ok(value)
    }

    async fn same_mixture(&self, (): (), value: Mixture) -> anyhow::Result<Mixture> {
        ensure!(value == known_mixture(), "another mixture: {value:?}");
        Ok(value)
    }

    async fn same_bytes(&self, (): (), value: Bytes) -> anyhow::Result<Bytes> {
        Ok(value)
    }

    async fn nothing(&self, (): ()) -> anyhow::Result<()> {
        Ok(())
    }

    async fn break_off(&self, (): ()) -> anyhow::Result<u32> {
        bail!("on purpose")
    }

    async fn hang(&self, (): ()) -> anyhow::Result<u32> {
        println!("hanging");
        std::future::pending().await
    }

    async fn upper(&self, (): (), text: StreamOf<Bytes>) -> anyhow::Result<StreamOf<Bytes>> {
        Ok(Box::pin(
            text.map(|piece| piece.to_ascii_uppercase().into()),
        ))
    }

    async fn doubled(
        &self,
        (): (),
        numbers: StreamOf<Vec<u32>>,
    ) -> anyhow::Result<StreamOf<Vec<u32>>> {
        let double = |chunk: Vec<u32>| chunk.into_iter().map(|number| number * 2).collect();
        Ok(Box::pin(numbers.map(double)))
    }

    async fn later(&self, (): (), value: FutureOf<String>) -> anyhow::Result<FutureOf<String>> {
        Ok(Box::pin(async { value.await + ", at last" }))
    }
}

impl peer::HandlerThing<()> for Peer {
    async fn new(&self, (): (), name: String) -> anyhow::Result<ResourceOwn<Thing>> {
        Ok(Bytes::from([HANDLE_MARK, name.as_bytes()].concat()).into())
    }

    async fn name(&self, (): (), thing: ResourceBorrow<Thing>) -> anyhow::Result<String> {
        let handle: &[u8] = thing.as_ref();
        match handle.strip_prefix(HANDLE_MARK) {
            Some(name) => Ok(String::from_utf8(name.into())?),
            None => bail!("not a handle of ours"),
        }
    }
}

/// Hands each connection to the server, which reads what it calls.
fn take<I, O>(server: &Arc<Server<(), BufReader<I>, O>>, from: I, to: O)
where
    I: AsyncRead + Send + Sync + Unpin + 'static,
    O: AsyncWrite + Send + Sync + Unpin + 'static,
{
    let server = Arc::clone(server);
    tokio::spawn(async move {
        if let Err(error) = server.accept((), to, BufReader::new(from)).await {
            eprintln!("a connection without a call: {error}");
        }
    });
}

/// A server that answers what it is handed.
async fn answering<I, O>() -> anyhow::Result<Arc<Server<(), BufReader<I>, O>>>
where
    I: AsyncRead + Send + Sync + Unpin + 'static,
    O: AsyncWrite + Send + Sync + Unpin + 'static,
{
    let server = Arc::new(Server::default());
    let served = crate::bindings::serve(server.as_ref(), Peer).await?;
    let mut calls = select_all(
        served
            .into_iter()
            .map(|(_, name, calls)| calls.map(move |call| (name, call))),
    );
    tokio::spawn(async move {
        while let Some((name, call)) = calls.next().await {
            tokio::spawn(async move {
                let done = match call {
                    Ok(work) => work.await,
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    eprintln!("{name}: {error:#}");
                }
            });
        }
    });
    Ok(server)
}

pub async fn serve_tcp(at: String) -> anyhow::Result<()> {
    let server = answering().await?;
    let listener = TcpListener::bind(at).await?;
    println!("serving tcp:{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        let (from, to) = connection.into_split();
        take(&server, from, to);
    }
}

pub async fn serve_unix(path: PathBuf) -> anyhow::Result<()> {
    let server = answering().await?;
    let listener = UnixListener::bind(&path)?;
    println!("serving unix:{}", path.display());
    loop {
        let (connection, _) = listener.accept().await?;
        let (from, to) = connection.into_split();
        take(&server, from, to);
    }
}
