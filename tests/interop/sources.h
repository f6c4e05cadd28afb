#pragma once

#include <cctype>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wrpc/future.h"
#include "wrpc/stream.h"

// What our peer makes of streams and futures: each piece is answered once it is there.
namespace nimbus::interop {

inline std::string upperCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

class UpperSource final : public wrpc::StreamSource<std::uint8_t> {
 public:
  explicit UpperSource(wrpc::StreamReader<std::uint8_t> text) : text_(std::move(text)) {}
  Eventual<Result<std::optional<Bytes>>> read() override { return next(); }

 private:
  Task<Result<std::optional<Bytes>>> next() {
    CO_TRY(const std::optional<Bytes> piece, co_await text_.read());
    if (!piece) co_return std::optional<Bytes>();
    co_return std::optional(Bytes::take(upperCase(std::string(piece->text()))));
  }
  wrpc::StreamReader<std::uint8_t> text_;
};

class DoubledSource final : public wrpc::StreamSource<std::uint32_t> {
 public:
  explicit DoubledSource(wrpc::StreamReader<std::uint32_t> in) : in_(std::move(in)) {}
  Eventual<Result<std::optional<std::vector<std::uint32_t>>>> read() override { return next(); }

 private:
  Task<Result<std::optional<std::vector<std::uint32_t>>>> next() {
    CO_TRY(auto chunk, co_await in_.read());
    if (chunk) {
      for (std::uint32_t& number : *chunk) number *= 2;
    }
    co_return std::move(chunk);
  }
  wrpc::StreamReader<std::uint32_t> in_;
};

class LaterSource final : public wrpc::FutureSource<std::string> {
 public:
  explicit LaterSource(wrpc::FutureReader<std::string> value) : value_(std::move(value)) {}
  Eventual<Result<std::string>> read() override { return append(); }

 private:
  Task<Result<std::string>> append() {
    CO_TRY(const std::string value, co_await value_.read());
    co_return value + ", at last";
  }
  wrpc::FutureReader<std::string> value_;
};

}  // namespace nimbus::interop
