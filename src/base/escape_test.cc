#include "base/escape.h"

#include <gtest/gtest.h>

namespace nimbus {
namespace {

std::string word(std::string_view raw) {
  std::string out;
  appendWord(out, raw);
  return out;
}
std::string json(std::string_view raw) {
  std::string out;
  appendJsonString(out, raw);
  return out;
}

TEST(AppendEscaped, LeavesPrintableTextAlone) {
  EXPECT_EQ(escaped("grüße \"you\" €🙂"), "grüße \"you\" €🙂");
}

TEST(AppendEscaped, EscapesControlCharacters) {
  EXPECT_EQ(escaped(std::string_view("a\n\r\t\x1b\x7f\0b", 8)), "a\\n\\r\\t\\u{1b}\\u{7f}\\u{0}b");
}

TEST(AppendEscaped, EscapesWhatTerminalsAndReadersTakeForControls) {
  EXPECT_EQ(escaped("\u0085\u009b\u2028\u202e\u2066"), "\\u{85}\\u{9b}\\u{2028}\\u{202e}\\u{2066}");
}

TEST(AppendEscapedLines, KeepsLinesAndWhatIsEscapedAlready) {
  const auto lines = [](std::string_view raw) {
    std::string out;
    appendEscapedLines(out, raw);
    return out;
  };
  EXPECT_EQ(lines("a:\n\t\"b\" \\u{1b}\n"), "a:\n\t\"b\" \\u{1b}\n");
  EXPECT_EQ(lines("\x1b[2J\r\u202e\xff"), "\\u{1b}[2J\\r\\u{202e}\\xff");
}

TEST(AppendEscaped, MarksBytesThatAreNotUtf8) {
  EXPECT_EQ(escaped("\xff"), "\\xff");
  EXPECT_EQ(escaped("\xc3"), "\\xc3");                    // cut off
  EXPECT_EQ(escaped("\xc0\x8a"), "\\xc0\\x8a");           // overlong line feed
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(escaped("\xe2\x82z"), "\\xe2\\x82z");
}

TEST(AppendEscaped, BackslashIsDoubledSoThatEscapesAreUnambiguous) {
  EXPECT_EQ(escaped("\\n"), "\\\\n");
}

TEST(AppendWord, QuotesWhatIsNotOneWord) {
  EXPECT_EQ(word("a-b/c:1"), "a-b/c:1");
  EXPECT_EQ(word(""), "\"\"");
  EXPECT_EQ(word("a b"), "\"a b\"");
  EXPECT_EQ(word("a=b"), "\"a=b\"");
  EXPECT_EQ(word("\"\\"), "\"\\\"\\\\\"");
  EXPECT_EQ(word("ü"), "\"ü\"");
}

TEST(AppendJsonString, EscapesAsJsonWants) {
  EXPECT_EQ(json("a\"b\\c\nd\x01 ü🙂"), "\"a\\\"b\\\\c\\nd\\u0001 ü🙂\"");
  EXPECT_EQ(json("\u2028\u009b"), "\"\\u2028\\u009b\"");
}

TEST(WithEscapes, LeavesNoOrdersToATerminal) {
  EXPECT_EQ(withEscapes("{\"a\": [\"\\n \xc2\x9b"
                        "31m \x7f \xe2\x80\xae é\", 1]}\n"),
            "{\"a\": [\"\\n \\u009b31m \\u007f \\u202e é\", 1]}\n");
  EXPECT_EQ(withEscapes("\"\xff\""), "\"\\ufffd\"");
}

TEST(AppendJsonString, IsAlwaysUtf8) { EXPECT_EQ(json("a\xff z\xc3"), "\"a\\ufffd z\\ufffd\""); }

TEST(InQuotes, EscapesAndCutsWhatIsLong) {
  EXPECT_EQ(inQuotes("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(inQuotes(std::string(80, 'x')), '"' + std::string(80, 'x') + '"');
  EXPECT_EQ(inQuotes(std::string(81, 'x')), '"' + std::string(80, 'x') + "…\"");
}

}  // namespace
}  // namespace nimbus
