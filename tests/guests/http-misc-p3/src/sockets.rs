//! What a component may reach by `wasi:sockets`: `/tcp?addr=`, `/listen?addr=`, `/udp?addr=` (each
//! with `send=`), `/lookup?name=`. An error is answered by its WIT name with the step it happened
//! in.

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};

use guest_support::{Query, wit_name};
use wasip3::http::types::Response;
use wasip3::sockets::ip_name_lookup;
use wasip3::sockets::types::{
    IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket,
    UdpSocket,
};
use wasip3::wit_stream;

use crate::reply::text;

pub struct Failure(String);

pub fn answer(result: Result<String, Failure>) -> Response {
    match result {
        Ok(answer) => text(200, &answer),
        Err(Failure(reason)) => text(500, &format!("{reason}\n")),
    }
}

/// Connects, sends `send`, with `close=1` ends its own side, and answers what comes back until the
/// other side ends too. With `drop=1` the socket goes first, and its streams stay. With
/// `again=ADDRESS` it connects the same socket once more instead.
pub async fn tcp(query: &Query) -> Result<String, Failure> {
    let address = address(query)?;
    let socket = TcpSocket::create(family(&address)).at("create")?;
    socket.connect(to_wasi(address)).await.at("connect")?;
    if let Some(again) = query.text("again") {
        socket.connect(to_wasi(parse(again)?)).await.at("again")?;
    }
    let (mut output, stream) = wit_stream::new();
    let sent = socket.send(stream);
    let bytes = query.text("send").unwrap_or_default().as_bytes().to_vec();
    output.write_all(bytes).await;
    let mut output = Some(output);
    if query.number("close", 0) == 1 {
        output = None; // the other side reads the end
    }
    let (input, received) = socket.receive();
    let kept = (query.number("drop", 0) == 0).then_some(socket);
    let bytes = input.collect().await;
    received.await.at("receive")?;
    drop((output, kept));
    sent.await.at("send")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Binds and listens, and answers the address.
pub fn listen(query: &Query) -> Result<String, Failure> {
    let address = address(query)?;
    let socket = TcpSocket::create(family(&address)).at("create")?;
    socket.bind(to_wasi(address)).at("bind")?;
    let _connections = socket.listen().at("listen")?;
    Ok(format!(
        "{:?}\n",
        socket.get_local_address().at("local-address")?
    ))
}

/// Sends `send` in one datagram and answers the first that comes back.
pub async fn udp(query: &Query) -> Result<String, Failure> {
    let address = address(query)?;
    let socket = UdpSocket::create(family(&address)).at("create")?;
    let any = SocketAddr::new(
        if address.is_ipv4() {
            [0; 4].into()
        } else {
            [0; 16].into()
        },
        0,
    );
    socket.bind(to_wasi(any)).at("bind")?;
    let data = query.text("send").unwrap_or_default().as_bytes().to_vec();
    socket.send(data, Some(to_wasi(address))).await.at("send")?;
    let (data, _) = socket.receive().await.at("receive")?;
    Ok(String::from_utf8_lossy(&data).into_owned())
}

/// The addresses of `name`, one a line.
pub async fn lookup(query: &Query) -> Result<String, Failure> {
    let name = query.text("name").unwrap_or_default().to_string();
    let addresses = ip_name_lookup::resolve_addresses(name)
        .await
        .at("resolve")?;
    Ok(addresses
        .into_iter()
        .map(|address| format!("{}\n", from_wasi(address)))
        .collect())
}

trait At<T> {
    fn at(self, step: &str) -> Result<T, Failure>;
}

impl<T, E: Debug> At<T> for Result<T, E> {
    fn at(self, step: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{step}: {}", wit_name(&error))))
    }
}

fn address(query: &Query) -> Result<SocketAddr, Failure> {
    parse(query.text("addr").unwrap_or_default())
}

fn parse(text: &str) -> Result<SocketAddr, Failure> {
    text.parse()
        .map_err(|_| Failure(format!("no address: {text:?}")))
}

fn family(address: &SocketAddr) -> IpAddressFamily {
    if address.is_ipv4() {
        IpAddressFamily::Ipv4
    } else {
        IpAddressFamily::Ipv6
    }
}

fn to_wasi(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(v4) => {
            let [a, b, c, d] = v4.ip().octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress {
                port: v4.port(),
                address: (a, b, c, d),
            })
        }
        SocketAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.ip().segments();
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port: v6.port(),
                flow_info: v6.flowinfo(),
                address: (a, b, c, d, e, f, g, h),
                scope_id: v6.scope_id(),
            })
        }
    }
}

fn from_wasi(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
    }
}
