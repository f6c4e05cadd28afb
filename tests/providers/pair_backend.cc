// pair_backend ADDRESS: serves test:pair/backend as somebody would who knows nothing of components:
// what they have as input streams are streams of bytes here. `count-bytes` counts what comes;
// `open` gives back, under the name "last", what was counted last; "broken" fails in the middle.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "test/pair/backend.h"
#include "wrpc/provider_main.h"

namespace {

namespace api = ::test::pair::backend;
namespace wrpc = ::nimbus::wrpc;
using nimbus::Bytes;
using nimbus::Eventual;
using nimbus::Result;
using ByteStream = wrpc::StreamReader<std::uint8_t>;
using Opened = std::expected<ByteStream, std::string>;

// Some bytes, and an error.
class Broken final : public wrpc::StreamSource<std::uint8_t> {
 public:
  Eventual<Result<std::optional<Bytes>>> read() override {
    if (std::exchange(begun_, true))
      return nimbus::fail(nimbus::ErrorCode::kIo, "the disk is gone");
    return Result<std::optional<Bytes>>(Bytes::copyOf("first bytes"));
  }

 private:
  bool begun_ = false;
};

class Backend final : public api::Handler {
 public:
  wrpc::Answer<std::uint32_t> add(const wrpc::CallContext&, std::uint32_t a,
                                  std::uint32_t b) override {
    return a + b;
  }
  wrpc::Answer<std::string> possessions(const wrpc::CallContext&) override {
    return std::string("none");
  }
  wrpc::Answer<std::uint64_t> countBytes(const wrpc::CallContext&, ByteStream content) override {
    return count(std::move(content));
  }
  wrpc::Answer<Opened> open(const wrpc::CallContext&, std::string_view path) override {
    if (path == "last") return Opened(ByteStream(Bytes::copyOf(last_)));
    if (path == "broken") return Opened(ByteStream(std::make_unique<Broken>()));
    return wrpc::err("there is no " + std::string(path));
  }
  wrpc::Answer<void> print(const wrpc::CallContext&, std::string_view) override {
    return Result<void>();
  }
  wrpc::Answer<void> fail(const wrpc::CallContext&) override {
    return nimbus::fail(nimbus::ErrorCode::kInternal, "as asked");
  }

 private:
  nimbus::Task<Result<std::uint64_t>> count(ByteStream content) {
    last_.clear();
    while (true) {
      CO_TRY(std::optional<Bytes> piece, co_await content.read());
      if (!piece) co_return last_.size();
      last_ += piece->text();
    }
  }

  std::string last_;  // one thread calls
};

}  // namespace

int main(int argc, char** argv) {
  return wrpc::provide(argc, argv, {api::serve(std::make_shared<Backend>())});
}
