#include "base/utf8.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace nimbus {
namespace {

bool valid(std::string_view text) { return isUtf8(asBytes(text)); }

std::string encode(char32_t c) {
  std::string text;
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      text += static_cast<char>(0xE0 | (c >> 12));
    } else {
      text += static_cast<char>(0xF0 | (c >> 18));
      text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    }
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
  }
  return text + static_cast<char>(0x80 | (c & 0x3F));
}

TEST(Utf8, AcceptsEveryScalarValueAndNoSurrogate) {
  for (char32_t c = 0; c <= 0x110000; ++c) {
    ASSERT_EQ(valid(encode(c)), isScalarValue(c)) << static_cast<unsigned>(c);
  }
}

TEST(Utf8, RefusesMalformedSequencesAtEveryPlace) {
  for (const std::string_view wrong :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xE1\x80", "\xE1\x80\x41", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    for (std::size_t before = 0; before < 18; ++before) {
      const std::string text = std::string(before, 'a') + std::string(wrong);
      EXPECT_FALSE(valid(text));
      EXPECT_FALSE(valid(text + "abcdefgh"));
    }
  }
}

TEST(Utf8, AcceptsTheEmptyTextAndLongOnes) {
  EXPECT_TRUE(valid(""));
  EXPECT_TRUE(valid(std::string(1000, 'x') + "é😀" + std::string(7, 'y')));
}

}  // namespace
}  // namespace nimbus
