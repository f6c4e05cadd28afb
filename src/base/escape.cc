#include "base/escape.h"

#include <cstdint>

#include <fmt/format.h>

#include "base/code_point.h"

namespace nimbus {
namespace {

constexpr std::size_t kMaxQuotedBytes = 80;

bool isUnsafe(std::uint32_t value) {
  return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x200e && value <= 0x200f) ||
         (value >= 0x2028 && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
}

// The escapes that text and JSON share; zero if there is none.
char shortEscape(std::uint32_t value) {
  switch (value) {
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '"': return '"';
    case '\\': return '\\';
    default: return 0;
  }
}

enum class Quote { kLeaveBare, kEscape };

void appendTextCodePoint(std::string& out, CodePoint point, std::string_view raw, Quote quote) {
  const bool bare_quote = point.value == '"' && quote == Quote::kLeaveBare;
  if (point.value == kNotUtf8) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(raw[0]));
  } else if (const char letter = shortEscape(point.value); letter != 0 && !bare_quote) {
    out += '\\';
    out += letter;
  } else if (isUnsafe(point.value)) {
    fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", point.value);
  } else {
    out += raw.substr(0, point.size_bytes);
  }
}

void appendText(std::string& out, std::string_view raw, Quote quote) {
  while (!raw.empty()) {
    const CodePoint point = firstCodePoint(raw);
    appendTextCodePoint(out, point, raw, quote);
    raw.remove_prefix(point.size_bytes);
  }
}

bool isPlainWord(std::string_view raw) {
  if (raw.empty()) return false;
  for (const char c : raw) {
    if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

}  // namespace

void appendEscapedLines(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const CodePoint point = firstCodePoint(raw);
    if (point.value == '\n' || point.value == '\t' || point.value == '\\') {
      out += raw.front();
    } else {
      appendTextCodePoint(out, point, raw, Quote::kLeaveBare);
    }
    raw.remove_prefix(point.size_bytes);
  }
}

void appendEscaped(std::string& out, std::string_view raw) {
  appendText(out, raw, Quote::kLeaveBare);
}

std::string escaped(std::string_view raw) {
  std::string out;
  appendEscaped(out, raw);
  return out;
}

void appendWord(std::string& out, std::string_view raw) {
  if (isPlainWord(raw)) {
    out += raw;
    return;
  }
  out += '"';
  appendText(out, raw, Quote::kEscape);
  out += '"';
}

std::string inQuotes(std::string_view raw) {
  std::string out = "\"";
  appendEscaped(out, raw.substr(0, kMaxQuotedBytes));
  out += raw.size() > kMaxQuotedBytes ? "…\"" : "\"";
  return out;
}

std::string withEscapes(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const CodePoint point = firstCodePoint(json);
    if (point.value == kNotUtf8) {
      out += "\\ufffd";
    } else if (point.value >= 0x7f && isUnsafe(point.value)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", point.value);
    } else {
      out += json.substr(0, point.size_bytes);
    }
    json.remove_prefix(point.size_bytes);
  }
  return out;
}

void appendJsonString(std::string& out, std::string_view raw) {
  out += '"';
  while (!raw.empty()) {
    const CodePoint point = firstCodePoint(raw);
    if (point.value == kNotUtf8) {
      out += "\\ufffd";
    } else if (const char letter = shortEscape(point.value); letter != 0) {
      out += '\\';
      out += letter;
    } else if (isUnsafe(point.value)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", point.value);
    } else {
      out += raw.substr(0, point.size_bytes);
    }
    raw.remove_prefix(point.size_bytes);
  }
  out += '"';
}

}  // namespace nimbus
