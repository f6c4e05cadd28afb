#include "wash/help/usage_error.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

// The parser's own way of counting a flag converts by functions that throw what is no error of its.
TEST(ReadWords, WhateverAConversionThrowsIsAWrongCommandLine) {
  for (const char* value : {"maybe", "99999999999999999999"}) {
    CLI::App app{"x", "wash"};
    app.add_flag_function("--loud", [](std::int64_t) {});
    EXPECT_EQ(readWords(app, {std::string("--loud=") + value}, OutputFormat::kText), kExitUsage);
  }
}

TEST(ReadWords, WordsThatAreRightHaveNoStatusYet) {
  CLI::App app{"x", "wash"};
  bool loud = false;
  app.add_flag("--loud", loud);
  EXPECT_EQ(readWords(app, {"--loud"}, OutputFormat::kText), std::nullopt);
  EXPECT_TRUE(loud);
}

std::string refusalOf(const std::vector<std::string>& words) {
  CLI::App app{"x", "wash"};
  std::string component;
  std::vector<std::string> arguments;
  CLI::App* command = app.add_subcommand("run", "");
  command->add_option("component", component)->option_text("COMPONENT");
  command->add_option("arguments", arguments)->option_text("[-- ARGUMENT ...]");
  return usageMessage(app, words, CLI::ExtrasError("run", {"?"}));
}

TEST(UsageMessage, NamesTheWordsThatShouldFollowTheMark) {
  EXPECT_EQ(refusalOf({"run", "a.wasm", "extra", "--", "x"}),
            R"(wash run takes no further argument: "extra"; arguments follow "--")");
  EXPECT_EQ(refusalOf({"run", "a.wasm", "one", "two"}),
            R"(wash run takes no further arguments: "one", "two"; arguments follow "--")");
}

}  // namespace
}  // namespace nimbus::wash
