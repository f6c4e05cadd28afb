//! What a component may reach by `wasi:sockets`: `/tcp?addr=`, `/listen?addr=`, `/udp?addr=` (each
//! with `send=`), `/lookup?name=`. An error is answered by its WIT name with the step it happened
//! in.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};

use guest_support::Query;
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::poll::{Pollable, poll};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp::ShutdownType;
use wasip2::sockets::udp::OutgoingDatagram;
use wasip2::sockets::{ip_name_lookup, tcp_create_socket, udp_create_socket};

use crate::reply::text;

pub struct Failure(String);

pub fn answer(out: ResponseOutparam, result: Result<String, Failure>) {
    match result {
        Ok(answer) => text(out, 200, &answer),
        Err(Failure(reason)) => text(out, 500, &format!("{reason}\n")),
    }
}

/// Connects, sends `send`, with `close=1` ends its own side, and answers what comes back until the
/// other side ends too. With `again=ADDRESS` it connects the same socket once more instead.
pub fn tcp(query: &Query) -> Result<String, Failure> {
    let address = address(query)?;
    let socket = tcp_create_socket::create_tcp_socket(family(&address)).at("create")?;
    socket
        .start_connect(&instance_network(), to_wasi(address))
        .at("connect")?;
    let (mut input, mut output) =
        retried(|| socket.subscribe(), || socket.finish_connect()).at("connect")?;
    if let Some(again) = query.text("again") {
        let again = to_wasi(parse(again)?);
        socket.start_connect(&instance_network(), again).at("again")?;
        retried(|| socket.subscribe(), || socket.finish_connect()).at("again")?;
    }
    let sent = output.write_all(query.text("send").unwrap_or_default().as_bytes());
    sent.map_err(|error| Failure(format!("send: {error}")))?;
    output
        .blocking_flush()
        .map_err(|error| Failure(format!("send: {error}")))?;
    if query.number("close", 0) == 1 {
        let _ = socket.shutdown(ShutdownType::Send);
    }
    let mut received = Vec::new();
    let read = input.read_to_end(&mut received);
    read.map_err(|error| Failure(format!("receive: {error}")))?;
    Ok(String::from_utf8_lossy(&received).into_owned())
}

/// Binds and listens, and answers the address.
pub fn listen(query: &Query) -> Result<String, Failure> {
    let address = address(query)?;
    let socket = tcp_create_socket::create_tcp_socket(family(&address)).at("create")?;
    socket
        .start_bind(&instance_network(), to_wasi(address))
        .at("bind")?;
    retried(|| socket.subscribe(), || socket.finish_bind()).at("bind")?;
    socket.start_listen().at("listen")?;
    retried(|| socket.subscribe(), || socket.finish_listen()).at("listen")?;
    Ok(format!(
        "{:?}\n",
        socket.local_address().at("local-address")?
    ))
}

/// Sends `send` in one datagram and answers the first that comes back within a second.
pub fn udp(query: &Query) -> Result<String, Failure> {
    let address = address(query)?;
    let socket = udp_create_socket::create_udp_socket(family(&address)).at("create")?;
    let any = SocketAddr::new(
        if address.is_ipv4() {
            [0; 4].into()
        } else {
            [0; 16].into()
        },
        0,
    );
    socket
        .start_bind(&instance_network(), to_wasi(any))
        .at("bind")?;
    retried(|| socket.subscribe(), || socket.finish_bind()).at("bind")?;
    let (incoming, outgoing) = socket.stream(None).at("stream")?;
    while outgoing.check_send().at("send")? == 0 {
        outgoing.subscribe().block();
    }
    let data = query.text("send").unwrap_or_default().as_bytes().to_vec();
    outgoing
        .send(&[OutgoingDatagram {
            data,
            remote_address: Some(to_wasi(address)),
        }])
        .at("send")?;
    let (arrived, too_late) = (
        incoming.subscribe(),
        monotonic_clock::subscribe_duration(1_000_000_000),
    );
    loop {
        if let Some(datagram) = incoming.receive(1).at("receive")?.pop() {
            return Ok(String::from_utf8_lossy(&datagram.data).into_owned());
        }
        if too_late.ready() {
            return Err(Failure("receive: nothing within a second".into()));
        }
        poll(&[&arrived, &too_late]);
    }
}

/// The addresses of `name`, one a line.
pub fn lookup(query: &Query) -> Result<String, Failure> {
    let name = query.text("name").unwrap_or_default();
    let found = ip_name_lookup::resolve_addresses(&instance_network(), name).at("resolve")?;
    let mut lines = String::new();
    loop {
        match retried(|| found.subscribe(), || found.resolve_next_address()).at("resolve")? {
            Some(address) => lines.push_str(&format!("{}\n", from_wasi(address))),
            None => return Ok(lines),
        }
    }
}

trait At<T> {
    fn at(self, step: &str) -> Result<T, Failure>;
}

impl<T> At<T> for Result<T, ErrorCode> {
    fn at(self, step: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{step}: {}", error.name())))
    }
}

/// Repeats an operation that would block whenever its pollable is ready.
fn retried<T>(
    ready: impl Fn() -> Pollable,
    attempt: impl Fn() -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    loop {
        match attempt() {
            Err(ErrorCode::WouldBlock) => ready().block(),
            result => return result,
        }
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
