//! A service that listens on the port of its variable `PORT`, of all addresses. It reads each
//! connection to the end and answers its variable `GREETING` and what it read; `trap` it does not
//! survive. What it does it prints.

use std::io::{Read as _, Write as _};

use wasip2::cli::{environment, stdout};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

wasip2::cli::command::export!(Service);

struct Service;

impl wasip2::exports::cli::run::Guest for Service {
    fn run() -> Result<(), ()> {
        let port = variable("PORT").parse().map_err(|_| say("no port"))?;
        let Err(error) = serve(port);
        say(&format!("failed: {}", error.name()));
        Err(())
    }
}

fn serve(port: u16) -> Result<std::convert::Infallible, ErrorCode> {
    let listener = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let everywhere = Ipv4SocketAddress {
        port,
        address: (0, 0, 0, 0),
    };
    listener.start_bind(&instance_network(), IpSocketAddress::Ipv4(everywhere))?;
    listener.finish_bind()?;
    listener.start_listen()?;
    listener.finish_listen()?;
    say(&format!("listening: {:?}", listener.local_address()?));
    let ready = listener.subscribe();
    loop {
        match listener.accept() {
            Err(ErrorCode::WouldBlock) => ready.block(),
            Err(error) => return Err(error),
            Ok((socket, mut input, mut output)) => {
                if let Err(error) = answer(&mut input, &mut output) {
                    say(&format!("broken: {error}"));
                }
                drop((input, output));
                close(socket);
            }
        }
    }
}

fn answer(
    input: &mut wasip2::io::streams::InputStream,
    output: &mut wasip2::io::streams::OutputStream,
) -> std::io::Result<()> {
    let mut asked = Vec::new();
    input.read_to_end(&mut asked)?;
    if asked == b"trap" {
        core::arch::wasm32::unreachable();
    }
    output.write_all(variable("GREETING").as_bytes())?;
    output.write_all(&asked)?;
    output.flush().map_err(std::io::Error::other)
}

/// Its streams are gone.
fn close(socket: TcpSocket) {
    say(&format!("closed: {}", socket.remote_address().is_ok()));
}

fn variable(wanted: &str) -> String {
    let variables = environment::get_environment();
    let found = variables.into_iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value).unwrap_or_default()
}

fn say(text: &str) {
    let mut output = stdout::get_stdout();
    _ = writeln!(output, "{text}");
    _ = output.flush();
}
