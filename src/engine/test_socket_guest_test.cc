// The guest that has TCP sockets of WASI 0.2.

#include "base/check.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

constexpr std::string_view kIoWit = R"(
package wasi:io@0.2.3;
interface poll { resource pollable { block: func(); } }
interface streams {
  resource input-stream;
  resource output-stream;
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
  resource tcp-socket {
    start-connect: func(network: borrow<network>, remote: ip-socket-address)
      -> result<_, error-code>;
    finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>;
    subscribe: func() -> pollable;
  }
}
interface tcp-create-socket {
  use network.{error-code, ip-address-family};
  use tcp.{tcp-socket};
  create-tcp-socket: func(family: ip-address-family) -> result<tcp-socket, error-code>;
}
)";

constexpr std::string_view kWorlds = R"(
package test:guests;
world sockets {
  use wasi:io/streams@0.2.3.{input-stream};
  import wasi:io/poll@0.2.3;
  import wasi:sockets/instance-network@0.2.3;
  import wasi:sockets/tcp@0.2.3;
  import wasi:sockets/tcp-create-socket@0.2.3;
  export open: func(port: u16) -> input-stream;  // of a connection to 127.0.0.1
  export close: func();                          // all of it but that stream
}
)";

constexpr std::string_view kModule = R"wat((module
  (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop-output (param i32)))
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:sockets/instance-network@0.2.3" "instance-network"
    (func $network (result i32)))
  (import "wasi:sockets/tcp-create-socket@0.2.3" "create-tcp-socket"
    (func $create (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.start-connect"
    (func $start-connect
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.finish-connect"
    (func $finish-connect (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.3" "[method]tcp-socket.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:sockets/tcp@0.2.3" "[resource-drop]tcp-socket" (func $drop-socket (param i32)))
  (memory (export "memory") 1)
  (global $socket (mut i32) (i32.const 0))
  (global $output (mut i32) (i32.const 0))
  ;; results are at 128: 0 and, at 132, the value; or 1 and the error
  (func $done (if (i32.load8_u (i32.const 128)) (then unreachable)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "open") (param $port i32) (result i32) (local $pollable i32)
    (call $create (i32.const 0) (i32.const 128))
    (call $done)
    (global.set $socket (i32.load (i32.const 132)))
    (local.set $pollable (call $subscribe (global.get $socket)))
    (call $start-connect (global.get $socket) (call $network)
      (i32.const 0) (local.get $port)
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 128))
    (call $done)
    (loop $again
      (call $block (local.get $pollable))
      (call $finish-connect (global.get $socket) (i32.const 128))
      (br_if $again (i32.and
        (i32.load8_u (i32.const 128))
        (i32.eq (i32.load8_u (i32.const 132)) (i32.const 8)))))  ;; would-block
    (call $done)
    (call $drop-pollable (local.get $pollable))
    (global.set $output (i32.load (i32.const 136)))
    (i32.load (i32.const 132)))
  (func (export "close")
    (call $drop-output (global.get $output))
    (call $drop-socket (global.get $socket)))))wat";

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
