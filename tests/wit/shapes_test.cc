// Every kind of value goes through an echo: records, variants, flags, enums, deep nesting.

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "echo_handlers.h"

namespace nimbus {
namespace {

using wrpc::CallContext;

class ShapeBindings : public net::ShardTest {};

shapes::Numbers extreme(bool high) {
  const auto limit = [&]<typename T>(T) {
    return high ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
  };
  return {.a = limit(std::uint8_t()),
          .b = limit(std::uint16_t()),
          .c = limit(std::uint32_t()),
          .d = limit(std::uint64_t()),
          .e = limit(std::int8_t()),
          .f = limit(std::int16_t()),
          .g = limit(std::int32_t()),
          .h = limit(std::int64_t()),
          .i = limit(float()),
          .j = limit(double()),
          .k = high ? U'\U0010FFFF' : U'\0',
          .l = high};
}

TEST_F(ShapeBindings, CarryNumbersToTheirLimits) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {shapes::serve(std::make_shared<EchoShapes>())});
    const auto client = local.connect<shapes::Client>();
    for (const bool high : {false, true}) {
      EXPECT_EQ((co_await client->echoNumbers(local.context(), extreme(high))).value(),
                extreme(high));
    }
    shapes::Numbers nan;
    nan.j = -std::nan("7");
    EXPECT_TRUE(std::isnan((co_await client->echoNumbers(local.context(), nan)).value().j));
  });
}

TEST_F(ShapeBindings, CarryNestedValues) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {shapes::serve(std::make_shared<EchoShapes>())});
    const CallContext& context = local.context();
    const auto client = local.connect<shapes::Client>();
    shapes::Outer outer;
    outer.inner.empties.resize(3);
    std::get<1>(outer.inner.pair) = 7;
    outer.numbers = {extreme(true), extreme(false)};
    outer.again = outer.inner;
    EXPECT_EQ((co_await client->echoOuter(context, outer)).value(), outer);
    const shapes::Alias list = {outer, {}, outer};
    EXPECT_EQ((co_await client->echoAlias(context, list)).value(), list);

    using Nested = shapes::Nested;
    Nested::Deep deep;
    deep.value.resize(2);
    deep.value[1].resize(1);
    deep.value[1][0].emplace_back(std::nullopt);
    deep.value[1][0].emplace_back(std::tuple<std::uint8_t, std::string>(1, "x"));
    deep.value[1][0].emplace_back(
        std::expected<std::tuple<std::uint8_t, std::string>, shapes::Alias>(std::unexpect, list));
    for (const Nested& value :
         {Nested{Nested::None{}}, Nested{deep}, Nested{Nested::Nested_{outer}},
          Nested{Nested::Bits{{true, false, true}}}}) {
      EXPECT_EQ((co_await client->echoNested(context, value)).value(), value);
    }
  });
}

TEST_F(ShapeBindings, TellNestedOptionsAndResultsApart) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {shapes::serve(std::make_shared<EchoShapes>())});
    const CallContext& context = local.context();
    const auto client = local.connect<shapes::Client>();
    using Maybe = std::optional<std::uint8_t>;
    shapes::Pairs pairs;
    pairs.emplace_back("none", std::nullopt);
    pairs.emplace_back("some none", std::optional<Maybe>(std::in_place, std::nullopt));
    pairs.emplace_back("some", std::optional<Maybe>(std::in_place, 5));
    const auto back = (co_await client->echoPairs(context, pairs)).value();
    EXPECT_EQ(back, pairs);
    EXPECT_TRUE(std::get<1>(back[1]).has_value());
    EXPECT_FALSE(std::get<1>(back[1])->has_value());

    shapes::Results results;
    results.both = std::unexpected("no");
    results.ok = std::unexpected(wrpc::Unit());
    results.err = std::unexpected("no");
    results.neither = std::unexpected(wrpc::Unit());
    results.nested = std::expected<std::uint8_t, std::uint16_t>(std::unexpect, 300);
    EXPECT_EQ((co_await client->echoResults(context, results)).value(), results);
    results = {};
    results.nested = std::unexpected(std::expected<void, std::uint32_t>(std::unexpect, 70000));
    EXPECT_EQ((co_await client->echoResults(context, results)).value(), results);
  });
}

TEST_F(ShapeBindings, CarryTextsAndCallsWithoutValues) {
  run([](net::Shard& shard) -> Task<void> {
    auto handler = std::make_shared<EchoShapes>();
    wrpc::Local local(shard, {shapes::serve(handler)});
    const CallContext& context = local.context();
    const auto client = local.connect<shapes::Client>();
    const auto texts = co_await client->texts(context, std::string(5000, 't'), std::string("maybe"),
                                              std::vector<std::string>{"a", "", "é"},
                                              Bytes::copyOf("bytes"), {-128, 127}, U'😀');
    EXPECT_EQ(
        texts.value(),
        EchoShapes::Texts(std::string(5000, 't'), "maybe", std::vector<std::string>{"a", "", "é"},
                          Bytes::copyOf("bytes"), std::vector<std::int8_t>{-128, 127}, U'😀'));
    EXPECT_TRUE((co_await client->nothing(context)).has_value());
    EXPECT_EQ(handler->nothings, 1);
    EXPECT_TRUE((co_await client->unit(context, {})).has_value());
    EXPECT_EQ((co_await client->many(context, 1, "b", 2, "d", 3, "f", 4, "h", 5, "j", 6, "l", 7,
                                     "n", 8, "p"))
                  .value(),
              "1b2d3f4h5j6l7n8p");
    EXPECT_EQ((co_await client->many(context, 1, "\xff", 2, "d", 3, "f", 4, "h", 5, "j", 6, "l", 7,
                                     "n", 8, "p"))
                  .error()
                  .code(),
              ErrorCode::kInvalidArgument);
  });
}

TEST_F(ShapeBindings, CarryTwoHundredCases) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {large::serve(std::make_shared<EchoLarge>())});
    const CallContext& context = local.context();
    const auto client = local.connect<large::Client>();
    using V = large::TwoHundred;
    static_assert(std::variant_size_v<decltype(V::value)> == 200);
    for (const V& value : {V{V::CaseN0{}}, V{V::CaseA1{"text"}}, V{V::CaseB130{1U << 31}},
                           V{V::CaseC199{Bytes::copyOf("last")}}}) {
      EXPECT_EQ((co_await client->variantOf(context, value)).value(), value);
    }
  });
}

TEST_F(ShapeBindings, CarryHundredFlagsAndThreeHundredEnumerators) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {large::serve(std::make_shared<EchoLarge>())});
    const CallContext& context = local.context();
    const auto client = local.connect<large::Client>();
    const large::Hundred hundred = {.label_n0 = true, .label_n63 = true, .label_n99 = true};
    const large::Eight eight = {.a = true, .h = true};
    const large::Nine nine = {.b = true, .i = true};
    EXPECT_EQ((co_await client->flagsOf(context, hundred, {.only = true}, eight, nine)).value(),
              EchoLarge::AllFlags(hundred, {.only = true}, eight, nine));
    for (const auto value : {large::ThreeHundred::kE0, large::ThreeHundred::kE299}) {
      EXPECT_EQ((co_await client->enumOf(context, value)).value(), value);
    }
  });
}

}  // namespace
}  // namespace nimbus
