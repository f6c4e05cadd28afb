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

Bytes encoded(const std::string& module, std::string_view world) {
  const std::vector<wit::WitFile> files{{"guests.wit", std::string(kWorlds)},
                                        {"deps/http.wit", std::string(kHttpWit)},
                                        {"deps/io.wit", std::string(kIoWit)},
                                        {"deps/cli.wit", std::string(kCliWit)}};
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

Bytes countingGuest() {
  return answeringGuest(R"((module
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
      (call $finish (local.get $content) (i32.const 0) (i32.const 0) (i32.const 64)))))");
}

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

Bytes callingGuest() {
  return encoded(printing("caller", R"(
    (func (export "wasi:cli/run@0.2.0#run") (result i32)
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

TEST(TestGuests, AreValidComponents) {
  EXPECT_TRUE(wit::validate(countingGuest().view()));
  EXPECT_TRUE(wit::validate(spinningGuest().view()));
  EXPECT_TRUE(wit::validate(commandGuest("(i32.const 0)").view()));
  EXPECT_TRUE(wit::validate(callingGuest().view()));
  EXPECT_TRUE(wit::validate(calledGuest("(call $print)").view()));
}

}  // namespace nimbus::engine
