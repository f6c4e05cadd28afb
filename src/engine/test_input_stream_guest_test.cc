// The guest that has input streams of WASI 0.2 in its imports and exports.

#include "base/check.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

constexpr std::string_view kIoWit = R"(
package wasi:io@0.2.3;
interface error { resource error; }
interface poll { resource pollable { ready: func() -> bool; block: func(); } }
interface streams {
  use error.{error};
  use poll.{pollable};
  variant stream-error { last-operation-failed(error), closed }
  resource input-stream {
    read: func(len: u64) -> result<list<u8>, stream-error>;
    blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
    blocking-skip: func(len: u64) -> result<u64, stream-error>;
    subscribe: func() -> pollable;
  }
}
)";

constexpr std::string_view kApiWit = R"(
package test:streams@1.0.0;
interface api {
  use wasi:io/streams@0.2.3.{input-stream};
  record upload { name: string, content: input-stream }
  source: func() -> input-stream;
  sink: func(content: input-stream) -> u32;
  put: func(upload: upload) -> result<input-stream, string>;
}
)";

// What counts bytes adds 2^31 if the stream failed, and traps if they do not count from 0 up.
constexpr std::string_view kWorlds = R"(
package test:guests;
world inputs {
  use wasi:io/streams@0.2.3.{input-stream};
  import test:streams/api@1.0.0;
  export pass: func(content: input-stream) -> input-stream;
  export forward: func(content: input-stream) -> u32;           // what `sink` answers
  export relay: func(content: input-stream) -> input-stream;    // what `put` answers, or a trap
  export count: func(content: input-stream, chunk: u32) -> u32;
  export poll: func(content: input-stream) -> u32;              // the same by `read` and a pollable
  export pull: func(chunk: u32) -> u32;                         // counts what `source` gives
  export some: func(content: input-stream, most: u32) -> u32;   // reads so much, and drops it
  export skip: func(content: input-stream) -> u32;              // skips all of it
  export fail: func(content: input-stream);                     // traps after the first bytes
  export watched: func(content: input-stream) -> input-stream;  // with a pollable of it open
  export keep: func(content: input-stream);
  export kept: func() -> input-stream;
}
)";

constexpr std::string_view kModule = R"wat((module
  (import "test:streams/api@1.0.0" "source" (func $source (result i32)))
  (import "test:streams/api@1.0.0" "sink" (func $sink (param i32) (result i32)))
  (import "test:streams/api@1.0.0" "put" (func $put (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.read" (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-read"
    (func $blocking-read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-skip"
    (func $blocking-skip (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]input-stream" (func $drop-stream (param i32)))
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:io/error@0.2.3" "[resource-drop]error" (func $drop-error (param i32)))
  (memory (export "memory") 64)
  (data (i32.const 16) "upload")
  (global $top (mut i32) (i32.const 65536))
  (global $kept (mut i32) (i32.const 0))
  ;; one list at a time
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (i32.gt_u (local.get 3) (i32.const 1048576)) (then unreachable))
    (global.get $top))
  ;; bytes of the list at 132 and 136 continue the count; the new count
  (func $check (param $count i32) (result i32) (local $at i32) (local $end i32)
    (local.set $at (i32.load (i32.const 132)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 136))))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end))
        (then
          (if (i32.ne (i32.load8_u (local.get $at))
                      (i32.and (local.get $count) (i32.const 255))) (then unreachable))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
    (local.get $count))
  ;; what the error at 132 adds to a count
  (func $failure (result i32)
    (if (result i32) (i32.load8_u (i32.const 132))
      (then (i32.const 0))
      (else (call $drop-error (i32.load (i32.const 136))) (i32.const 0x80000000))))
  (func $count (param $stream i32) (param $chunk i32) (result i32) (local $count i32)
    (loop $more
      (call $blocking-read
        (local.get $stream) (i64.extend_i32_u (local.get $chunk)) (i32.const 128))
      (if (i32.eqz (i32.load8_u (i32.const 128)))
        (then (local.set $count (call $check (local.get $count))) (br $more))))
    (local.set $count (i32.add (local.get $count) (call $failure)))
    ;; and from then on it is closed
    (call $blocking-read (local.get $stream) (i64.const 1) (i32.const 128))
    (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable))
    (if (i32.eqz (i32.load8_u (i32.const 132))) (then unreachable))
    (call $drop-stream (local.get $stream))
    (local.get $count))
  (export "count" (func $count))
  (func (export "pull") (param $chunk i32) (result i32)
    (call $count (call $source) (local.get $chunk)))
  (func (export "poll") (param $stream i32) (result i32) (local $pollable i32) (local $count i32)
    (local.set $pollable (call $subscribe (local.get $stream)))
    (loop $more
      (call $block (local.get $pollable))
      (call $read (local.get $stream) (i64.const -1) (i32.const 128))
      (if (i32.eqz (i32.load8_u (i32.const 128)))
        (then
          (if (i32.eqz (i32.load (i32.const 136))) (then unreachable))
          (local.set $count (call $check (local.get $count)))
          (br $more))))
    (local.set $count (i32.add (local.get $count) (call $failure)))
    (call $drop-pollable (local.get $pollable))
    (call $drop-stream (local.get $stream))
    (local.get $count))
  (func (export "some") (param $stream i32) (param $most i32) (result i32) (local $count i32)
    (loop $more
      (if (i32.lt_u (local.get $count) (local.get $most))
        (then
          (call $blocking-read (local.get $stream)
            (i64.extend_i32_u (i32.sub (local.get $most) (local.get $count))) (i32.const 128))
          (if (i32.load8_u (i32.const 128)) (then unreachable))
          (local.set $count (call $check (local.get $count)))
          (br $more))))
    (call $drop-stream (local.get $stream))
    (local.get $count))
  (func (export "skip") (param $stream i32) (result i32) (local $count i32)
    (loop $more
      (call $blocking-skip (local.get $stream) (i64.const 1000) (i32.const 128))
      (if (i32.eqz (i32.load8_u (i32.const 128)))
        (then
          (local.set $count (i32.add (local.get $count) (i32.load (i32.const 136))))
          (br $more))))
    (call $drop-stream (local.get $stream))
    (local.get $count))
  (func (export "fail") (param $stream i32)
    (call $blocking-read (local.get $stream) (i64.const 100) (i32.const 128))
    unreachable)
  (func (export "pass") (param i32) (result i32) (local.get 0))
  (func (export "forward") (param i32) (result i32) (call $sink (local.get 0)))
  (func (export "relay") (param i32) (result i32)
    (call $put (i32.const 16) (i32.const 6) (local.get 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then unreachable))
    (i32.load (i32.const 132)))
  (func (export "watched") (param i32) (result i32)
    (drop (call $subscribe (local.get 0)))
    (local.get 0))
  (func (export "keep") (param i32) (global.set $kept (local.get 0)))
  (func (export "kept") (result i32) (global.get $kept))))wat";

}  // namespace

Bytes inputStreamGuest() {
  const auto module = wit::watToWasm(kModule);
  if (!module) ADD_FAILURE() << module.error().describe();
  NIMBUS_CHECK(module.has_value());
  const std::vector<wit::WitFile> files{{"guests.wit", std::string(kWorlds)},
                                        {"deps/io.wit", std::string(kIoWit)},
                                        {"deps/api.wit", std::string(kApiWit)}};
  auto component = wit::encodeComponent(module->view(), files, "inputs");
  if (!component) ADD_FAILURE() << component.error().describe();
  NIMBUS_CHECK(component.has_value());
  return *std::move(component);
}

}  // namespace nimbus::engine
