#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wrpc/stream.h"

// Streams of bytes to send through bindings, and what comes of them.
namespace nimbus {

using ByteStream = wrpc::StreamReader<std::uint8_t>;

// Ends with an error after so many bytes.
class Failing final : public wrpc::StreamSource<std::uint8_t> {
 public:
  explicit Failing(std::uint32_t after) : left_(after) {}
  Eventual<Result<std::optional<Bytes>>> read() override {
    if (left_ == 0) return fail(ErrorCode::kIo, "the disk is gone");
    --left_;
    return Result<std::optional<Bytes>>(Bytes::copyOf("x"));
  }

 private:
  std::uint32_t left_;
};

inline ByteStream stream(std::string_view content) { return ByteStream(Bytes::copyOf(content)); }

// All of it, and behind a "!" the error it ended with.
inline Task<std::string> text(ByteStream stream) {
  std::string all;
  while (true) {
    auto piece = co_await stream.read();
    if (!piece) co_return all + "!" + piece.error().message();
    if (!*piece) co_return all;
    all += (*piece)->text();
  }
}

}  // namespace nimbus
