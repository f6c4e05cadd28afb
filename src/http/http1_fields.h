#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace nimbus::http {

// Cuts CRLF-terminated lines out of bytes that arrive in any pieces. A line that lies whole in one
// piece is not copied; no byte is looked at twice.
class LineCutter {
 public:
  enum class Outcome {
    kLine,
    kMore,      // took everything, the line is not at its end
    kTooLong,   // longer than allowed, complete or not
    kBareFeed,  // LF without CR before it
  };
  struct Cut {
    Outcome outcome;
    std::size_t consumed;
    std::string_view line;  // without its CRLF; valid until the next call and while `bytes` is
  };

  // `max_bytes` is without the CRLF. A CR elsewhere in the line is the caller's to refuse.
  Cut cut(std::string_view bytes, std::size_t max_bytes);
  // The beginning of a line that is not complete yet.
  [[nodiscard]] std::string_view partial() const [[clang::lifetimebound]] {
    return spent_ ? std::string_view() : std::string_view(partial_);
  }
  // Forgets a partial line.
  void reset() {
    partial_.clear();
    spent_ = false;
  }
  // Gives memory back unless it holds a partial line.
  void release();

 private:
  std::string partial_;
  bool spent_ = false;  // partial_ was the last line handed out
};

// The fields that HTTP/1 itself acts on.
enum class FieldKind {
  kOrdinary,
  kHost,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kExpect,
  kHopByHop,  // keep-alive, proxy-connection, te, upgrade, http2-settings
};
[[nodiscard]] FieldKind classifyField(std::string_view name);

// One field line (RFC 9112 5). `problem` is set if it must be refused: white space before the
// colon, a folded line, characters that do not belong there.
struct FieldLine {
  std::string_view name;
  std::string_view value;
  std::string_view problem;
};
[[nodiscard]] FieldLine parseFieldLine(std::string_view line);

// 1*DIGIT up to 2^63-1: no sign, no list, no white space.
[[nodiscard]] std::optional<std::uint64_t> parseContentLength(std::string_view text);

// Calls `each(token)` for the members of a comma-separated list, trimmed; empty ones are skipped.
template <typename Each>
void forEachListMember(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view member = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!member.empty() && (member.front() == ' ' || member.front() == '\t')) {
      member.remove_prefix(1);
    }
    while (!member.empty() && (member.back() == ' ' || member.back() == '\t')) {
      member.remove_suffix(1);
    }
    if (!member.empty()) each(member);
  }
}

}  // namespace nimbus::http
