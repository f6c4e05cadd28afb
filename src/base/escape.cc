#include "base/escape.h"

#include <cstdint>

#include <fmt/format.h>

namespace nimbus {
namespace {

constexpr std::uint32_t kInvalid = 0xffffffff;

struct CodePoint {
  std::uint32_t value = kInvalid;
  std::size_t size_bytes = 1;
};

// The smallest code point that may take so many bytes; a shorter form is the only legal one.
constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

std::size_t lengthFromLead(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

// The first code point of a non-empty text; value kInvalid if its first byte does not begin one.
CodePoint firstCodePoint(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lengthFromLead(lead);
  if (size == 1) return {lead, 1};
  if (size == 0 || text.size() < size) return {};
  std::uint32_t value = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    value = (value << 6) | (next & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value < 0xe000;
  if (value < kSmallest[size] || value > 0x10ffff || surrogate) return {};
  return {value, size};
}

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
  if (point.value == kInvalid) {
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

void appendJsonString(std::string& out, std::string_view raw) {
  out += '"';
  while (!raw.empty()) {
    const CodePoint point = firstCodePoint(raw);
    if (point.value == kInvalid) {
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
