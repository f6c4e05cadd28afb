#include "project/variable_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::project {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::string failure(std::string_view text) {
  const auto values = parseVariableFile(text, "f");
  return values ? "it was read" : values.error().message();
}

TEST(VariableFile, ReadsEachForm) {
  const auto values = parseVariableFile(
      "# comment\n\nA=1\nexport B = two words # note\nC='as # it \\n is'\nD=\"a\\nb\\\"c\" # "
      "x\r\nE=\n"
      "F=a#b\n",
      "f");
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_THAT(*values,
              ElementsAre(Pair("A", "1"), Pair("B", "two words"), Pair("C", "as # it \\n is"),
                          Pair("D", "a\nb\"c"), Pair("E", ""), Pair("F", "a#b")));
}

TEST(VariableFile, NamesTheLineAndKeepsTheValueToItself) {
  EXPECT_EQ(failure("A=1\nsecret\n"), "f:2: expected NAME=VALUE");
  EXPECT_EQ(failure("1A=x\n"), "f:1: expected NAME=VALUE");
  const std::string quotes = "f:1: the quotes do not end with the value, or an unknown escape";
  EXPECT_EQ(failure("A='x\n"), quotes);
  EXPECT_EQ(failure("A='x' y\n"), quotes);
  EXPECT_EQ(failure("A=\"x\\q\"\n"), quotes);
  EXPECT_EQ(failure("A=\"x\\"), quotes);
  EXPECT_EQ(failure("A=\xff\n"), "f:1: not UTF-8 text");
}

}  // namespace
}  // namespace nimbus::project
