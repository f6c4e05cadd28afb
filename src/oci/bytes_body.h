#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "http/message.h"

namespace nimbus::oci {

// The content of a request that lies in memory, given out in pieces. Tells `sent` after each how
// many bytes have been given out.
class BytesBody : public http::BodyReader {
 public:
  explicit BytesBody(Bytes bytes, std::function<void(std::uint64_t)> sent = {})
      : bytes_(std::move(bytes)), sent_(std::move(sent)) {}

  [[nodiscard]] Task<Result<std::optional<Bytes>>> read() override {
    if (at_ == bytes_.size()) co_return std::nullopt;
    const std::size_t count = std::min(kPieceBytes, bytes_.size() - at_);
    at_ += count;
    if (sent_) sent_(at_);
    co_return bytes_.slice(at_ - count, count);
  }
  [[nodiscard]] bool empty() const override { return bytes_.empty(); }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return bytes_.size(); }
  [[nodiscard]] const http::Headers& trailers() const override { return trailers_; }

 private:
  static constexpr std::size_t kPieceBytes = 64 * 1024;
  Bytes bytes_;
  std::function<void(std::uint64_t)> sent_;
  std::size_t at_ = 0;
  http::Headers trailers_;
};

class TextBody final : public BytesBody {
 public:
  explicit TextBody(std::string text) : BytesBody(Bytes::take(std::move(text))) {}
};

}  // namespace nimbus::oci
