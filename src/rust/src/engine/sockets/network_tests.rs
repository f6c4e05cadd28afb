use std::future::poll_fn;
use std::sync::mpsc;
use std::task::Wake;
use std::thread;

use super::super::connection::Receiver;
use super::*;
use crate::engine::config::runtime;

const PORT: u16 = 7777;

fn guard() -> Guard {
    Arc::new(())
}

fn memory() -> Arc<Total> {
    Arc::new(Total::new(1 << 20))
}

fn listen(network: &Arc<Network>, backlog: usize) -> Arc<Listener> {
    let binding = network.bind(Family::V4, PORT).unwrap();
    binding.listen(backlog, memory())
}

fn dial(network: &Arc<Network>) -> Option<Dial> {
    let listener = network.listener(Family::V4, PORT)?;
    let binding = network.source(Family::V4).unwrap();
    Some(listener.dial(binding, guard()))
}

fn connected(dial: &mut Dial) -> Connection {
    match dial.finish() {
        Poll::Ready(Ok(connection)) => connection,
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => panic!("it waits"),
    }
}

fn accepted(listener: &Listener) -> Connection {
    let incoming = listener.next().expect("somebody connected");
    incoming.accept(guard()).expect("it is new")
}

fn pair(network: &Arc<Network>, listener: &Listener) -> (Connection, Connection) {
    let mut dial = dial(network).unwrap();
    (connected(&mut dial), accepted(listener))
}

fn send(connection: &Connection, bytes: &[u8]) -> String {
    format!("{:?}", connection.sender.as_ref().unwrap().write(bytes))
}

fn read(connection: &Connection) -> String {
    read_from(connection.receiver.as_ref().unwrap())
}

fn read_from(receiver: &Receiver) -> String {
    let mut buffer = [0; 64];
    match receiver.read(&mut buffer) {
        Poll::Pending => "pending".into(),
        Poll::Ready(Ok(count)) => String::from_utf8(buffer[..count].to_vec()).unwrap(),
        Poll::Ready(Err(error)) => error.to_string(),
    }
}

/// Tells a channel.
struct Telling(Mutex<mpsc::Sender<()>>);

impl Wake for Telling {
    fn wake(self: Arc<Self>) {
        _ = lock(&self.0).send(());
    }
}

fn telling() -> (Waker, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    (Arc::new(Telling(Mutex::new(tell))).into(), told)
}

#[test]
fn who_listens_is_found_by_those_of_its_network_and_family() {
    let network = Arc::<Network>::default();
    assert!(dial(&network).is_none());
    let listener = listen(&network, 1);
    assert!(dial(&network).is_some());
    assert!(dial(&Arc::default()).is_none());
    assert!(network.listener(Family::V6, PORT).is_none());
    assert!(network.listener(Family::V4, PORT + 1).is_none());
    drop(listener);
    assert!(dial(&network).is_none());
}

#[test]
fn a_port_is_taken_once_and_given_back() {
    let network = Arc::<Network>::default();
    let bound = network.bind(Family::V4, PORT).unwrap();
    let again = network.bind(Family::V4, PORT).err().unwrap();
    assert!(matches!(again, ErrorCode::AddressInUse));
    assert!(network.bind(Family::V6, PORT).is_ok());
    assert!(
        network.listener(Family::V4, PORT).is_none(),
        "only bound yet"
    );
    drop(bound);
    drop(network.bind(Family::V4, PORT).unwrap().listen(1, memory()));
    assert!(network.bind(Family::V4, PORT).is_ok());
}

#[test]
fn ports_are_found_until_there_are_none() {
    let network = Arc::<Network>::default();
    let mut all: Vec<_> = (FIRST_EPHEMERAL..=u16::MAX)
        .map(|_| network.bind(Family::V4, 0).unwrap())
        .collect();
    assert_eq!(all[0].address().to_string(), "127.0.0.1:65535");
    let none = network.bind(Family::V4, 0).err().unwrap();
    assert!(matches!(none, ErrorCode::AddressInUse));
    all.swap_remove(7);
    let port = network.bind(Family::V4, 0).unwrap().address().port();
    assert_eq!(port, u16::MAX - 7);
    let other = network.bind(Family::V6, 0).unwrap();
    assert_eq!(other.address().ip().to_string(), "::1");
}

#[test]
fn where_a_connection_begins_may_be_bound() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let (near, _far) = pair(&network, &listener);
    let port = near.local.port();
    let again = network.bind(Family::V4, port).unwrap().listen(1, memory());
    assert!(network.listener(Family::V4, port).is_some());
    drop(near);
    assert!(network.listener(Family::V4, port).is_some());
    drop(again);
    assert!(network.listener(Family::V4, port).is_none());
    // Who asks for any port gets one that is neither.
    let (near, _far) = pair(&network, &listener);
    let any = network.bind(Family::V4, 0).unwrap().address().port();
    let other = network.source(Family::V4).unwrap().address().port();
    assert!(any != near.local.port() && other != near.local.port() && any != other);
}

#[test]
fn both_ends_talk_and_know_each_other() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let (near, far) = pair(&network, &listener);
    assert_eq!(near.remote.to_string(), "127.0.0.1:7777");
    assert_eq!(near.remote, far.local);
    assert_eq!(near.local, far.remote);
    assert_eq!(read(&far), "pending");
    assert_eq!(send(&near, b"ping"), "Ready(Ok(4))");
    assert_eq!(read(&far), "ping");
    assert_eq!(send(&far, b"pong"), "Ready(Ok(4))");
    drop(far);
    assert_eq!(read(&near), "pong");
    assert_eq!(read(&near), "");
    assert_eq!(send(&near, b"x"), "Ready(Err(ConnectionBroken))");
}

#[test]
fn each_half_ends_for_itself() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let (mut near, far) = pair(&network, &listener);
    near.sender = None;
    assert_eq!(read(&far), "");
    assert_eq!(send(&far, b"still"), "Ready(Ok(5))");
    assert_eq!(read(&near), "still");
    // A half that is kept elsewhere outlives the rest.
    let kept = near.receiver.clone();
    drop(near);
    assert_eq!(send(&far, b"more"), "Ready(Ok(4))");
    drop(kept);
    assert_eq!(send(&far, b"x"), "Ready(Err(ConnectionReset))");
    assert_eq!(read(&far), "ConnectionReset", "it was not all read");
}

#[test]
fn who_reads_no_more_may_be_sent_to_until_it_is_gone() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let (mut near, far) = pair(&network, &listener);
    near.receiver.as_ref().unwrap().close();
    for _ in 0..100 {
        assert_eq!(send(&far, &[7; 1000]), "Ready(Ok(1000))");
    }
    assert_eq!(send(&near, b"but I send"), "Ready(Ok(10))");
    assert_eq!(read(&far), "but I send");
    // With its other half shut down nothing is left to wait for.
    near.sender = None;
    assert_eq!(send(&far, b"x"), "Ready(Err(ConnectionReset))");
    assert_eq!(read(&far), "");

    let (near, far) = pair(&network, &listener);
    near.sender.as_ref().unwrap().end();
    near.receiver.as_ref().unwrap().close();
    assert_eq!(send(&far, b"x"), "Ready(Err(ConnectionBroken))");
}

#[test]
fn who_does_not_read_all_resets_the_connection() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let (near, far) = pair(&network, &listener);
    assert_eq!(send(&near, b"unread"), "Ready(Ok(6))");
    drop(far);
    assert_eq!(read(&near), "ConnectionReset");
}

/// Reads when it is woken.
struct Reading {
    receiver: Arc<Receiver>,
    seen: Mutex<Vec<String>>,
}

impl Wake for Reading {
    fn wake(self: Arc<Self>) {
        lock(&self.seen).push(read_from(&self.receiver));
    }
}

#[test]
fn who_waits_for_bytes_sees_no_proper_end_before_a_reset() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let (near, far) = pair(&network, &listener);
    let reading = Arc::new(Reading {
        receiver: near.receiver.clone().unwrap(),
        seen: Mutex::default(),
    });
    let waker = Waker::from(reading.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(reading.receiver.poll_ready(&mut cx).is_pending());
    assert_eq!(send(&near, b"unread"), "Ready(Ok(6))");
    drop(far);
    assert_eq!(lock(&reading.seen)[0], "ConnectionReset");
}

#[test]
fn more_than_the_backlog_wait_for_their_turn() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let mut first = dial(&network).unwrap();
    let mut second = dial(&network).unwrap();
    let third = dial(&network).unwrap();
    let mut fourth = dial(&network).unwrap();
    let (waker, told) = telling();
    let mut cx = Context::from_waker(&waker);
    connected(&mut first);
    assert!(second.finish().is_pending());
    assert!(second.poll_ready(&mut cx).is_pending());
    assert!(fourth.poll_ready(&mut cx).is_pending());
    drop(third);
    accepted(&listener);
    told.try_recv().expect("the second is woken");
    connected(&mut second);
    assert!(fourth.finish().is_pending());
    accepted(&listener);
    connected(&mut fourth);
    accepted(&listener);
    assert!(listener.next().is_none(), "the third has gone");
}

#[test]
fn a_listener_that_goes_refuses_and_resets() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let mut first = dial(&network).unwrap();
    let mut second = dial(&network).unwrap();
    let connection = connected(&mut first);
    assert_eq!(send(&connection, b"x"), "Ready(Ok(1))");
    let (waker, told) = telling();
    assert!(
        second
            .poll_ready(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(listener);
    told.try_recv().expect("who waits is woken");
    let refused = second.finish();
    assert!(matches!(
        refused,
        Poll::Ready(Err(ErrorCode::ConnectionRefused))
    ));
    assert_eq!(read(&connection), "ConnectionReset");
    assert_eq!(send(&connection, b"x"), "Ready(Err(ConnectionReset))");
}

#[test]
fn what_is_not_accepted_is_reset() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let connection = connected(&mut dial(&network).unwrap());
    drop(listener.next());
    assert_eq!(read(&connection), "ConnectionReset");
}

#[test]
fn a_socket_counts_until_what_it_sent_is_read() {
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let counted = guard();
    let near = {
        let binding = network.source(Family::V4).unwrap();
        connected(&mut listener.dial(binding, counted.clone()))
    };
    let far = accepted(&listener);
    assert_eq!(send(&near, b"last words"), "Ready(Ok(10))");
    drop(near);
    assert_eq!(Arc::strong_count(&counted), 2);
    assert_eq!(read(&far), "last words");
    assert_eq!(Arc::strong_count(&counted), 1);
    assert_eq!(read(&far), "");
}

#[test]
fn the_ends_may_be_on_different_threads() {
    const TOTAL: usize = 1 << 20;
    let network = Arc::<Network>::default();
    let listener = listen(&network, 1);
    let server = thread::spawn(move || {
        runtime().block_on(async {
            poll_fn(|cx| listener.poll_ready(cx)).await;
            let connection = accepted(&listener);
            let (receiver, sender) = (connection.receiver.unwrap(), connection.sender.unwrap());
            let mut buffer = [0; 1000];
            loop {
                poll_fn(|cx| receiver.poll_ready(cx)).await;
                let Poll::Ready(Ok(count @ 1..)) = receiver.read(&mut buffer) else {
                    return;
                };
                let mut rest = &buffer[..count];
                while !rest.is_empty() {
                    poll_fn(|cx| sender.poll_ready(cx)).await;
                    let Poll::Ready(Ok(count)) = sender.write(rest) else {
                        return;
                    };
                    rest = &rest[count..];
                }
            }
        });
    });
    let connection = connected(&mut dial(&network).unwrap());
    let (receiver, sender) = (connection.receiver.unwrap(), connection.sender.unwrap());
    let writer = thread::spawn(move || {
        runtime().block_on(async {
            let bytes: Vec<u8> = (0..TOTAL).map(|at| at as u8).collect();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                poll_fn(|cx| sender.poll_ready(cx)).await;
                let Poll::Ready(Ok(count)) = sender.write(rest) else {
                    panic!("it is broken");
                };
                rest = &rest[count..];
            }
        });
    });
    let received = runtime().block_on(async {
        let (mut received, mut buffer) = (0, [0; 777]);
        loop {
            poll_fn(|cx| receiver.poll_ready(cx)).await;
            let Poll::Ready(Ok(count @ 1..)) = receiver.read(&mut buffer) else {
                return received;
            };
            for byte in &buffer[..count] {
                assert_eq!(*byte, received as u8);
                received += 1;
            }
        }
    });
    assert_eq!(received, TOTAL);
    writer.join().unwrap();
    server.join().unwrap();
}
