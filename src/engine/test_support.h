#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "base/test_folder.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/fresh_call.h"
#include "engine/guest_context.h"
#include "engine/poller.h"
#include "net/test_support.h"

// For the tests of this folder only.
namespace nimbus::engine {

// Names of the files in a folder, sorted.
[[nodiscard]] inline std::vector<std::string> filesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& item : std::filesystem::directory_iterator(folder)) {
    names.push_back(item.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// --- guests, as the text of their core module (test_guests_test.cc)

// An HTTP handler of WASI 0.2 that can reach nothing: `module` exports "handle" with two handles.
[[nodiscard]] Bytes handlerGuest(std::string_view module);
// One that can answer: `module` imports from wasi:http/types@0.2.0 and wasi:io/streams@0.2.0.
[[nodiscard]] Bytes answeringGuest(std::string_view module);
// Answers 200 "hello", then 201 "hello", and traps in its third call.
[[nodiscard]] Bytes countingGuest();
// Answers in full like that, then loops for ever.
[[nodiscard]] Bytes lingeringGuest();
// Loops for ever; its memory is of so many pages of 64 KiB from the start.
[[nodiscard]] Bytes spinningGuest(int memory_pages = 0);
// A command of WASI 0.2 whose `run` has this body; it may call $print (pointer, length), which
// writes to standard output, and $exit (1: failure). Its memory begins with `memory`.
[[nodiscard]] Bytes commandGuest(std::string_view body, std::string_view memory = {});

// A command that prints "caller", calls test:guests/backend, and prints "caller" again.
[[nodiscard]] Bytes callingGuest(std::string_view before = {});
// Exports test:guests/backend: `ping` with this body, which may call $print ("callee") and $fail.
[[nodiscard]] Bytes calledGuest(std::string_view body);

// A command of WASI 0.2 that imports test:provider/api@1.2.3 as this package says.
[[nodiscard]] Bytes importingGuest(std::string_view provider, std::string_view module);

// A command of WASI 0.3 with an asynchronous import `wait: async func(tag: u32) -> u32` of
// test:provider/api@1.2.3. It calls it with 1 and 2 at once, and with 3 if `third`, and cancels
// that one; it fails unless the second answer, 20, comes before the first, 10.
[[nodiscard]] Bytes overlappingGuest(bool third = false);

// An HTTP handler of WASI 0.2 that calls `ask: func()` of test:provider/api@1.2.3 and does not
// answer.
[[nodiscard]] Bytes askingHandler();

// An HTTP handler of WASI 0.2 that passes each request on to the one that it imports.
[[nodiscard]] Bytes passingHandler();

// Exports test:library/api@1.0.0: see its WIT in test_guests_test.cc.
[[nodiscard]] Bytes libraryGuest();
// Exports test:desk/api@1.0.0, whose functions take tickets of test:desk/tickets@1.0.0, which it
// imports: see its WIT in test_guests_test.cc.
[[nodiscard]] Bytes deskGuest();
// Exports add(a: u32, b: u32) -> u32 of test:provider/api@1.2.3.
[[nodiscard]] Bytes addingGuest();
// Exports `relay: async func(tag: u32) -> u32`, which passes on what `wait` of
// test:provider/api@1.2.3 answers; that must not come at once. With 100 it returns 0 at once, with
// 101 it computes for ever.
[[nodiscard]] Bytes relayingGuest();

// Imports test:streams/api@1.0.0 and uses it in its exports, which also take and return streams and
// futures: see its text in test_streaming_guest_test.cc. Bytes of streams count from 0 up.
[[nodiscard]] Bytes streamingGuest();

// The same for input streams of WASI 0.2, which test:streams/api@1.0.0 takes and returns there: see
// its WIT in test_input_stream_guest_test.cc.
[[nodiscard]] Bytes inputStreamGuest();

// Has TCP sockets of WASI 0.2: see its WIT in test_socket_guest_test.cc.
[[nodiscard]] Bytes socketGuest();

// --- what guests see

class FakeGuestHost final : public GuestHost {
 public:
  void print(int stream, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::to_string(stream) + ": " + std::string(line));
  }
  bool socketAllowed(SocketUse use, const net::IpAddress&, std::uint16_t) override {
    if (use == SocketUse::kTcpBind || use == SocketUse::kTcpListen) return listening_allowed;
    return sockets_allowed && (use != SocketUse::kHostLoopback || machine_allowed);
  }
  bool lookupAllowed(std::string_view) override { return false; }
  SocketGrant socketOpened(SocketCount count) override {
    if (!sockets_allowed) return SocketGrant::kNotPermitted;
    if (count == SocketCount::kOutgoing) {
      if (outgoing_sockets == max_outgoing_sockets) return SocketGrant::kNoCapacity;
      ++outgoing_sockets;
      return SocketGrant::kGranted;
    }
    ++open_sockets;
    ++sockets_made;
    return SocketGrant::kGranted;
  }
  void socketClosed(SocketCount count) override {
    --(count == SocketCount::kOutgoing ? outgoing_sockets : open_sockets);
  }
  void startEgress(std::shared_ptr<OutgoingRequest>) override {}

  std::atomic<bool> sockets_allowed{false};
  std::atomic<bool> listening_allowed{true};  // of those
  std::atomic<bool> machine_allowed{false};   // its loopback, beside a private network
  std::atomic<int> open_sockets{0};
  std::atomic<int> sockets_made{0};
  std::atomic<int> outgoing_sockets{0};
  std::atomic<int> max_outgoing_sockets{1000};

  // "<stream>: <line>"
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

[[nodiscard]] inline GuestContextOptions roomyContext() {
  GuestContextOptions options;
  options.max_memory_bytes = 64 << 20;
  options.max_table_elements = 10'000;
  return options;
}

// An engine that reserves little, and one shard.
class GuestTest : public net::ShardTest {
 protected:
  [[nodiscard]] static EngineOptions smallEngine() {
    EngineOptions options;
    options.max_instances = 4;
    options.compile_threads = 1;
    return options;
  }
  void startEngine(EngineOptions options = smallEngine()) {
    auto started = Engine::create(std::move(options), *log_);
    ASSERT_TRUE(started) << started.error().describe();
    engine_ = std::move(*started);
  }
  [[nodiscard]] std::shared_ptr<const Component> load(const Bytes& wasm) {
    auto loaded = engine_->load(wasm.view());
    EXPECT_TRUE(loaded) << loaded.error().describe();
    return loaded ? *loaded : nullptr;
  }
  [[nodiscard]] std::unique_ptr<GuestContext> makeContext(
      net::Shard& shard, const GuestContextOptions& options = roomyContext()) {
    auto made = GuestContext::create(shard, options, guest_host_);
    EXPECT_TRUE(made) << made.error().describe();
    return std::move(*made);
  }

  std::unique_ptr<Logger> log_ = makeNullLogger();
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<FakeGuestHost> guest_host_ = std::make_shared<FakeGuestHost>();
};

[[nodiscard]] inline std::unique_ptr<Exchange> makeExchange(bool has_body = false,
                                                            std::uint64_t window_bytes = 65536) {
  http::RequestHead head;
  head.method = "GET";
  head.authority = "guest.test";
  head.path = "/";
  auto made = Exchange::create(head, has_body, window_bytes);
  EXPECT_TRUE(made) << made.error().describe();
  return std::move(*made);
}

// Waits until the call is over.
[[nodiscard]] inline Task<CallOutcome> outcomeOf(Exchange& exchange) {
  while (exchange.outcome() == nullptr) {
    exchange.changed().clear();
    co_await exchange.changed().wait();
  }
  co_return *exchange.outcome();
}

// Lets everything that is ready on the shard run.
[[nodiscard]] inline Task<void> settle(net::Shard& shard) {
  for (int turn = 0; turn < 5; ++turn) {
    Event next;
    shard.post([&next] { next.set(); });
    co_await next.wait();
  }
}

}  // namespace nimbus::engine
