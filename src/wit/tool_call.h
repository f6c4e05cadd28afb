#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "rust/tools.h"

// Calling the functions of rust/tools.h. Internal to src/wit.
namespace nimbus::wit {

// A buffer of the library; frees what it holds.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept : raw_(std::exchange(other.raw_, {})) {}
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { nimbus_buffer_free(&raw_); }

  [[nodiscard]] NimbusBuffer* out() { return &raw_; }
  [[nodiscard]] ByteView view() const { return {raw_.data, raw_.size}; }
  [[nodiscard]] std::string text() const { return std::string(asText(view())); }

 private:
  NimbusBuffer raw_{};
};

[[nodiscard]] inline std::unexpected<Error> failWith(std::string message) {
  const bool bug = message.starts_with("internal: ");
  return fail(bug ? ErrorCode::kInternal : ErrorCode::kInvalidArgument, std::move(message));
}

// Calls `function(input…, out, error)`.
template <typename Function, typename... Input>
[[nodiscard]] Result<Buffer> call(Function function, Input... input) {
  Buffer out;
  Buffer error;
  if (function(input..., out.out(), error.out()) != 0) return failWith(error.text());
  return out;
}

// Shares the library's memory; it is freed with the last of the bytes.
[[nodiscard]] inline Result<Bytes> bytesOf(Result<Buffer> buffer) {
  TRY(Buffer filled, std::move(buffer));
  auto owner = std::make_shared<const Buffer>(std::move(filled));
  const ByteView view = owner->view();
  return Bytes(view, std::move(owner));
}

}  // namespace nimbus::wit
