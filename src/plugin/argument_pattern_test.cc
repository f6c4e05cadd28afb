#include "plugin/argument_pattern.h"

#include <gtest/gtest.h>

#include <vector>

namespace nimbus::plugin {
namespace {

using Texts = std::vector<std::string>;

TEST(ArgumentPatternTest, AStarStandsForAnyCharacters) {
  EXPECT_TRUE(matchesArgument("--name=*", "--name=otel"));
  EXPECT_TRUE(matchesArgument("--name=*", "--name="));
  EXPECT_FALSE(matchesArgument("--name=*", "--nam"));
  EXPECT_TRUE(matchesArgument("*.wasm", "a.wasm.wasm"));
  EXPECT_FALSE(matchesArgument("*.wasm", "a.wasm.txt"));
  EXPECT_TRUE(matchesArgument("a*b*c", "aXXbYYbZc"));
  EXPECT_FALSE(matchesArgument("a*b*c", "aXXcYY"));
  EXPECT_TRUE(matchesArgument("", ""));
  EXPECT_FALSE(matchesArgument("", "x"));
}

TEST(ArgumentPatternTest, ABackslashTakesTheNextCharacterAsItIs) {
  EXPECT_TRUE(matchesArgument("a\\*", "a*"));
  EXPECT_FALSE(matchesArgument("a\\*", "ab"));
  for (const std::string argument : {"*", "**", "a\\b", "\\", "plain", "\\*x", ""}) {
    EXPECT_TRUE(matchesArgument(exactPattern(argument), argument)) << argument;
    EXPECT_FALSE(matchesArgument(exactPattern(argument), argument + "x")) << argument;
  }
}

TEST(ArgumentPatternTest, EveryArgumentNeedsItsPattern) {
  EXPECT_TRUE(matchesArguments(Texts{}, Texts{}));
  EXPECT_TRUE(matchesArguments(Texts{"run", "*"}, Texts{"run", "x"}));
  EXPECT_FALSE(matchesArguments(Texts{"run", "*"}, Texts{"run"}));
  EXPECT_FALSE(matchesArguments(Texts{"run", "*"}, Texts{"run", "x", "y"}));
  EXPECT_FALSE(matchesArguments(Texts{}, Texts{"x"}));
}

TEST(ArgumentPatternTest, TwoStarsAtTheEndTakeAllThatFollow) {
  EXPECT_TRUE(matchesArguments(Texts{"run", "**"}, Texts{"run"}));
  EXPECT_TRUE(matchesArguments(Texts{"run", "**"}, Texts{"run", "x", "y"}));
  EXPECT_FALSE(matchesArguments(Texts{"run", "**"}, Texts{"stop"}));
  EXPECT_TRUE(matchesArguments(Texts{"**"}, Texts{}));
  EXPECT_FALSE(matchesArguments(Texts{"**", "x"}, Texts{"a", "b", "x"}));  // one argument there
  EXPECT_TRUE(matchesArguments(Texts{"**", "x"}, Texts{"a", "x"}));
}

// A pattern with many stars costs no more than their product with the argument.
TEST(ArgumentPatternTest, ManyStarsDoNotTakeForEver) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  EXPECT_FALSE(matchesArgument(pattern + "b", std::string(20000, 'a')));
}

}  // namespace
}  // namespace nimbus::plugin
