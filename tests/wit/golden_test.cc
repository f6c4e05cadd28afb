// The golden vectors of the value encoding (docs/formats/wrpc-values.md): the same bytes, both
// ways, by generated bindings and by the codec of types known at run time, each from
// corpus/golden.wit.

#include <array>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "corpus/golden/golden.h"
#include "corpus_document.h"
#include "wrpc/dynamic_codec.h"

namespace nimbus::wrpc {
namespace {

namespace golden = ::corpus::golden::golden;
using Hex = std::vector<std::uint8_t>;
using Case = DynamicValue::Case;
using Trees = std::vector<DynamicValue>;

Hex bytesOf(Encoder out) {
  const auto bytes = std::move(out).finishBytes();
  EXPECT_TRUE(bytes) << bytes.error().describe();
  if (!bytes) return {};
  const Bytes whole = bytes->toBytes();
  return {whole.view().begin(), whole.view().end()};
}

class GoldenVectors : public testing::Test {
 protected:
  // The value that generated code calls `value` and tools call `tree`, of the WIT type of that
  // name, takes these bytes.
  template <typename T>
  void check(std::string_view type, const T& value, const DynamicValue& tree, const Hex& bytes) {
    SCOPED_TRACE(type);
    Encoder out;
    Codec<T>::encode(out, value);
    EXPECT_EQ(bytesOf(std::move(out)), bytes);
    Decoder in{ByteView(bytes)};
    EXPECT_EQ(Codec<T>::decode(in), value);
    EXPECT_TRUE(in.finish()) << in.finish().error().describe();

    checkTree(find(type), tree, bytes);
  }
  // The half of it without generated code.
  void checkTree(wit::TypeRef type, const DynamicValue& tree, const Hex& bytes) {
    DynamicCodec codec(document_);
    Encoder out;
    codec.encode(out, type, tree);
    EXPECT_EQ(bytesOf(std::move(out)), bytes);
    Decoder in{ByteView(bytes)};
    EXPECT_EQ(codec.decode(in, type), tree);
    EXPECT_TRUE(in.finish()) << in.finish().error().describe();
    Decoder skipping{ByteView(bytes)};
    EXPECT_TRUE(codec.check(skipping, std::array{type}));
  }

  wit::TypeRef find(std::string_view name) {
    const auto index = document_.findInterface("corpus:golden/golden");
    if (index) {
      for (const auto& [type, at] : document_.at(*index).types) {
        if (type == name) return at;
      }
    }
    ADD_FAILURE() << "no type " << name;
    return wit::Primitive::kBool;
  }

  static DynamicValue number(std::uint64_t value) { return {value}; }
  static DynamicValue signedNumber(std::int64_t value) { return {value}; }
  static DynamicValue text(std::string value) { return {std::move(value)}; }
  static DynamicValue numbered(std::uint32_t number, Trees payload = {}) {
    return {Case{.number = number, .payload = std::move(payload)}};
  }
  static DynamicValue labels(std::size_t count, std::initializer_list<std::size_t> set) {
    std::vector<bool> bits(count);
    for (const std::size_t label : set) bits[label] = true;
    return {std::move(bits)};
  }

  wit::Document document_ = wit::corpusDocument("golden.wit");
};

TEST_F(GoldenVectors, OfNumbers) {
  check("yes", true, {true}, {0x01});
  check("yes", false, {false}, {0x00});
  check("byte", std::uint8_t{200}, number(200), {0xc8});
  check("signed-byte", std::int8_t{-1}, signedNumber(-1), {0xff});
  check("short", std::uint16_t{300}, number(300), {0xac, 0x02});
  check("signed-short", std::int16_t{-1}, signedNumber(-1), {0x7f});
  check("signed-short", std::int16_t{-129}, signedNumber(-129), {0xff, 0x7e});
  check("word", std::uint32_t{624485}, number(624485), {0xe5, 0x8e, 0x26});
  check("signed-word", std::int32_t{-123456}, signedNumber(-123456), {0xc0, 0xbb, 0x78});
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  check("long", kMost, number(kMost), {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  check("signed-long", kLeast, signedNumber(kLeast),
        {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f});
  check("single", 1.5F, {1.5F}, {0, 0, 0xc0, 0x3f});
  check("double-wide", 1.5, {1.5}, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f});
}

TEST_F(GoldenVectors, OfTextsAndLists) {
  check("letter", U'a', {U'a'}, {0x61});
  check("letter", U'é', {U'é'}, {0xc3, 0xa9});
  check("letter", U'😀', {U'😀'}, {0xf0, 0x9f, 0x98, 0x80});
  check("text", std::string("test"), text("test"), {0x04, 0x74, 0x65, 0x73, 0x74});
  const Bytes raw = Bytes::copyOf("\1\2\3");
  check("raw", raw, {raw}, {0x03, 0x01, 0x02, 0x03});
  check("texts", std::vector<std::string>{"foo", "bar"}, {Trees{text("foo"), text("bar")}},
        {0x02, 0x03, 0x66, 0x6f, 0x6f, 0x03, 0x62, 0x61, 0x72});
}

TEST_F(GoldenVectors, OfRecordsAndTuples) {
  check("pair", golden::Pair{.a = 1, .b = "x"}, {Trees{number(1), text("x")}}, {0x01, 0x01, 0x78});
  check("number-and-flag", std::tuple<std::uint16_t, bool>(300, true), {Trees{number(300), {true}}},
        {0xac, 0x02, 0x01});
}

TEST_F(GoldenVectors, OfOptionsAndResults) {
  check("maybe", std::optional<std::uint32_t>(), numbered(0), {0x00});
  check("maybe", std::optional<std::uint32_t>(7), numbered(1, {number(7)}), {0x01, 0x07});

  using Both = std::expected<std::uint8_t, std::string>;
  check("both", Both(5), numbered(0, {number(5)}), {0x00, 0x05});
  check("both", Both(std::unexpect, "no"), numbered(1, {text("no")}), {0x01, 0x02, 0x6e, 0x6f});
  using ValueOnly = std::expected<std::uint8_t, Unit>;
  check("value-only", ValueOnly(5), numbered(0, {number(5)}), {0x00, 0x05});
  check("value-only", ValueOnly(std::unexpect), numbered(1), {0x01});
  using ErrorOnly = std::expected<void, std::string>;
  check("error-only", ErrorOnly(), numbered(0), {0x00});
  check("error-only", ErrorOnly(std::unexpect, "no"), numbered(1, {text("no")}),
        {0x01, 0x02, 0x6e, 0x6f});
  using Neither = std::expected<void, Unit>;
  check("neither", Neither(), numbered(0), {0x00});
  check("neither", Neither(std::unexpect), numbered(1), {0x01});
}

TEST_F(GoldenVectors, OfVariantsAndEnums) {
  using Choice = golden::Choice;
  check("choice", Choice{Choice::Nothing{}}, numbered(0), {0x00});
  check("choice", Choice{Choice::Byte{9}}, numbered(1, {number(9)}), {0x01, 0x09});
  check("small", golden::Small::kTwo, numbered(2), {0x02});
  check("two-hundred", golden::TwoHundred::kE127, numbered(127), {0x7f});
  check("two-hundred", golden::TwoHundred::kE130, numbered(130), {0x82, 0x01});
}

TEST_F(GoldenVectors, OfFlags) {
  check("three", golden::Three{.l0 = true, .l2 = true}, labels(3, {0, 2}), {0x05});
  check("ten", golden::Ten{.l0 = true, .l9 = true}, labels(10, {0, 9}), {0x01, 0x02});
  check("twenty", golden::Twenty{.l0 = true, .l19 = true}, labels(20, {0, 19}), {0x01, 0x00, 0x08});
}

TEST_F(GoldenVectors, OfAHandle) {
  document_.types.push_back({.name = {}, .kind = wit::Handle{}, .owner = {}, .docs = ""});
  const wit::TypeRef own = wit::TypeIndex{document_.types.size() - 1};
  checkTree(own, {DynamicValue::Handle{Bytes::copyOf("\xde\xad\xbe\xef")}},
            {0x04, 0xde, 0xad, 0xbe, 0xef});
}

// record { a: stream<u8>, b: u32 = 5 } as parameter 0.
TEST_F(GoldenVectors, OfAPendingStream) {
  const Hex bytes = {0x00, 0x05};
  Encoder out;
  golden::Streaming value{.a = StreamReader<std::uint8_t>(Bytes::copyOf("later")), .b = 5};
  encodeAt(out, 0, value);
  auto values = std::move(out).finish();
  ASSERT_TRUE(values);
  EXPECT_EQ(values->bytes.toBytes().text(), asText(bytes));
  ASSERT_EQ(values->channels.size(), 1U);
  EXPECT_EQ(values->channels[0].path, IndexPath({0, 0}));
  Decoder in(*values);
  EXPECT_EQ(decodeAt<golden::Streaming>(in, 0).b, 5U);
  EXPECT_TRUE(in.finish()) << in.finish().error().describe();

  const wit::TypeRef type = find("streaming");
  checkTree(type, {Trees{{DynamicValue::Pending{{0}}}, number(5)}}, bytes);
  Decoder skipping{ByteView(bytes)};
  const auto pending = DynamicCodec(document_).check(skipping, std::array{type});
  ASSERT_TRUE(pending && pending->size() == 1);
  EXPECT_EQ(pending->front().path, IndexPath({0, 0}));
}

}  // namespace
}  // namespace nimbus::wrpc
