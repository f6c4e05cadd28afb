#include "http/headers.h"

#include <array>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace nimbus::http {
namespace {

// The lower-case form of every character a token may have; 0 for those it may not.
constexpr std::array<char, 256> makeTokenTable() {
  std::array<char, 256> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = char(c - 'A' + 'a');
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = c;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = c;
  return table;
}
constexpr auto kTokenTable = makeTokenTable();

}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
  const std::size_t offset = text_.size();
  entries_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
  text_.append(name);
  for (std::size_t i = offset; i < text_.size(); ++i) text_[i] = lowerAscii(text_[i]);
  text_.append(value);
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  if (!find(name)) return;
  Headers kept;
  for (std::size_t i = 0; i < size(); ++i) {
    const HeaderField field = (*this)[i];
    if (field.name != name) kept.add(field.name, field.value);
  }
  *this = std::move(kept);
}

void Headers::clear() {
  text_.clear();
  entries_.clear();
}

void Headers::release() { *this = Headers(); }

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (std::size_t i = 0; i < size(); ++i) {
    const HeaderField field = (*this)[i];
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  std::size_t found = 0;
  for (std::size_t i = 0; i < size(); ++i) found += (*this)[i].name == name ? 1 : 0;
  return found;
}

HeaderField Headers::operator[](std::size_t index) const {
  const Entry& entry = entries_[index];
  const std::string_view text = text_;
  return {text.substr(entry.offset, entry.name_bytes),
          text.substr(entry.offset + entry.name_bytes, entry.value_bytes)};
}

bool isToken(std::string_view text) {
  if (text.empty()) return false;
  bool valid = true;
  for (const char c : text) valid &= kTokenTable[static_cast<unsigned char>(c)] != 0;
  return valid;
}

bool isFieldValue(std::string_view text) {
  if (text.empty()) return true;
  const auto isBlank = [](char c) { return c == ' ' || c == '\t'; };
  if (isBlank(text.front()) || isBlank(text.back())) return false;
  // No early exit and nothing wider than a byte: the loop runs many characters at a time.
  std::uint8_t bad = 0;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    bad |= static_cast<std::uint8_t>((byte < 0x20) & (byte != '\t')) |
           static_cast<std::uint8_t>(byte == 0x7f);
  }
  return bad == 0;
}

}  // namespace nimbus::http
