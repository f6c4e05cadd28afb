#include "engine/import_types.h"

#include <algorithm>

#include "engine/component.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

constexpr std::string_view kApi = R"(
package test:provider@1.2.3;
interface api {
  use wrpc:rpc/error@0.1.0.{error};
  resource thing { name: func() -> string; }
  count: func() -> stream<string>;
  nothing: func();
  number: func() -> result<u32, error>;
  ping: func() -> result<_, error>;
}
package wrpc:rpc@0.1.0 {
  interface error {
    resource error { to-debug-string: func() -> string; }
  }
}
)";

constexpr std::string_view kModule = R"((module
  (import "test:provider/api@1.2.3" "[method]thing.name" (func (param i32 i32)))
  (import "test:provider/api@1.2.3" "count" (func (result i32)))
  (import "test:provider/api@1.2.3" "nothing" (func))
  (import "test:provider/api@1.2.3" "number" (func (param i32)))
  (import "test:provider/api@1.2.3" "ping" (func (param i32)))
  (import "wrpc:rpc/error@0.1.0" "[method]error.to-debug-string" (func (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 0))
))";

class ImportTypesTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
    component_ = load(importingGuest(kApi, kModule));
  }

  // What the component knows of a function that it imports.
  std::shared_ptr<const wrpc::TupleShape> results(std::string_view function) {
    for (const ComponentImport& import : component_->imports()) {
      const auto found =
          std::ranges::find(import.functions, function, &ComponentImport::Function::wire_name);
      if (found != import.functions.end()) return found->results;
    }
    return nullptr;
  }
  std::optional<std::size_t> sizeOf(std::string_view function, std::string_view bytes) {
    const auto shape = results(function);
    if (!shape) return std::nullopt;
    ByteChain chain;
    chain.append(asBytes(bytes));
    return shape->measure(chain).value();
  }

  std::shared_ptr<const Component> component_;
};

using namespace std::string_view_literals;

// A wire must hand on a stream before anything is in it.
TEST_F(ImportTypesTest, TellWhereResultsEnd) {
  ASSERT_TRUE(results("count"));
  EXPECT_TRUE(results("count")->mayHaveChannels());
  EXPECT_EQ(sizeOf("count", ""), std::nullopt);
  EXPECT_EQ(sizeOf("count", "\0"sv), 1U);
  EXPECT_EQ(sizeOf("nothing", ""), 0U);
  EXPECT_EQ(sizeOf("thing.name", "\3ab"), std::nullopt);
  EXPECT_EQ(sizeOf("thing.name", "\3abc"), 4U);
  EXPECT_FALSE(results("thing.name")->mayHaveChannels());
}

TEST_F(ImportTypesTest, KnowThatErrorsOfCallsAreNotOnTheWire) {
  EXPECT_EQ(sizeOf("number", "\5"), 1U);
  EXPECT_EQ(sizeOf("ping", ""), 0U);
}

TEST_F(ImportTypesTest, KnowNothingOfOthers) {
  const auto types = ImportTypes::read(importingGuest(kApi, kModule).view());
  ASSERT_TRUE(types) << types.error().describe();
  EXPECT_TRUE(types->results("test:provider/api@1.2.3", "count"));
  EXPECT_FALSE(types->results("test:provider/api@1.2.3", "other"));
  EXPECT_FALSE(types->results("test:provider/api", "count"));
  EXPECT_FALSE(types->results("", "count"));
  EXPECT_FALSE(ImportTypes().results("", "count"));
  EXPECT_FALSE(ImportTypes::read(asBytes("no component")));
}

}  // namespace
}  // namespace nimbus::engine
