#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/check.h"
#include "base/task.h"
#include "base/test_folder.h"
#include "net/shard.h"
#include "net/socket.h"
#include "net/stream.h"

namespace nimbus::net {

// One shard on a thread of its own. `run()` executes a coroutine there and waits for it. The
// coroutine may capture by reference: its lambda lives until it is done.
class ShardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = ShardGroup::start(1);
    ASSERT_TRUE(started) << started.error().describe();
    group_ = std::move(*started);
  }
  void run(std::move_only_function<Task<void>(Shard&)> make) {
    group_->runTask(0, std::move(make));
  }

  std::unique_ptr<ShardGroup> group_;
};

// Two ends of one loopback connection on one shard.
struct StreamPair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

// Listens on `where` and connects to it. Failures abort: tests of connecting do not use it.
[[nodiscard]] Task<StreamPair> connectedPair(Shard& shard, Endpoint where);
[[nodiscard]] Task<StreamPair> connectedPair(Shard& shard);  // TCP on 127.0.0.1

// Reads until the peer has finished. Inline, as the rest of what other folders use.
inline Task<Result<std::string>> readToEnd(Stream& stream) {
  std::string text;
  std::vector<std::uint8_t> buffer(64 * 1024);
  for (;;) {
    CO_TRY(const std::size_t count, co_await stream.read(buffer));
    if (count == 0) co_return text;
    text.append(asText(ByteView(buffer).first(count)));
  }
}

// Reads exactly so many bytes.
inline Task<Result<std::string>> readExactly(Stream& stream, std::size_t count) {
  std::string text(count, '\0');
  std::span<std::uint8_t> rest(reinterpret_cast<std::uint8_t*>(text.data()), count);
  while (!rest.empty()) {
    CO_TRY(const std::size_t got, co_await stream.read(rest));
    if (got == 0) co_return fail(ErrorCode::kIo, "the stream ended early");
    rest = rest.subspan(got);
  }
  co_return text;
}

}  // namespace nimbus::net
