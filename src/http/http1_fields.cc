#include "http/http1_fields.h"

#include <cstdint>

#include "base/text.h"
#include "http/headers.h"

namespace nimbus::http {

LineCutter::Cut LineCutter::cut(std::string_view bytes, std::size_t max_bytes) {
  if (spent_) {
    partial_.clear();
    spent_ = false;
  }
  const std::size_t feed = bytes.find('\n');
  const bool complete = feed != std::string_view::npos;
  const std::size_t taken = complete ? feed : bytes.size();
  // One more than allowed may still be the CR of the line's end.
  if (partial_.size() + taken > max_bytes + 1) return {Outcome::kTooLong, taken, {}};
  if (!complete) {
    partial_.append(bytes);
    return {Outcome::kMore, taken, {}};
  }
  std::string_view line = bytes.substr(0, taken);
  if (!partial_.empty()) {
    partial_.append(line);
    line = partial_;
    spent_ = true;
  }
  if (!line.ends_with('\r')) return {Outcome::kBareFeed, taken + 1, {}};
  line.remove_suffix(1);
  return {Outcome::kLine, taken + 1, line};
}

void LineCutter::release() {
  if (!spent_ && !partial_.empty()) return;
  partial_ = std::string();
  spent_ = false;
}

FieldKind classifyField(std::string_view name) {
  switch (name.size()) {
    case 2: return equalsIgnoringCase(name, "te") ? FieldKind::kHopByHop : FieldKind::kOrdinary;
    case 4: return equalsIgnoringCase(name, "host") ? FieldKind::kHost : FieldKind::kOrdinary;
    case 6: return equalsIgnoringCase(name, "expect") ? FieldKind::kExpect : FieldKind::kOrdinary;
    case 7:
      return equalsIgnoringCase(name, "upgrade") ? FieldKind::kHopByHop : FieldKind::kOrdinary;
    case 10:
      if (equalsIgnoringCase(name, "connection")) return FieldKind::kConnection;
      return equalsIgnoringCase(name, "keep-alive") ? FieldKind::kHopByHop : FieldKind::kOrdinary;
    case 14:
      if (equalsIgnoringCase(name, "content-length")) return FieldKind::kContentLength;
      return equalsIgnoringCase(name, "http2-settings") ? FieldKind::kHopByHop
                                                        : FieldKind::kOrdinary;
    case 16:
      return equalsIgnoringCase(name, "proxy-connection") ? FieldKind::kHopByHop
                                                          : FieldKind::kOrdinary;
    case 17:
      return equalsIgnoringCase(name, "transfer-encoding") ? FieldKind::kTransferEncoding
                                                           : FieldKind::kOrdinary;
    default: return FieldKind::kOrdinary;
  }
}

FieldLine parseFieldLine(std::string_view line) {
  if (line.starts_with(' ') || line.starts_with('\t')) return {{}, {}, "folded field line"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {{}, {}, "field line without a colon"};
  FieldLine field{line.substr(0, colon), line.substr(colon + 1), {}};
  // White space before the colon is no token character either.
  if (!isToken(field.name)) return {{}, {}, "invalid field name"};
  const std::size_t first = field.value.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    field.value = {};
    return field;
  }
  const std::size_t last = field.value.find_last_not_of(" \t");
  field.value = field.value.substr(first, last - first + 1);
  if (!isFieldValue(field.value)) return {{}, {}, "invalid character in a field value"};
  return field;
}

std::optional<std::uint64_t> parseContentLength(std::string_view text) {
  // 18 digits always fit; 19 may pass the limit.
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + std::uint64_t(c - '0');
  }
  if (length > std::uint64_t(INT64_MAX)) return std::nullopt;
  return length;
}

}  // namespace nimbus::http
