// The guests of this folder's tests.

#include <span>

#include "base/check.h"
#include "engine/test_support.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

Bytes assembled(const std::string& text) {
  auto wasm = wit::watToWasm(text);
  if (!wasm) ADD_FAILURE() << wasm.error().describe();
  NIMBUS_CHECK(wasm.has_value());
  return *std::move(wasm);
}

// As much of WASI 0.2.0 as these guests use; the error codes must be complete.
constexpr std::string_view kHttpWit = R"(
package wasi:http@0.2.0;
interface types {
  use wasi:io/streams@0.2.0.{output-stream};
  record DNS-error-payload { rcode: option<string>, info-code: option<u16> }
  record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
  record field-size-payload { field-name: option<string>, field-size: option<u32> }
  variant error-code {
    DNS-timeout, DNS-error(DNS-error-payload), destination-not-found, destination-unavailable,
    destination-IP-prohibited, destination-IP-unroutable, connection-refused,
    connection-terminated, connection-timeout, connection-read-timeout, connection-write-timeout,
    connection-limit-reached, TLS-protocol-error, TLS-certificate-error,
    TLS-alert-received(TLS-alert-received-payload), HTTP-request-denied,
    HTTP-request-length-required, HTTP-request-body-size(option<u64>), HTTP-request-method-invalid,
    HTTP-request-URI-invalid, HTTP-request-URI-too-long,
    HTTP-request-header-section-size(option<u32>),
    HTTP-request-header-size(option<field-size-payload>),
    HTTP-request-trailer-section-size(option<u32>), HTTP-request-trailer-size(field-size-payload),
    HTTP-response-incomplete, HTTP-response-header-section-size(option<u32>),
    HTTP-response-header-size(field-size-payload), HTTP-response-body-size(option<u64>),
    HTTP-response-trailer-section-size(option<u32>), HTTP-response-trailer-size(field-size-payload),
    HTTP-response-transfer-coding(option<string>), HTTP-response-content-coding(option<string>),
    HTTP-response-timeout, HTTP-upgrade-failed, HTTP-protocol-error, loop-detected,
    configuration-error, internal-error(option<string>),
  }
  resource fields { constructor(); }
  type headers = fields;
  type trailers = fields;
  resource incoming-request;
  resource outgoing-body {
    write: func() -> result<output-stream>;
    finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>;
  }
  resource outgoing-response {
    constructor(headers: headers);
    set-status-code: func(status-code: u16) -> result;
    body: func() -> result<outgoing-body>;
  }
  resource response-outparam {
    set: static func(param: response-outparam, response: result<outgoing-response, error-code>);
  }
}
interface incoming-handler {
  use types.{incoming-request, response-outparam};
  handle: func(request: incoming-request, response-out: response-outparam);
}
)";

constexpr std::string_view kIoWit = R"(
package wasi:io@0.2.0;
interface error { resource error; }
interface streams {
  use error.{error};
  variant stream-error { last-operation-failed(error), closed }
  resource input-stream;
  resource output-stream {
    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
  }
}
)";

constexpr std::string_view kCliWit = R"(
package wasi:cli@0.2.0;
interface stdout {
  use wasi:io/streams@0.2.0.{output-stream};
  get-stdout: func() -> output-stream;
}
interface exit { exit: func(status: result); }
interface run { run: func() -> result; }
)";

constexpr std::string_view kWorlds = R"(
package test:guests;
interface backend { ping: func(); }
world calling {
  import wasi:cli/stdout@0.2.0;
  import wasi:io/streams@0.2.0;
  import backend;
  export wasi:cli/run@0.2.0;
}
world called {
  import wasi:cli/stdout@0.2.0;
  import wasi:io/streams@0.2.0;
  export backend;
}
world answering {
  import wasi:http/types@0.2.0;
  import wasi:io/streams@0.2.0;
  export wasi:http/incoming-handler@0.2.0;
}
world command {
  import wasi:cli/stdout@0.2.0;
  import wasi:cli/exit@0.2.0;
  import wasi:io/streams@0.2.0;
  export wasi:cli/run@0.2.0;
}
)";

constexpr std::string_view kImportingWorld = R"(
world importing {
  import test:provider/api@1.2.3;
  export wasi:cli/run@0.2.0;
}
)";

Bytes encoded(const std::string& module, std::string_view world, std::string_view provider = {}) {
  std::vector<wit::WitFile> files{{"guests.wit", std::string(kWorlds)},
                                  {"deps/http.wit", std::string(kHttpWit)},
                                  {"deps/io.wit", std::string(kIoWit)},
                                  {"deps/cli.wit", std::string(kCliWit)}};
  if (!provider.empty()) {
    if (world == "desk") {
      files[0].text += "world desk { export test:desk/api@1.0.0; }";
    } else if (world == "library") {
      files[0].text += "world library { export test:library/api@1.0.0; }";
    } else {
      files[0].text += kImportingWorld;
    }
    files.push_back({"deps/provider.wit", std::string(provider)});
  }
  auto component = wit::encodeComponent(assembled(module).view(), files, world);
  if (!component) ADD_FAILURE() << component.error().describe();
  NIMBUS_CHECK(component.has_value());
  return *std::move(component);
}

}  // namespace

Bytes handlerGuest(std::string_view module) {
  return assembled(R"((component
    (import "wasi:http/types@0.2.0" (instance $types
      (export "incoming-request" (type (sub resource)))
      (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $outparam))
    (core module $module )" +
                   std::string(module) + R"()
    (core instance $instance (instantiate $module))
    (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
      (canon lift (core func $instance "handle")))
    (instance $handler (export "handle" (func $handle)))
    (export "wasi:http/incoming-handler@0.2.0" (instance $handler))))");
}

Bytes answeringGuest(std::string_view module) { return encoded(std::string(module), "answering"); }

namespace {

std::string countingModule(std::string_view afterwards) {
  return std::string(R"((module
    (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.0" "[constructor]outgoing-response"
      (func $response (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-response.set-status-code"
      (func $status (param i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $write (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish"
      (func $finish (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
      (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
      (func $send (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $close (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 1024) "hello")
    (global $calls (mut i32) (i32.const 0))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func $third_call unreachable)
    (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
      (local $answer i32) (local $content i32) (local $stream i32)
      (if (i32.ge_u (global.get $calls) (i32.const 2)) (then (call $third_call)))
      (local.set $answer (call $response (call $fields)))
      (drop (call $status (local.get $answer) (i32.add (i32.const 200) (global.get $calls))))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (call $body (local.get $answer) (i32.const 16))
      (local.set $content (i32.load (i32.const 20)))
      (call $set (local.get $out) (i32.const 0) (local.get $answer) (i32.const 0) (i64.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $write (local.get $content) (i32.const 32))
      (local.set $stream (i32.load (i32.const 36)))
      (call $send (local.get $stream) (i32.const 1024) (i32.const 5) (i32.const 48))
      (call $close (local.get $stream))
      (call $finish (local.get $content) (i32.const 0) (i32.const 0) (i32.const 64)))") +
         std::string(afterwards) + "))";
}

}  // namespace

Bytes countingGuest() { return answeringGuest(countingModule("")); }

Bytes lingeringGuest() { return answeringGuest(countingModule("(loop $again (br $again))")); }

Bytes spinningGuest(int memory_pages) {
  return handlerGuest("(memory " + std::to_string(memory_pages) + R"()
    (func (export "handle") (param i32 i32) (loop $again (br $again))))");
}

Bytes commandGuest(std::string_view body, std::string_view memory) {
  return encoded(R"((module
    (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
    (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
      (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 1024) ")" +
                     std::string(memory) + R"(")
    (func $print (param $from i32) (param $bytes i32)
      (call $write (call $stdout) (i32.add (local.get $from) (i32.const 1024)) (local.get $bytes)
        (i32.const 16)))
    (func (export "wasi:cli/run@0.2.0#run") (result i32) )" +
                     std::string(body) + "))",
                 "command");
}

namespace {

// Text of a module that prints `memory`, from $print.
std::string printing(std::string_view memory, std::string_view rest) {
  return "(module $" + std::string(memory) + R"(
    (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
      (func $write (param i32 i32 i32 i32)))
    (import "test:guests/backend" "ping" (func $ping))
    (memory (export "memory") 2)
    (data (i32.const 1024) ")" +
         std::string(memory) + R"(\n")
    (func $fail unreachable)
    (func $print
      (call $write (call $stdout) (i32.const 1024) (i32.const )" +
         std::to_string(memory.size() + 1) + ") (i32.const 16)))" + std::string(rest) + ")";
}

}  // namespace

Bytes callingGuest(std::string_view before) {
  return encoded(printing("caller", R"(
    (func (export "wasi:cli/run@0.2.0#run") (result i32) )" +
                                        std::string(before) + R"(
      (call $print) (call $ping) (call $print) (i32.const 0)))"),
                 "calling");
}

Bytes calledGuest(std::string_view body) {
  std::string text = printing(
      "callee", R"((func $pinged (export "test:guests/backend#ping") )" + std::string(body) + ")");
  constexpr std::string_view kImport = R"((import "test:guests/backend" "ping" (func $ping)))";
  text.replace(text.find(kImport), kImport.size(), "");
  return encoded(text, "called");
}

Bytes importingGuest(std::string_view provider, std::string_view module) {
  return encoded(std::string(module), "importing", provider);
}

Bytes overlappingGuest(bool third) {
  constexpr std::string_view kText = R"((component
    (import "test:provider/api@1.2.3" (instance $api
      (export "wait" (func async (param "tag" u32) (result u32)))))
    (core module $libc (memory (export "memory") 1))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (core func $wait (canon lower (func $api "wait") async (memory $memory)))
    (core func $set-new (canon waitable-set.new))
    (core func $set-wait (canon waitable-set.wait (memory $memory)))
    (core func $join (canon waitable.join))
    (core func $task-drop (canon subtask.drop))
    (core func $task-cancel (canon subtask.cancel))
    (core module $m
      (import "libc" "memory" (memory 1))
      (import "h" "wait" (func $wait (param i32 i32) (result i32)))
      (import "h" "set-new" (func $set-new (result i32)))
      (import "h" "set-wait" (func $set-wait (param i32 i32) (result i32)))
      (import "h" "join" (func $join (param i32 i32)))
      (import "h" "task-drop" (func $task-drop (param i32)))
      (import "h" "task-cancel" (func $task-cancel (param i32) (result i32)))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func $start (param $tag i32) (param $to i32) (result i32) (local $state i32)
        (local.set $state (call $wait (local.get $tag) (local.get $to)))
        (call $expect (i32.and (local.get $state) (i32.const 15)) (i32.const 1))
        (i32.shr_u (local.get $state) (i32.const 4)))
      (func $next (param $set i32) (param $task i32)
        (call $expect (call $set-wait (local.get $set) (i32.const 128)) (i32.const 1))
        (call $expect (i32.load (i32.const 128)) (local.get $task))
        (call $expect (i32.load (i32.const 132)) (i32.const 2))
        (call $join (local.get $task) (i32.const 0))
        (call $task-drop (local.get $task)))
      (func (export "run") (result i32)
        (local $first i32) (local $second i32) (local $third i32) (local $set i32)
        (local.set $first (call $start (i32.const 1) (i32.const 64)))
        (local.set $second (call $start (i32.const 2) (i32.const 68)))
        (if (i32.const THIRD) (then
          (local.set $third (call $start (i32.const 3) (i32.const 72)))
          ;; 4: cancelled before it returned
          (call $expect (call $task-cancel (local.get $third)) (i32.const 4))
          (call $task-drop (local.get $third))))
        (local.set $set (call $set-new))
        (call $join (local.get $first) (local.get $set))
        (call $join (local.get $second) (local.get $set))
        (call $next (local.get $set) (local.get $second))
        (call $expect (i32.load (i32.const 68)) (i32.const 20))
        (call $expect (i32.load (i32.const 64)) (i32.const 0))
        (call $next (local.get $set) (local.get $first))
        (call $expect (i32.load (i32.const 64)) (i32.const 10))
        (i32.const 0)))
    (core instance $i (instantiate $m
      (with "libc" (instance $libc))
      (with "h" (instance
        (export "wait" (func $wait)) (export "set-new" (func $set-new))
        (export "set-wait" (func $set-wait)) (export "join" (func $join))
        (export "task-drop" (func $task-drop)) (export "task-cancel" (func $task-cancel))))))
    (func $run async (result (result)) (canon lift (core func $i "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.3.0" (instance $command))))";
  std::string text(kText);
  text.replace(text.find("THIRD"), 5, third ? "1" : "0");
  return assembled(text);
}

Bytes askingHandler() {
  return assembled(R"((component
    (import "wasi:http/types@0.2.0" (instance $types
      (export "incoming-request" (type (sub resource)))
      (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $outparam))
    (import "test:provider/api@1.2.3" (instance $api (export "ask" (func))))
    (core func $ask (canon lower (func $api "ask")))
    (core module $m
      (import "h" "ask" (func $ask))
      (func (export "handle") (param i32 i32) (call $ask)))
    (core instance $i (instantiate $m (with "h" (instance (export "ask" (func $ask))))))
    (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
      (canon lift (core func $i "handle")))
    (instance $handler (export "handle" (func $handle)))
    (export "wasi:http/incoming-handler@0.2.0" (instance $handler))))");
}

Bytes passingHandler() {
  return assembled(R"((component
    (import "wasi:http/types@0.2.0" (instance $types
      (export "incoming-request" (type (sub resource)))
      (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $outparam))
    (import "wasi:http/incoming-handler@0.2.0" (instance $behind
      (export "handle" (func (param "request" (own $request))
        (param "response-out" (own $outparam))))))
    (core func $pass (canon lower (func $behind "handle")))
    (core module $m
      (import "h" "pass" (func $pass (param i32 i32)))
      (func (export "handle") (param i32 i32) (call $pass (local.get 0) (local.get 1))))
    (core instance $i (instantiate $m (with "h" (instance (export "pass" (func $pass))))))
    (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
      (canon lift (core func $i "handle")))
    (instance $handler (export "handle" (func $handle)))
    (export "wasi:http/incoming-handler@0.2.0" (instance $handler))))");
}

constexpr std::string_view kLibrary = R"(
package test:library@1.0.0;
interface api {
  add: func(a: u32, b: u32) -> u32;
  echo: func(content: list<u8>) -> list<u8>;
  calls: func() -> u32;    // how often this instance was asked
  dropped: func() -> u32;  // counters destroyed
  crash: func();
  spin: func();
  resource counter {
    constructor(start: u32);
    next: func() -> u32;
    eat: static func(other: counter) -> u32;
  }
  both: func(lent: borrow<counter>, given: counter) -> u32;  // sum of their values
}
)";

Bytes libraryGuest() {
  return encoded(R"((module
    (import "[export]test:library/api@1.0.0" "[resource-new]counter"
      (func $new (param i32) (result i32)))
    (import "[export]test:library/api@1.0.0" "[resource-rep]counter"
      (func $rep (param i32) (result i32)))
    (import "[export]test:library/api@1.0.0" "[resource-drop]counter" (func $drop (param i32)))
    (memory (export "memory") 4)
    (global $calls (mut i32) (i32.const 0))
    (global $dropped (mut i32) (i32.const 0))
    (global $cell (mut i32) (i32.const 1024))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
    (func (export "test:library/api@1.0.0#add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))
    (func (export "test:library/api@1.0.0#echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0))
      (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "test:library/api@1.0.0#calls") (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (global.get $calls))
    (func (export "test:library/api@1.0.0#dropped") (result i32) (global.get $dropped))
    (func (export "test:library/api@1.0.0#crash") unreachable)
    (func (export "test:library/api@1.0.0#spin") (loop $again (br $again)))
    (func (export "test:library/api@1.0.0#[constructor]counter") (param i32) (result i32)
      (global.set $cell (i32.add (global.get $cell) (i32.const 4)))
      (i32.store (global.get $cell) (local.get 0))
      (call $new (global.get $cell)))
    (func (export "test:library/api@1.0.0#[method]counter.next") (param i32) (result i32)
      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (i32.load (local.get 0)))
    (func $eat (export "test:library/api@1.0.0#[static]counter.eat") (param i32) (result i32)
      (local $value i32)
      (local.set $value (i32.load (call $rep (local.get 0))))
      (call $drop (local.get 0))
      (local.get $value))
    (func (export "test:library/api@1.0.0#both") (param i32 i32) (result i32)
      (i32.add (i32.load (local.get 0)) (call $eat (local.get 1))))
    (func (export "test:library/api@1.0.0#[dtor]counter") (param i32)
      (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))))",
                 "library", kLibrary);
}

constexpr std::string_view kDesk = R"(
package test:desk@1.0.0;
interface tickets {
  resource ticket {
    number: func() -> u32;
  }
}
interface api {
  use tickets.{ticket};
  resource note {
    constructor(text: u32);
  }
  both: func(first: ticket, second: option<ticket>) -> u32;  // 100 times the first's number
  mixed: func(text: note, first: ticket) -> u32;              // 100 times the text
}
)";

Bytes deskGuest() {
  return encoded(R"((module
    (import "test:desk/tickets@1.0.0" "[method]ticket.number"
      (func $number (param i32) (result i32)))
    (import "test:desk/tickets@1.0.0" "[resource-drop]ticket" (func $drop (param i32)))
    (import "[export]test:desk/api@1.0.0" "[resource-new]note"
      (func $new (param i32) (result i32)))
    (import "[export]test:desk/api@1.0.0" "[resource-rep]note"
      (func $rep (param i32) (result i32)))
    (memory (export "memory") 1)
    (func $take (param i32) (result i32)
      (call $number (local.get 0))
      (call $drop (local.get 0)))
    (func (export "test:desk/api@1.0.0#[constructor]note") (param i32) (result i32)
      (call $new (local.get 0)))
    (func (export "test:desk/api@1.0.0#mixed") (param i32 i32) (result i32)
      (i32.add (i32.mul (i32.const 100) (call $rep (local.get 0))) (call $take (local.get 1))))
    (func (export "test:desk/api@1.0.0#both") (param i32 i32 i32) (result i32)
      (i32.mul (i32.const 100) (call $take (local.get 0)))
      (if (result i32) (local.get 1)
        (then (call $take (local.get 2)))
        (else (i32.const 0)))
      i32.add)))",
                 "desk", kDesk);
}

Bytes addingGuest() {
  return assembled(R"((component
    (core module $m (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1))))
    (core instance $i (instantiate $m))
    (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
    (instance $api (export "add" (func $add)))
    (export "test:provider/api@1.2.3" (instance $api))))");
}

Bytes relayingGuest() {
  return assembled(R"((component
    (import "test:provider/api@1.2.3" (instance $api
      (export "wait" (func async (param "tag" u32) (result u32)))))
    (core module $libc (memory (export "memory") 1))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (core func $wait (canon lower (func $api "wait") async (memory $memory)))
    (core func $set-new (canon waitable-set.new))
    (core func $join (canon waitable.join))
    (core func $task-drop (canon subtask.drop))
    (core func $return (canon task.return (result u32)))
    (core module $m
      (import "libc" "memory" (memory 1))
      (import "h" "wait" (func $wait (param i32 i32) (result i32)))
      (import "h" "set-new" (func $set-new (result i32)))
      (import "h" "join" (func $join (param i32 i32)))
      (import "h" "task-drop" (func $task-drop (param i32)))
      (import "h" "return" (func $return (param i32)))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      ;; where the answer of a subtask will be
      (func $place (param $task i32) (result i32)
        (i32.add (i32.const 8192) (i32.shl (local.get $task) (i32.const 2))))
      (func (export "relay") (param $tag i32) (result i32)
        (local $to i32) (local $task i32) (local $set i32)
        (if (i32.eq (local.get $tag) (i32.const 100)) (then
          (call $return (i32.const 0))
          (return (i32.const 0))))
        (if (i32.eq (local.get $tag) (i32.const 101)) (then (loop $again (br $again))))
        (local.set $to (i32.add (i32.const 64) (i32.shl (local.get $tag) (i32.const 2))))
        (local.set $task (call $wait (local.get $tag) (local.get $to)))
        (call $expect (i32.and (local.get $task) (i32.const 15)) (i32.const 1))
        (local.set $task (i32.shr_u (local.get $task) (i32.const 4)))
        (i32.store (call $place (local.get $task)) (local.get $to))
        (local.set $set (call $set-new))
        (call $join (local.get $task) (local.get $set))
        (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
      (func (export "relayed") (param $event i32) (param $task i32) (param $state i32) (result i32)
        (call $expect (local.get $event) (i32.const 1))
        (call $expect (local.get $state) (i32.const 2))
        (call $task-drop (local.get $task))
        (call $return (i32.load (i32.load (call $place (local.get $task)))))
        (i32.const 0)))
    (core instance $i (instantiate $m
      (with "libc" (instance $libc))
      (with "h" (instance
        (export "wait" (func $wait)) (export "set-new" (func $set-new))
        (export "join" (func $join)) (export "task-drop" (func $task-drop))
        (export "return" (func $return))))))
    (func (export "relay") async (param "tag" u32) (result u32)
      (canon lift (core func $i "relay") async (callback (core func $i "relayed"))))))");
}

TEST(TestGuests, AreValidComponents) {
  EXPECT_TRUE(wit::validate(countingGuest().view()));
  EXPECT_TRUE(wit::validate(spinningGuest().view()));
  EXPECT_TRUE(wit::validate(commandGuest("(i32.const 0)").view()));
  EXPECT_TRUE(wit::validate(callingGuest().view()));
  EXPECT_TRUE(wit::validate(calledGuest("(call $print)").view()));
}

}  // namespace nimbus::engine
