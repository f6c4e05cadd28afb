use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;

use tokio::time::timeout;
use wasmtime_wasi::sockets::ErrorCode;

use super::super::network::Listener;
use super::super::unread::CAPACITY;
use super::*;
use crate::engine::budget::Total;

const PRIVATE: u16 = 7777;
const MANY: usize = 8;
/// More than the system keeps for both ends of a connection, and we.
const MUCH: usize = 128 << 20;
/// Nothing has moved for so long: nothing does.
const STILL: Duration = Duration::from_millis(200);

fn published_with(patience: Duration) -> (Port, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (Port::new(listener, patience).unwrap(), address)
}

fn published() -> (Port, SocketAddr) {
    published_with(Duration::from_secs(60))
}

fn listen_with(network: &Arc<Network>, memory: Arc<Total>) -> Arc<Listener> {
    let binding = network.bind(Family::V4, PRIVATE).unwrap();
    binding.listen(MANY, memory)
}

fn listen(network: &Arc<Network>) -> Arc<Listener> {
    listen_with(network, Arc::new(Total::new(1 << 20)))
}

type What = Result<i32, &'static str>;
type Told = mpsc::Sender<What>;

/// What is told, and when that is over.
fn telling() -> (PortCalls, mpsc::Receiver<What>) {
    extern "C" fn refused(context: *mut c_void, why: i32) {
        // SAFETY: `telling` made it, and it is not released yet.
        let told = unsafe { &*context.cast::<Told>() };
        _ = told.send(Ok(why));
    }
    extern "C" fn release(context: *mut c_void) {
        // SAFETY: `telling` made it, and this is the last call.
        let told = unsafe { Box::from_raw(context.cast::<Told>()) };
        _ = told.send(Err("released"));
    }
    let (tell, told) = mpsc::channel::<What>();
    let calls = PortCalls {
        context: Box::into_raw(Box::new(tell)).cast(),
        refused,
        release,
    };
    (calls, told)
}

fn lead_telling(port: &Port, network: &Arc<Network>) -> mpsc::Receiver<What> {
    let (calls, told) = telling();
    let network = network.clone();
    port.lead_to(Target {
        network,
        port: PRIVATE,
        calls,
    });
    told
}

fn lead(port: &Port, network: &Arc<Network>) {
    drop(lead_telling(port, network));
}

fn led(max_inbound: usize) -> (Port, SocketAddr, Arc<Listener>) {
    let (port, address) = published();
    let network = Arc::new(Network::new(max_inbound));
    let listener = listen(&network);
    lead(&port, &network);
    (port, address, listener)
}

fn accepted(listener: &Listener) -> Connection {
    runtime().block_on(async {
        poll_fn(|cx| listener.poll_ready(cx)).await;
        let incoming = listener.next().expect("somebody connected");
        incoming.accept(Arc::new(())).expect("it is new")
    })
}

/// To the end of what is sent.
fn read(connection: &Connection) -> Result<String, ErrorCode> {
    let receiver = connection.receiver.as_ref().unwrap();
    let mut all = Vec::new();
    let mut buffer = [0; 64];
    runtime().block_on(async {
        loop {
            poll_fn(|cx| receiver.poll_ready(cx)).await;
            match receiver.read(&mut buffer) {
                Poll::Ready(Ok(0)) => return Ok(String::from_utf8(all.clone()).unwrap()),
                Poll::Ready(Ok(count)) => all.extend(&buffer[..count]),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {}
            }
        }
    })
}

fn answer(mut connection: Connection, bytes: &[u8]) {
    answer_first(&mut connection, bytes);
}

/// And sends no more.
fn answer_first(connection: &mut Connection, bytes: &[u8]) {
    let sender = connection.sender.take().unwrap();
    assert!(runtime().block_on(send(&sender, bytes)));
}

fn ask(client: &mut TcpStream, bytes: &[u8]) {
    client.write_all(bytes).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
}

fn answer_to(mut client: TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    Ok(text)
}

/// What another thread does.
fn eventually(done: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came");
}

fn is_reset(client: TcpStream) {
    let error = answer_to(client).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn both_directions_are_carried_to_their_ends() {
    let (_port, address, listener) = led(MANY);
    let mut client = TcpStream::connect(address).unwrap();
    ask(&mut client, b"ping");
    let connection = accepted(&listener);
    assert!(connection.remote.ip().is_loopback());
    assert_eq!(read(&connection).unwrap(), "ping");
    answer(connection, "pong".repeat(100_000).as_bytes());
    assert_eq!(answer_to(client).unwrap(), "pong".repeat(100_000));
}

#[test]
fn who_comes_early_waits_for_somebody_to_listen() {
    let (port, address) = published();
    let mut client = TcpStream::connect(address).unwrap();
    ask(&mut client, b"ping");
    let network = Arc::new(Network::new(MANY));
    lead(&port, &network);
    let listener = listen(&network);
    let connection = accepted(&listener);
    assert_eq!(read(&connection).unwrap(), "ping");
}

#[test]
fn it_is_led_elsewhere_and_connections_stay_where_they_are() {
    let (port, address, before) = led(MANY);
    let mut old = TcpStream::connect(address).unwrap();
    let old_inside = accepted(&before);
    let network = Arc::new(Network::new(MANY));
    let after = listen(&network);
    lead(&port, &network);
    let mut new = TcpStream::connect(address).unwrap();
    ask(&mut new, b"new");
    assert_eq!(read(&accepted(&after)).unwrap(), "new");
    ask(&mut old, b"old");
    assert_eq!(read(&old_inside).unwrap(), "old");
}

#[test]
fn more_than_there_may_be_are_reset_and_told() {
    let (port, address) = published();
    let network = Arc::new(Network::new(1));
    let told = lead_telling(&port, &network);
    // One that waits for somebody to listen is one.
    let first = TcpStream::connect(address).unwrap();
    eventually(|| network.inbound.available_permits() == 0);
    is_reset(TcpStream::connect(address).unwrap());
    assert_eq!(told.recv().unwrap(), Ok(Refusal::TooMany as i32));
    let listener = listen(&network);
    let connection = accepted(&listener);
    is_reset(TcpStream::connect(address).unwrap());
    drop((first, connection));
}

#[test]
fn who_finds_nobody_is_reset_and_told() {
    let (port, address) = published_with(Duration::from_millis(1));
    let network = Arc::new(Network::new(1));
    let told = lead_telling(&port, &network);
    is_reset(TcpStream::connect(address).unwrap());
    assert_eq!(told.recv().unwrap(), Ok(Refusal::NobodyListened as i32));
    eventually(|| network.inbound.available_permits() == 1);
}

#[test]
fn nobody_is_told_once_it_is_led_elsewhere_or_given_back() {
    let (port, address) = published();
    let network = Arc::new(Network::new(1));
    let told = lead_telling(&port, &network);
    let client = TcpStream::connect(address).unwrap();
    eventually(|| network.inbound.available_permits() == 0);
    let told_next = lead_telling(&port, &network);
    assert_eq!(told.try_recv(), Ok(Err("released")));
    drop(port);
    assert_eq!(told_next.try_recv(), Ok(Err("released")));
    is_reset(client);
}

#[test]
fn a_client_that_does_not_read_stops_the_socket_inside() {
    let (_port, address, listener) = led(MANY);
    let mut client = TcpStream::connect(address).unwrap();
    let mut connection = accepted(&listener);
    let sender = connection.sender.take().unwrap();
    let sent = runtime().block_on(async {
        let mut sent = 0;
        while sent < MUCH {
            let room = poll_fn(|cx| sender.poll_ready(cx));
            if timeout(STILL, room).await.is_err() {
                break;
            }
            if let Poll::Ready(count) = sender.write(&[b'x'; CAPACITY]) {
                sent += count.unwrap();
            }
        }
        sent
    });
    assert!(sent < MUCH, "{sent} bytes lie somewhere");
    drop((sender, connection));
    let mut read = Vec::new();
    client.read_to_end(&mut read).unwrap();
    assert_eq!(read.len(), sent);
}

#[test]
fn a_socket_inside_that_does_not_read_stops_the_client() {
    let (port, address) = published();
    let network = Arc::new(Network::new(MANY));
    let memory = Arc::new(Total::new(CAPACITY as u64));
    let listener = listen_with(&network, memory.clone());
    lead(&port, &network);
    let mut client = TcpStream::connect(address).unwrap();
    let connection = accepted(&listener);
    client.set_write_timeout(Some(STILL)).unwrap();
    let mut sent = 0;
    while sent < MUCH {
        match client.write(&[b'x'; CAPACITY]) {
            Ok(count) => sent += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert!(sent < MUCH, "{sent} bytes lie somewhere");
    assert!(memory.used_bytes() > 0);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&connection).unwrap().len(), sent);
    assert_eq!(memory.used_bytes(), 0);
}

#[test]
fn a_client_that_vanishes_breaks_what_is_sent_to_it() {
    let (port, address) = published();
    let network = Arc::new(Network::new(1));
    let listener = listen(&network);
    lead(&port, &network);
    let mut client = TcpStream::connect(address).unwrap();
    ask(&mut client, b"x");
    let connection = accepted(&listener);
    assert_eq!(read(&connection).unwrap(), "x");
    drop(client);
    let sender = connection.sender.as_ref().unwrap();
    runtime().block_on(async { while send(sender, &[0; PIECE]).await {} });
    drop(connection);
    eventually(|| network.inbound.available_permits() == 1);
}

#[test]
fn one_that_is_carried_on_outlives_the_port() {
    let (port, address, listener) = led(MANY);
    let mut client = TcpStream::connect(address).unwrap();
    let connection = accepted(&listener);
    drop(port);
    eventually(|| TcpStream::connect(address).is_err());
    ask(&mut client, b"ping");
    assert_eq!(read(&connection).unwrap(), "ping");
    answer(connection, b"pong");
    assert_eq!(answer_to(client).unwrap(), "pong");
}

#[test]
fn one_half_ends_while_the_other_goes_on() {
    let (_port, address, listener) = led(MANY);
    let mut client = TcpStream::connect(address).unwrap();
    let mut connection = accepted(&listener);
    answer_first(&mut connection, b"bye");
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bye");
    ask(&mut client, b"still here");
    assert_eq!(read(&connection).unwrap(), "still here");
}

#[test]
fn one_that_is_over_makes_room() {
    let (port, address) = published();
    let network = Arc::new(Network::new(1));
    let listener = listen(&network);
    lead(&port, &network);
    let mut client = TcpStream::connect(address).unwrap();
    ask(&mut client, b"x");
    let connection = accepted(&listener);
    assert_eq!(network.inbound.available_permits(), 0);
    assert_eq!(read(&connection).unwrap(), "x");
    drop(connection);
    assert_eq!(answer_to(client).unwrap(), "");
    eventually(|| network.inbound.available_permits() == 1);
}

#[test]
fn one_that_sends_nothing_is_told_when_the_socket_inside_has_gone() {
    let (port, address) = published();
    let network = Arc::new(Network::new(1));
    let listener = listen(&network);
    lead(&port, &network);
    let mut client = TcpStream::connect(address).unwrap();
    drop(accepted(&listener));
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    eventually(|| network.inbound.available_permits() == 1);
}

#[test]
fn what_comes_for_a_half_that_is_closed_is_lost_and_its_sender_not_told() {
    let (_port, address, listener) = led(MANY);
    let mut client = TcpStream::connect(address).unwrap();
    let connection = accepted(&listener);
    connection.receiver.as_ref().unwrap().close();
    // More than the system keeps.
    client.write_all(&vec![0; 32 << 20]).unwrap();
    let sender = connection.sender.as_ref().unwrap();
    assert!(runtime().block_on(send(sender, b"pong")));
    let mut answer = [0; 4];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"pong");
    drop(connection);
    is_reset(client);
}

#[test]
fn what_lies_unread_is_memory_of_guests() {
    let (port, address) = published();
    let network = Arc::new(Network::new(MANY));
    let memory = Arc::new(Total::new(CAPACITY as u64));
    let listener = listen_with(&network, memory.clone());
    lead(&port, &network);
    let mut client = TcpStream::connect(address).unwrap();
    ask(&mut client, &[b'x'; CAPACITY]);
    let connection = accepted(&listener);
    eventually(|| memory.used_bytes() > 0);
    assert_eq!(read(&connection).unwrap().len(), CAPACITY);
    assert_eq!(memory.used_bytes(), 0);
}

#[test]
fn a_reset_inside_is_one_outside() {
    let (_port, address, listener) = led(MANY);
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"unread").unwrap();
    let connection = accepted(&listener);
    let receiver = connection.receiver.as_ref().unwrap();
    runtime().block_on(poll_fn(|cx| receiver.poll_ready(cx)));
    drop(connection);
    is_reset(client);
}

#[test]
fn a_reset_outside_is_one_inside() {
    let (_port, address, listener) = led(MANY);
    let client = TcpStream::connect(address).unwrap();
    let connection = accepted(&listener);
    client.set_nonblocking(true).unwrap();
    let client = runtime().block_on(async { tokio::net::TcpStream::from_std(client).unwrap() });
    client.set_zero_linger().unwrap();
    drop(client);
    let error = read(&connection).unwrap_err();
    assert!(matches!(error, ErrorCode::ConnectionReset));
}

#[test]
fn a_port_that_is_given_back_refuses() {
    let (port, address, _listener) = led(MANY);
    drop(port);
    eventually(|| TcpStream::connect(address).is_err());
}
