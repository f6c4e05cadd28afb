// The guest that has TCP sockets of WASI 0.2.

#include "base/check.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

constexpr std::string_view kIoWit = R"(
package wasi:io@0.2.3;
interface error { resource error; }
interface poll { resource pollable { block: func(); } }
interface streams {
  use error.{error};
  variant stream-error { last-operation-failed(error), closed }
  resource input-stream {
    blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
  }
  resource output-stream {
    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
  }
}
)";

constexpr std::string_view kSocketsWit = R"(
package wasi:sockets@0.2.3;
interface network {
  resource network;
  enum error-code {
    unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
    concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
    address-not-bindable, address-in-use, remote-unreachable, connection-refused,
    connection-reset, connection-aborted, datagram-too-large, name-unresolvable,
    temporary-resolver-failure, permanent-resolver-failure,
  }
  enum ip-address-family { ipv4, ipv6 }
  record ipv4-socket-address { port: u16, address: tuple<u8, u8, u8, u8> }
  record ipv6-socket-address {
    port: u16, flow-info: u32, address: tuple<u16, u16, u16, u16, u16, u16, u16, u16>,
    scope-id: u32,
  }
  variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }
}
interface instance-network {
  use network.{network};
  instance-network: func() -> network;
}
interface tcp {
  use wasi:io/streams@0.2.3.{input-stream, output-stream};
  use wasi:io/poll@0.2.3.{pollable};
  use network.{network, error-code, ip-socket-address};
  enum shutdown-type { receive, send, both }
  resource tcp-socket {
    start-bind: func(network: borrow<network>, local: ip-socket-address) -> result<_, error-code>;
    finish-bind: func() -> result<_, error-code>;
    start-listen: func() -> result<_, error-code>;
    finish-listen: func() -> result<_, error-code>;
    accept: func() -> result<tuple<tcp-socket, input-stream, output-stream>, error-code>;
    start-connect: func(network: borrow<network>, remote: ip-socket-address)
      -> result<_, error-code>;
    finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>;
    subscribe: func() -> pollable;
    shutdown: func(how: shutdown-type) -> result<_, error-code>;
  }
}
interface tcp-create-socket {
  use network.{error-code, ip-address-family};
  use tcp.{tcp-socket};
  create-tcp-socket: func(family: ip-address-family) -> result<tcp-socket, error-code>;
}
)";

// All ports are of 127.0.0.1. What may fail returns 1000 and the error-code, or 2000 if a stream
// fails.
constexpr std::string_view kWorlds = R"(
package test:guests;
world sockets {
  use wasi:io/streams@0.2.3.{input-stream};
  import wasi:io/poll@0.2.3;
  import wasi:sockets/instance-network@0.2.3;
  import wasi:sockets/tcp@0.2.3;
  import wasi:sockets/tcp-create-socket@0.2.3;
  export open: func(port: u16) -> input-stream;  // of a connection
  export close: func();                          // all of it but that stream
  export listen: func(port: u16) -> u32;         // 0: it does
  export reach: func(port: u16) -> u32;          // 0: it connects, bound before that
  export serve: func() -> u32;                   // sends all of the next connection back: so much
  export ask: func(port: u16, size: u32) -> u32; // sends so much, ends, and counts what comes back
}
)";

constexpr std::string_view kModule = R"wat((module
  (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]input-stream" (func $drop-input (param i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop-output (param i32)))
  (import "wasi:io/error@0.2.3" "[resource-drop]error" (func $drop-error (param i32)))
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:sockets/instance-network@0.2.3" "instance-network"
    (func $network (result i32)))
  (import "wasi:sockets/tcp-create-socket@0.2.3" "create-tcp-socket"
    (func $create (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.start-bind"
    (func $start-bind
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.finish-bind"
    (func $finish-bind (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.start-listen"
    (func $start-listen (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.finish-listen"
    (func $finish-listen (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.accept"
    (func $accept (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.start-connect"
    (func $start-connect
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.finish-connect"
    (func $finish-connect (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.shutdown"
    (func $shutdown (param i32 i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[resource-drop]tcp-socket" (func $drop-socket (param i32)))
  (memory (export "memory") 2)
  (global $socket (mut i32) (i32.const 0))
  (global $input (mut i32) (i32.const 0))
  (global $output (mut i32) (i32.const 0))
  (global $listener (mut i32) (i32.const 0))
  ;; results are at 128: 0 and, at 132, the value; or 1 and the error, which is at 129 where there
  ;; is no value. Lists are at 65536.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (i32.gt_u (local.get 3) (i32.const 4096)) (then unreachable))
    (i32.const 65536))
  (func $failed (result i32) (i32.load8_u (i32.const 128)))
  (func $error (result i32) (i32.add (i32.const 1000) (i32.load8_u (i32.const 132))))
  (func $bare-error (result i32) (i32.add (i32.const 1000) (i32.load8_u (i32.const 129))))
  (func $would-block (result i32) (i32.and (call $failed)
    (i32.eq (i32.load8_u (i32.const 132)) (i32.const 8))))
  (func $new (result i32)
    (call $create (i32.const 0) (i32.const 128))
    (if (call $failed) (then unreachable))
    (i32.load (i32.const 132)))
  ;; until it says that it is ready
  (func $wait (param $socket i32) (local $pollable i32)
    (local.set $pollable (call $subscribe (local.get $socket)))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable)))
  ;; to $first.0.0.$last; 0 or what failed
  (func $bind (param $socket i32) (param $port i32) (param $first i32) (param $last i32)
    (result i32)
    (call $start-bind (local.get $socket) (call $network)
      (i32.const 0) (local.get $port)
      (local.get $first) (i32.const 0) (i32.const 0) (local.get $last)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 128))
    (if (call $failed) (then (return (call $bare-error))))
    (call $wait (local.get $socket))
    (call $finish-bind (local.get $socket) (i32.const 128))
    (if (call $failed) (then (return (call $bare-error))))
    (i32.const 0))
  ;; whether $socket is connected
  (func $connect (param $port i32) (result i32) (local $pollable i32)
    (local.set $pollable (call $subscribe (global.get $socket)))
    (call $start-connect (global.get $socket) (call $network)
      (i32.const 0) (local.get $port)
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 128))
    (if (call $failed) (then
      (call $drop-pollable (local.get $pollable))
      (i32.store8 (i32.const 132) (i32.load8_u (i32.const 129)))
      (return (i32.const 0))))
    (loop $again
      (call $block (local.get $pollable))
      (call $finish-connect (global.get $socket) (i32.const 128))
      (br_if $again (call $would-block)))
    (call $drop-pollable (local.get $pollable))
    (global.set $input (i32.load (i32.const 132)))
    (global.set $output (i32.load (i32.const 136)))
    (i32.eqz (call $failed)))
  (func $close
    (call $drop-output (global.get $output))
    (call $drop-socket (global.get $socket)))
  (export "close" (func $close))
  (func (export "open") (param $port i32) (result i32)
    (global.set $socket (call $new))
    (if (i32.eqz (call $connect (local.get $port))) (then unreachable))
    (global.get $input))
  (func (export "reach") (param $port i32) (result i32) (local $error i32)
    (global.set $socket (call $new))
    (local.set $error (call $bind (global.get $socket) (i32.const 0) (i32.const 127) (i32.const 1)))
    (if (local.get $error) (then (return (local.get $error))))
    (if (i32.eqz (call $connect (local.get $port)))
      (then (call $drop-socket (global.get $socket)) (return (call $error))))
    (call $drop-input (global.get $input))
    (call $close)
    (i32.const 0))
  (func (export "listen") (param $port i32) (result i32) (local $error i32)
    (global.set $listener (call $new))
    (local.set $error
      (call $bind (global.get $listener) (local.get $port) (i32.const 0) (i32.const 0)))
    (if (local.get $error) (then (return (local.get $error))))
    (call $start-listen (global.get $listener) (i32.const 128))
    (if (call $failed) (then (return (call $bare-error))))
    (call $wait (global.get $listener))
    (call $finish-listen (global.get $listener) (i32.const 128))
    (if (call $failed) (then (return (call $bare-error))))
    (i32.const 0))
  ;; the size of the list that was read; 0: the end
  (func $next (result i32)
    (call $read (global.get $input) (i64.const 4096) (i32.const 128))
    (if (result i32) (call $failed)
      (then
        (if (result i32) (i32.load8_u (i32.const 132))
          (then (i32.const 0))
          (else (call $drop-error (i32.load (i32.const 136))) (i32.const 2000000))))
      (else (i32.load (i32.const 136)))))
  ;; so many bytes at 65536; whether they were
  (func $put (param $size i32) (result i32)
    (call $write (global.get $output) (i32.const 65536) (local.get $size) (i32.const 128))
    (i32.eqz (call $failed)))
  (func (export "serve") (result i32) (local $pollable i32) (local $size i32) (local $total i32)
    (local.set $pollable (call $subscribe (global.get $listener)))
    (loop $again
      (call $block (local.get $pollable))
      (call $accept (global.get $listener) (i32.const 128))
      (br_if $again (call $would-block)))
    (call $drop-pollable (local.get $pollable))
    (if (call $failed) (then (return (call $error))))
    (global.set $socket (i32.load (i32.const 132)))
    (global.set $input (i32.load (i32.const 136)))
    (global.set $output (i32.load (i32.const 140)))
    (loop $more
      (local.set $size (call $next))
      (if (i32.gt_u (local.get $size) (i32.const 4096)) (then (return (i32.const 2000))))
      (if (local.get $size)
        (then
          (if (i32.eqz (call $put (local.get $size))) (then (return (i32.const 2000))))
          (local.set $total (i32.add (local.get $total) (local.get $size)))
          (br $more))))
    (call $drop-input (global.get $input))
    (call $close)
    (local.get $total))
  (func (export "ask") (param $port i32) (param $size i32) (result i32)
    (local $piece i32) (local $total i32)
    (global.set $socket (call $new))
    (if (i32.eqz (call $connect (local.get $port)))
      (then (call $drop-socket (global.get $socket)) (return (call $error))))
    (loop $more
      (local.set $piece (i32.const 4096))
      (if (i32.lt_u (local.get $size) (local.get $piece))
        (then (local.set $piece (local.get $size))))
      (if (i32.eqz (call $put (local.get $piece))) (then (return (i32.const 2000))))
      (local.set $size (i32.sub (local.get $size) (local.get $piece)))
      (br_if $more (local.get $size)))
    (call $shutdown (global.get $socket) (i32.const 1) (i32.const 128))
    (if (call $failed) (then (return (call $bare-error))))
    (loop $more
      (local.set $piece (call $next))
      (if (i32.gt_u (local.get $piece) (i32.const 4096)) (then (return (i32.const 2000))))
      (local.set $total (i32.add (local.get $total) (local.get $piece)))
      (br_if $more (local.get $piece)))
    (call $drop-input (global.get $input))
    (call $close)
    (local.get $total))))wat";

}  // namespace

Bytes socketGuest() {
  const auto module = wit::watToWasm(kModule);
  if (!module) ADD_FAILURE() << module.error().describe();
  NIMBUS_CHECK(module.has_value());
  const std::vector<wit::WitFile> files{{"guests.wit", std::string(kWorlds)},
                                        {"deps/io.wit", std::string(kIoWit)},
                                        {"deps/sockets.wit", std::string(kSocketsWit)}};
  auto component = wit::encodeComponent(module->view(), files, "sockets");
  if (!component) ADD_FAILURE() << component.error().describe();
  NIMBUS_CHECK(component.has_value());
  return *std::move(component);
}

}  // namespace nimbus::engine
