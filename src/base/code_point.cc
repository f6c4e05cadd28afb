#include "base/code_point.h"

namespace nimbus {
namespace {

// The smallest code point that may take so many bytes; a shorter form is the only legal one.
constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

std::size_t lengthFromLead(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

}  // namespace

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

std::optional<std::size_t> firstInvalidUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = firstCodePoint(text.substr(at));
    if (point.value == kNotUtf8) return at;
    at += point.size_bytes;
  }
  return std::nullopt;
}

std::string asUtf8(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const CodePoint point = firstCodePoint(raw);
    out += point.value == kNotUtf8 ? "\xef\xbf\xbd" : raw.substr(0, point.size_bytes);
    raw.remove_prefix(point.size_bytes);
  }
  return out;
}

}  // namespace nimbus
