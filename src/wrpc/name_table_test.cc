#include "wrpc/name_table.h"

#include <gtest/gtest.h>

#include <string>

namespace nimbus::wrpc {
namespace {

TEST(NameTable, GivesTheSameNameTheSameId) {
  NameTable names;
  const auto get = names.add({"a:b/c", "get"});
  const auto set = names.add({"a:b/c", "set"});
  EXPECT_EQ(*names.add({"a:b/c", "get"}), *get);
  EXPECT_NE(*set, *get);
  EXPECT_EQ(names[*set].instance, "a:b/c");
  EXPECT_EQ(names[*set].function, "set");
}

TEST(NameTable, TellsInstanceAndFunctionApart) {
  NameTable names;
  EXPECT_NE(*names.add({"ab", "c"}), *names.add({"a", "bc"}));
}

TEST(NameTable, RefusesWhatWouldFillTheMemory) {
  NameTable names;
  const std::string long_name(NameTable::kMaxNameBytes + 1, 'x');
  EXPECT_EQ(names.add({long_name, "f"}).error().code(), ErrorCode::kInvalidArgument);
  for (std::size_t i = 0; i < NameTable::kMaxNames; ++i) {
    ASSERT_TRUE(names.add({"i", std::to_string(i)}));
  }
  EXPECT_EQ(names.add({"i", "one more"}).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE(names.add({"i", "0"}));
}

}  // namespace
}  // namespace nimbus::wrpc
