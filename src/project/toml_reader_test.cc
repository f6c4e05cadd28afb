#include "project/toml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/config_text.h"

namespace nimbus::project {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string read(std::string_view text, const host::YamlLimits& limits = {}) {
  const auto document = parseToml(text, "f", limits);
  return document ? jsonOf(*document) : document.error().message();
}

TEST(TomlReader, ReadsEachKindOfValue) {
  EXPECT_EQ(read("a = 'x'\nb = -7\nc = 1.5\nd = true\ne = [1, 'y']\n[f.g]\nh = 1979-05-27\n"),
            R"({"a":"x","b":-7,"c":1.5,"d":true,"e":[1,"y"],"f":{"g":{"h":"1979-05-27"}}})");
}

TEST(TomlReader, KnowsLines) {
  const auto document = parseToml("a = 1\n\n[b]\nc = 2\n", "f");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->entries[1].line, 3U);
  EXPECT_EQ(document->entries[1].value.entries[0].line, 4U);
}

TEST(TomlReader, NamesTheLineOfAMistake) {
  EXPECT_THAT(read("a = 1\nb = \n"), StartsWith("f:2: "));
  EXPECT_THAT(read("a = 1\na = 2\n"), StartsWith("f:2: "));
}

TEST(TomlReader, RefusesATableWithoutAName) { EXPECT_THAT(read("[= [\n"), StartsWith("f:1: ")); }

TEST(TomlReader, RefusesOtherLettersInABareName) {
  EXPECT_THAT(read("com\u02C3 = 1\n"), StartsWith("f:1: "));
  EXPECT_THAT(read("\"com\u02C3\" = 1\n"), HasSubstr("com\u02C3"));
}

TEST(TomlReader, RefusesKeysThatJsonCouldNotShow) {
  EXPECT_EQ(read("a = 1\n\"b\\u001a\" = 2\n"), R"(f:2: control characters in the key "b\u{1a}")");
  EXPECT_EQ(read("\"" + std::string(501, 'k') + "\" = 2\n"), "f:1: a key of more than 500 bytes");
}

TEST(TomlReader, IsBounded) {
  EXPECT_THAT(read("a = [[[1]]]", {.max_depth = 2}), HasSubstr("nested deeper than 2 levels"));
  EXPECT_THAT(read("a = [1, 2, 3]", {.max_nodes = 3}), HasSubstr("more than 3 values"));
  EXPECT_THAT(read("a = 'long'", {.max_bytes = 4}), HasSubstr("larger than 4 bytes"));
}

}  // namespace
}  // namespace nimbus::project
