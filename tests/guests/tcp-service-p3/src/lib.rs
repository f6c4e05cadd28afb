//! `tcp-service` in WASI 0.3.

use std::convert::Infallible;

use wasip3::cli::{environment, stdout};
use wasip3::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket,
};
use wasip3::wit_stream;

wasip3::cli::command::export!(Service);

struct Service;

impl wasip3::exports::cli::run::Guest for Service {
    async fn run() -> Result<(), ()> {
        let Ok(port) = variable("PORT").parse() else {
            say("no port").await;
            return Err(());
        };
        let Err(error) = serve(port).await;
        say(&format!("failed: {error:?}")).await;
        Err(())
    }
}

async fn serve(port: u16) -> Result<Infallible, ErrorCode> {
    let listener = TcpSocket::create(IpAddressFamily::Ipv4)?;
    let everywhere = Ipv4SocketAddress {
        port,
        address: (0, 0, 0, 0),
    };
    listener.bind(IpSocketAddress::Ipv4(everywhere))?;
    let mut connections = listener.listen()?;
    say(&format!("listening: {:?}", listener.get_local_address()?)).await;
    drop(listener); // its connections come without it
    loop {
        let Some(connection) = connections.next().await else {
            return Err(ErrorCode::InvalidState);
        };
        if let Err(error) = answer(&connection).await {
            say(&format!("broken: {error:?}")).await;
        }
        say(&format!(
            "closed: {}",
            connection.get_remote_address().is_ok()
        ))
        .await;
    }
}

async fn answer(connection: &TcpSocket) -> Result<(), ErrorCode> {
    let (input, received) = connection.receive();
    let asked = input.collect().await;
    received.await?;
    if asked == b"trap" {
        core::arch::wasm32::unreachable();
    }
    let (mut output, data) = wit_stream::new();
    let sent = connection.send(data);
    output.write_all(variable("GREETING").into_bytes()).await;
    output.write_all(asked).await;
    drop(output); // the end
    sent.await
}

fn variable(wanted: &str) -> String {
    let variables = environment::get_environment();
    let found = variables.into_iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value).unwrap_or_default()
}

async fn say(text: &str) {
    let (mut writer, content) = wit_stream::new();
    let written = stdout::write_via_stream(content);
    writer.write_all(format!("{text}\n").into_bytes()).await;
    drop(writer);
    _ = written.await;
}
