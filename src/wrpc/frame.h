#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wrpc/invoker.h"
#include "wrpc/leb.h"

namespace nimbus::wrpc {

// The framed dialect (docs/formats/wrpc-framed.md), without sockets: what a client sends first, and
// the frames that both sides send.

inline constexpr std::size_t kMaxFramePathDepth = 32;
inline constexpr std::uint8_t kFramedVersion = 0;

// Which function a connection calls.
struct InvocationHeader {
  std::string instance;
  std::string function;
};

// Reads the header from bytes as they arrive. Allocates no more than has arrived.
class HeaderParser {
 public:
  static constexpr std::size_t kMaxNameBytes = 1024;

  // Takes from the front of `input`; true once the header is complete, and then the rest of `input`
  // is frames. kProtocol: another version, a name too long.
  [[nodiscard]] Result<bool> parse(ByteView& input);
  // Of a complete one, once.
  [[nodiscard]] InvocationHeader take() { return std::move(header_); }
  // Whether anything has arrived.
  [[nodiscard]] bool started() const { return state_ != State::kVersion; }

 private:
  enum class State : std::uint8_t {
    kVersion,
    kInstanceLength,
    kInstance,
    kFunctionLength,
    kFunction,
    kDone
  };
  Result<void> parseLength(std::uint8_t byte);
  Result<void> parseByte(std::uint8_t byte);

  State state_ = State::kVersion;
  UlebReader length_{32};
  std::size_t missing_ = 0;
  InvocationHeader header_;
};

// Reads frames from bytes as they arrive, and hands their data on in pieces, so that a frame costs
// no memory however long it claims to be.
class FrameParser {
 public:
  struct Part {
    const IndexPath& path;  // empty: the root. Valid until next() is called again
    ByteView data;  // some of the frame's data, a part of the input; empty in an empty frame
    bool last;      // the frame ends with it
  };

  // Takes from the front of `input` until there is something to hand on; nullopt: the input is used
  // up. kProtocol: a path too deep, a number that does not fit.
  [[nodiscard]] Result<std::optional<Part>> next(ByteView& input);
  // How much of the root the frame that has begun is still to bring.
  [[nodiscard]] std::size_t rootToCome() const {
    return state_ == State::kData && path_.empty() ? missing_ : 0;
  }
  // Whether the peer may finish here.
  [[nodiscard]] bool betweenFrames() const { return state_ == State::kDepth && !number_.started(); }

 private:
  enum class State : std::uint8_t { kDepth, kPath, kLength, kData };
  // True once the frame's data begins.
  Result<bool> parseHead(std::uint8_t byte);

  State state_ = State::kDepth;
  UlebReader number_{32};
  IndexPath path_;
  std::size_t depth_ = 0;
  std::size_t missing_ = 0;
};

// What stands before a frame's data. Paths are at most kMaxFramePathDepth deep.
class FrameHead {
 public:
  FrameHead(const IndexPath& path, std::uint32_t data_bytes);
  [[nodiscard]] ByteView view() const [[clang::lifetimebound]] { return {bytes_.data(), size_}; }

 private:
  void append(std::uint32_t number) { size_ += writeUleb(number, bytes_.data() + size_); }

  std::array<std::uint8_t, 5 * (kMaxFramePathDepth + 2)> bytes_;
  std::size_t size_ = 0;
};

// The header that names the function, as a client sends it.
[[nodiscard]] std::vector<std::uint8_t> encodeHeader(const FunctionName& name);

}  // namespace nimbus::wrpc
