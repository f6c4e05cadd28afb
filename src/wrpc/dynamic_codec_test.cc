#include "wrpc/dynamic_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wrpc/dynamic_shape.h"
#include "wrpc/dynamic_test_support.h"

namespace nimbus::wrpc {
namespace {

struct Random {
  std::mt19937 engine;
  std::uint32_t pick(std::uint32_t below) { return engine() % below; }
};

wit::TypeRef add(wit::Document& document, wit::TypeKind kind) {
  wit::Type type;
  type.kind = std::move(kind);
  document.types.push_back(std::move(type));
  return wit::TypeIndex{document.types.size() - 1};
}

// For comparing: floats by their bits, as a NaN is not equal to itself, and without paths, which
// say where a value was found, not what it is.
DynamicValue comparable(DynamicValue value) {
  if (const auto* f32 = std::get_if<float>(&value.content))
    return {std::uint64_t{std::bit_cast<std::uint32_t>(*f32)}};
  if (const auto* f64 = std::get_if<double>(&value.content))
    return {std::bit_cast<std::uint64_t>(*f64)};
  if (auto* pending = std::get_if<DynamicValue::Pending>(&value.content)) pending->path.clear();
  if (auto* list = std::get_if<std::vector<DynamicValue>>(&value.content)) {
    for (DynamicValue& element : *list) element = comparable(std::move(element));
  }
  if (auto* one = std::get_if<DynamicValue::Case>(&value.content)) {
    for (DynamicValue& payload : one->payload) payload = comparable(std::move(payload));
  }
  return value;
}

// As it arrives: every NaN is the canonical one.
DynamicValue canonical(DynamicValue value) {
  if (auto* f32 = std::get_if<float>(&value.content); f32 != nullptr && std::isnan(*f32))
    *f32 = std::bit_cast<float>(0x7fc00000U);
  if (auto* f64 = std::get_if<double>(&value.content); f64 != nullptr && std::isnan(*f64))
    *f64 = std::bit_cast<double>(std::uint64_t{0x7ff8000000000000});
  if (auto* list = std::get_if<std::vector<DynamicValue>>(&value.content)) {
    for (DynamicValue& element : *list) element = canonical(std::move(element));
  }
  if (auto* one = std::get_if<DynamicValue::Case>(&value.content)) {
    for (DynamicValue& payload : one->payload) payload = canonical(std::move(payload));
  }
  return value;
}

class Property : public testing::Test {
 protected:
  // For many random types and values: `check(document, type, value, bytes)`.
  void forAll(const std::function<void(const wit::Document&, const wit::TypeRef&,
                                       const DynamicValue&, const Bytes&)>& check) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random{std::mt19937(seed)};
    ValueMaker<Random> maker(random);
    for (int round = 0; round < 2000 && !HasFailure(); ++round) {
      wit::Document document;
      const wit::TypeRef type = maker.type(document, 4);
      const DynamicValue value = maker.value(document, type);
      DynamicCodec codec(document);
      Encoder out;
      codec.encode(out, type, value);
      auto bytes = std::move(out).finishBytes();
      ASSERT_TRUE(bytes.has_value()) << bytes.error().describe();
      check(document, type, value, bytes->toBytes());
    }
  }
};

TEST_F(Property, DecodingGivesWhatWasEncoded) {
  forAll([](const auto& document, const auto& type, const auto& value, const Bytes& bytes) {
    DynamicCodec codec(document);
    Decoder in(bytes.view());
    EXPECT_EQ(comparable(codec.decode(in, type)), comparable(canonical(value)));
    EXPECT_TRUE(in.finish().has_value()) << in.error()->describe();
  });
}

// What the tests above and below are made of: they would pass without these, too.
TEST(ValueMaker, MakesWhatIsAtTheEdge) {
  Random random{std::mt19937(4)};
  ValueMaker<Random> maker(random);
  wit::Document document;
  const auto some = [&]<typename T>(wit::Primitive type, bool (*wanted)(T)) {
    for (int i = 0; i < 10'000; ++i) {
      if (wanted(std::get<T>(maker.value(document, type).content))) return true;
    }
    return false;
  };
  EXPECT_TRUE(some(wit::Primitive::kF32, +[](float f) { return std::isnan(f); }));
  EXPECT_TRUE(some(wit::Primitive::kF64, +[](double f) { return std::isnan(f); }));
  EXPECT_TRUE(some(wit::Primitive::kChar, +[](char32_t c) { return c >= 0x100000; }));
  EXPECT_FALSE(some(wit::Primitive::kChar, +[](char32_t c) { return c >= 0xD800 && c < 0xE000; }));
  std::size_t most_labels = 0;
  std::size_t futures = 0;
  for (int i = 0; i < 1000; ++i) maker.type(document, 4);
  for (const wit::Type& type : document.types) {
    if (const auto* flags = std::get_if<wit::Flags>(&type.kind))
      most_labels = std::max(most_labels, flags->labels.size());
    if (std::holds_alternative<wit::Future>(type.kind)) ++futures;
  }
  EXPECT_GT(most_labels, 96U);
  EXPECT_GT(futures, 0U);
}

TEST_F(Property, SkippingEndsWhereDecodingEnds) {
  forAll([](const auto& document, const auto& type, const auto&, const Bytes& bytes) {
    DynamicCodec codec(document);
    Decoder in(bytes.view());
    EXPECT_TRUE(codec.check(in, std::array{type}).has_value()) << in.error()->describe();
  });
}

TEST_F(Property, NoPrefixIsAValue) {
  forAll([](const auto& document, const auto& type, const auto&, const Bytes& bytes) {
    DynamicCodec codec(document);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      Decoder in(bytes.view().first(size));
      EXPECT_FALSE(codec.check(in, std::array{type}).has_value());
      EXPECT_TRUE(in.truncated());
    }
  });
}

TEST_F(Property, SkippingRefusesWhatDecodingRefuses) {
  std::mt19937 random(7);  // the types and values differ from run to run anyway
  forAll([&](const auto& document, const auto& type, const auto&, const Bytes& bytes) {
    if (bytes.empty()) return;
    std::string changed(bytes.text());
    changed[random() % changed.size()] ^= static_cast<char>(1U << random() % 8);
    DynamicCodec codec(document);
    Decoder skipping(asBytes(changed));
    Decoder decoding(asBytes(changed));
    const bool skipped = codec.check(skipping, std::array{type}).has_value();
    static_cast<void>(codec.decode(decoding, type));
    EXPECT_EQ(decoding.finish().has_value(), skipped);
  });
}

TEST(DynamicCodec, FindsWhatIsPending) {
  wit::Document document;
  const wit::TypeRef bytes = add(document, wit::Stream{wit::Primitive::kU8});
  const wit::TypeRef later = add(document, wit::Future{wit::Primitive::kString});
  const wit::TypeRef maybe = add(document, wit::Option{bytes});
  const wit::TypeRef record =
      add(document,
          wit::Record{{{"id", wit::Primitive::kU32, ""}, {"body", maybe, ""}, {"end", later, ""}}});
  const wit::TypeRef list = add(document, wit::List{record});
  DynamicCodec codec(document);
  // list of two records, the second one's stream inline; then a bool
  const std::string values(
      "\2"
      "\5\1\0\0"
      "\6\1\1\2ab\1\4done"
      "\1",
      18);
  Decoder in(asBytes(values));
  const auto pending = codec.check(in, std::array{list, wit::TypeRef(wit::Primitive::kBool)});
  ASSERT_TRUE(pending.has_value()) << pending.error().describe();
  ASSERT_EQ(pending->size(), 2U);
  EXPECT_EQ((*pending)[0].path, IndexPath({0, 0, 1}));
  EXPECT_TRUE((*pending)[0].stream);
  EXPECT_EQ((*pending)[1].path, IndexPath({0, 0, 2}));
  EXPECT_FALSE((*pending)[1].stream);
  EXPECT_EQ((*pending)[1].content, wit::TypeRef(wit::Primitive::kString));
}

TEST(DynamicCodec, RefusesValuesOfAnotherType) {
  wit::Document document;
  const wit::TypeRef pair =
      add(document, wit::Tuple{{wit::Primitive::kU8, wit::Primitive::kString}});
  const wit::TypeRef option = add(document, wit::Option{wit::Primitive::kS16});
  const wit::TypeRef flags = add(document, wit::Flags{std::vector<wit::Label>(3)});
  const auto accepts = [&](const wit::TypeRef& type, DynamicValue value) {
    DynamicCodec codec(document);
    Encoder out;
    codec.encode(out, type, value);
    return std::move(out).finish().has_value();
  };
  const DynamicValue byte{std::uint64_t{255}};
  const DynamicValue text{std::string("x")};
  EXPECT_TRUE(accepts(pair, {std::vector<DynamicValue>{byte, text}}));
  EXPECT_FALSE(accepts(pair, {std::vector<DynamicValue>{text, byte}}));
  EXPECT_FALSE(accepts(pair, {std::vector<DynamicValue>{byte}}));
  EXPECT_FALSE(accepts(wit::Primitive::kU8, {std::uint64_t{256}}));
  EXPECT_TRUE(accepts(wit::Primitive::kS8, {std::int64_t{-128}}));
  EXPECT_FALSE(accepts(wit::Primitive::kS8, {std::int64_t{-129}}));
  EXPECT_TRUE(accepts(option, {DynamicValue::Case{0, {}}}));
  EXPECT_FALSE(accepts(option, {DynamicValue::Case{1, {}}}));
  EXPECT_FALSE(accepts(option, {DynamicValue::Case{2, {}}}));
  EXPECT_FALSE(accepts(flags, {std::vector<bool>(4)}));
}

TEST(DynamicCodec, PassesOverElementsWithoutBytesAtOnce) {
  wit::Document document;
  const wit::TypeRef list = add(document, wit::List{add(document, wit::Record{})});
  DynamicCodec codec(document);
  const std::string claimed("\x80\x80\x80\x40", 4);  // 128 million
  Decoder in(asBytes(claimed));
  EXPECT_TRUE(codec.check(in, std::array{list}).has_value());
  Decoder again(asBytes(claimed));
  static_cast<void>(codec.decode(again, list));
  EXPECT_EQ(again.finish().error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(Property, AShapeTellsWhereATupleEnds) {
  forAll([](const wit::Document& document, const wit::TypeRef& type, const DynamicValue&,
            const Bytes& bytes) {
    const auto shape = DynamicShape::make(std::make_shared<const wit::Document>(document), {type});
    if (!shape) return;  // streams within streams
    EXPECT_EQ(shape->measure(ByteChain(bytes)).value(), bytes.size());
    if (bytes.empty()) return;
    EXPECT_EQ(shape->measure(ByteChain(bytes.slice(0, bytes.size() - 1))).value(), std::nullopt);
  });
}

TEST(DynamicShape, IsOfNoUseWithoutAnEncoding) {
  wit::Document document;
  const wit::TypeRef map =
      add(document, wit::Map{wit::Primitive::kString, wit::Primitive::kString});
  EXPECT_EQ(DynamicShape::make(std::make_shared<const wit::Document>(document), {map}), nullptr);
  EXPECT_EQ(DynamicShape::make(std::make_shared<const wit::Document>(document), {})
                ->measure(ByteChain())
                .value(),
            0U);
}

}  // namespace
}  // namespace nimbus::wrpc
