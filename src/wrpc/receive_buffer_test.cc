#include "wrpc/receive_buffer.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace nimbus::wrpc {
namespace {

// Delivers as much as is asked for of each text.
class TextStream final : public net::Stream {
 public:
  explicit TextStream(std::string text) : text_(std::move(text)) {}
  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    asked_ = into.size();
    const std::size_t count = std::min(into.size(), text_.size());
    std::ranges::copy(asBytes(std::string_view(text_).substr(0, count)), into.begin());
    text_.erase(0, count);
    co_return count;
  }
  Task<Result<void>> readable() override { co_return Result<void>{}; }
  Result<std::size_t> tryWrite(ByteView) override { return 0; }
  Task<Result<void>> writable() override { co_return Result<void>{}; }
  Task<Result<void>> shutdownWrite() override { co_return Result<void>{}; }
  void close() override {}
  const net::PeerInfo& peer() const override { return peer_; }
  [[nodiscard]] std::size_t asked() const { return asked_; }

 private:
  net::PeerInfo peer_;
  std::string text_;
  std::size_t asked_ = 0;
};

std::size_t fill(ReceiveBuffer& buffer, net::Stream& stream) {
  auto task = buffer.fill(stream);
  EXPECT_TRUE(task.start());
  return *task.take();
}

TEST(ReceiveBuffer, GrowsOnlyWhileThePeerFillsIt) {
  ReceiveBuffer buffer(64 * 1024);
  TextStream stream(std::string(200'000, 'x'));
  std::vector<std::size_t> asked;
  while (fill(buffer, stream) > 0) {
    asked.push_back(stream.asked());
    buffer.unread() = {};
  }
  EXPECT_EQ(asked, (std::vector<std::size_t>{4096, 16384, 65536, 65536, 65536}));
}

TEST(ReceiveBuffer, NeverWritesWhatSomebodyShares) {
  ReceiveBuffer buffer(4096);
  TextStream stream(std::string(4096, 'a') + std::string(4096, 'b'));
  fill(buffer, stream);
  const Bytes shared = buffer.share(buffer.unread());
  EXPECT_EQ(shared.size(), 4096u);
  buffer.unread() = {};
  fill(buffer, stream);
  EXPECT_EQ(shared.text(), std::string(4096, 'a'));
  EXPECT_EQ(asText(buffer.unread()), std::string(4096, 'b'));
}

TEST(ReceiveBuffer, GoesOnBehindWhatIsShared) {
  ReceiveBuffer buffer(4096);
  TextStream first(std::string(1500, 'a'));
  fill(buffer, first);
  const Bytes shared = buffer.share(buffer.unread());
  buffer.unread() = {};
  TextStream second(std::string(3000, 'b'));
  EXPECT_EQ(fill(buffer, second), 4096u - 1500u);
  EXPECT_EQ(shared.text(), std::string(1500, 'a'));
}

// A small share would keep much more memory than it is worth.
TEST(ReceiveBuffer, SharesOnlyWhatIsAGoodPart) {
  ReceiveBuffer buffer(4096);
  TextStream stream(std::string(4096, 'a'));
  fill(buffer, stream);
  EXPECT_TRUE(buffer.share(buffer.unread().first(1023)).empty());
  EXPECT_EQ(buffer.share(buffer.unread().first(1024)).size(), 1024u);
}

}  // namespace
}  // namespace nimbus::wrpc
