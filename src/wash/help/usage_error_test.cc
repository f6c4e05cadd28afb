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

}  // namespace
}  // namespace nimbus::wash
