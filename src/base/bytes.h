#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nimbus {

using ByteView = std::span<const std::uint8_t>;

[[nodiscard]] inline ByteView asBytes(std::string_view text [[clang::lifetimebound]]) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view asText(ByteView bytes [[clang::lifetimebound]]) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// An immutable, reference-counted piece of memory: copying shares, slicing does not copy. The
// owner may be anything that keeps the bytes alive, such as a buffer that lives in Rust.
class Bytes {
 public:
  Bytes() = default;
  // Shares `view` for as long as `owner` lives.
  Bytes(ByteView view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)) {}

  [[nodiscard]] static Bytes copyOf(ByteView view);
  [[nodiscard]] static Bytes copyOf(std::string_view text) { return copyOf(asBytes(text)); }
  [[nodiscard]] static Bytes take(std::string text);
  // Memory that outlives the process's use of it, such as a string literal.
  [[nodiscard]] static Bytes ofStatic(std::string_view text) { return {asBytes(text), nullptr}; }

  [[nodiscard]] ByteView view() const { return view_; }
  [[nodiscard]] std::string_view text() const { return asText(view_); }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }

  // The bytes [offset, offset + count), sharing the memory. Both must lie within.
  [[nodiscard]] Bytes slice(std::size_t offset, std::size_t count) const {
    return {view_.subspan(offset, count), owner_};
  }

  // The same content.
  friend bool operator==(const Bytes& a, const Bytes& b) {
    return std::ranges::equal(a.view_, b.view_);
  }

 private:
  ByteView view_;
  std::shared_ptr<const void> owner_;
};

}  // namespace nimbus
