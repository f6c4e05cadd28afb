#include "host/manifest/yaml_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

std::string errorOf(std::string_view text, const YamlLimits& limits = {}) {
  const auto result = parseYaml(text, "f.yaml", limits);
  return result ? "" : result.error().message();
}

TEST(YamlReader, KeepsTheOrderAndTheLineOfEachKeyAndValue) {
  const auto root = parseYaml("a: 1\nb:\n  - x\n  - 'y'\n", "f.yaml");
  ASSERT_TRUE(root);
  ASSERT_EQ(root->entries.size(), 2U);
  EXPECT_EQ(root->entries[0].key, "a");
  EXPECT_EQ(root->entries[1].line, 2U);
  ASSERT_EQ(root->entries[1].value.items.size(), 2U);
  EXPECT_EQ(root->entries[1].value.items[1].line, 4U);
  EXPECT_FALSE(root->entries[1].value.items[0].quoted);
  EXPECT_TRUE(root->entries[1].value.items[1].quoted);
}

TEST(YamlReader, ReadsJson) {
  const auto root = parseYaml(R"({"a":{"b":[1,"2",true,null]},"c":"x\/y\u00e9"})", "f.json");
  ASSERT_TRUE(root) << root.error().message();
  const YamlNode& list = root->entries[0].value.entries[0].value;
  ASSERT_EQ(list.items.size(), 4U);
  EXPECT_EQ(scalarTypeOf(list.items[0]), ScalarType::kNumber);
  EXPECT_EQ(scalarTypeOf(list.items[1]), ScalarType::kString);
  EXPECT_EQ(scalarTypeOf(list.items[2]), ScalarType::kBoolean);
  EXPECT_EQ(list.items[3].kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root->entries[1].value.text, "x/y\u00e9");
}

TEST(YamlReader, ReadsJsonSurrogatePairs) {
  const auto root = parseYaml(R"({"a":"\ud83d\ude00 \\ud83d\\ude00 \""})", "f.json");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->entries[0].value.text, "\U0001F600 \\ud83d\\ude00 \"");
}

TEST(YamlReader, ReadsTabsAndLineBreaksInJson) {
  const auto root = parseYaml("{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}\n", "f.json");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->entries[0].value.entries[0].line, 3U);
}

TEST(YamlReader, ReadsEscapesOfYamlForCharactersOfTwoBytes) {
  const auto root = parseYaml(R"("\_k\N": "\u00e9\_\Nx\L\xa0\_")", "f.yaml");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->entries[0].key, "\u00a0k\u0085");
  EXPECT_EQ(root->entries[0].value.text, "\u00e9\u00a0\u0085x\u2028\u00a0\u00a0");
}

TEST(YamlReader, NamesFileAndLineOfASyntaxError) {
  EXPECT_EQ(errorOf("a: 1\nb: [1, 2\n").substr(0, 9), "f.yaml:3:");
  EXPECT_EQ(errorOf("a: 1\n  b: 2\n").substr(0, 9), "f.yaml:2:");
}

TEST(YamlReader, RefusesWhatCouldGrow) {
  EXPECT_EQ(errorOf("a: &x [1]\nb: *x\n"), "f.yaml:1: anchors are not supported");
  EXPECT_EQ(errorOf("a: !!binary aGk=\n"),
            "f.yaml:1: the tag \"tag:yaml.org,2002:binary\" is not supported");
  EXPECT_EQ(errorOf("a: 1\n---\nb: 2\n"), "f.yaml:2: a second document; one per file is read");
}

TEST(YamlReader, RefusesDuplicateAndComplexKeys) {
  EXPECT_EQ(errorOf("a: 1\nb: 2\na: 3\n"), "f.yaml:3: duplicate key \"a\"");
  EXPECT_EQ(errorOf("? [x]\n: 1\n"), "f.yaml:1: a key must be text");
  EXPECT_EQ(errorOf("~: 1\n"), "f.yaml:1: a key must be text");
}

TEST(YamlReader, RefusesKeysThatJsonCouldNotShow) {
  const std::string longest(500, '"');
  const auto root = parseYaml(fmt::format("{{'{}': 1}}", longest), "f.yaml");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->entries[0].key, longest);
  EXPECT_EQ(errorOf(fmt::format("a: 1\n'{}\"': 2\n", longest)),
            "f.yaml:2: a key of more than 500 bytes");
  EXPECT_EQ(errorOf("a: {\"b\\x1ac\": 2}"),
            R"(f.yaml:1: control characters in the key "b\u{1a}c")");
  EXPECT_EQ(errorOf("a: {b\x7f: 2}"), R"(f.yaml:1: control characters in the key "b\u{7f}")");
}

TEST(YamlReader, RefusesTextThatIsNotUtf8) {
  EXPECT_EQ(errorOf("a: 1\nb: \xFF\n"), "f.yaml:2: not UTF-8 text");
  EXPECT_EQ(errorOf(std::string_view("a: \0", 4)), "f.yaml:1: a NUL character");
}

TEST(YamlReader, ShowsPartsOfLettersEscaped) {
  EXPECT_EQ(errorOf("a: \"\\\xC3\xA4\"\n"), "f.yaml:1: unknown escape character: \\xc3");
}

TEST(YamlReader, RefusesAnEmptyDocument) {
  EXPECT_EQ(errorOf(""), "f.yaml:1: the document is empty");
  EXPECT_EQ(errorOf("# nothing\n"), "f.yaml:1: the document is empty");
}

TEST(YamlReader, HoldsItsLimits) {
  EXPECT_EQ(errorOf("a: 12345", {.max_bytes = 7}), "f.yaml: larger than 7 bytes");
  EXPECT_EQ(errorOf("[[[1]]]", {.max_depth = 2}), "f.yaml:1: nested deeper than 2 levels");
  EXPECT_EQ(errorOf("[1, 2, 3]", {.max_nodes = 3}), "f.yaml:1: more than 3 values");
  EXPECT_NE(errorOf(std::string(100'000, '[')), "");
  EXPECT_NE(errorOf(std::string(100'000, '{')), "");
  std::string block;
  for (int i = 0; i < 20'000; ++i) block += "- ";
  EXPECT_NE(errorOf(block), "");
}

}  // namespace
}  // namespace nimbus::host
