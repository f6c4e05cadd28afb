// The golden vectors of the value encoding (docs/formats/wrpc-values.md), and what a strict decoder
// refuses.

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wrpc/decoder.h"
#include "wrpc/encoder.h"

namespace nimbus::wrpc {
namespace {

using Hex = std::vector<std::uint8_t>;

Hex encode(auto write) {
  Encoder out;
  write(out);
  auto bytes = std::move(out).finishBytes();
  EXPECT_TRUE(bytes.has_value());
  const Bytes whole = bytes->toBytes();
  return {whole.view().begin(), whole.view().end()};
}

// What the bytes decode to in one piece; and in two pieces, cut anywhere.
template <typename Read>
auto decode(const Hex& bytes, Read read) {
  Decoder in{ByteView(bytes)};
  const auto value = read(in);
  EXPECT_TRUE(in.finish().has_value()) << in.finish().error().describe();
  return value;
}

std::string refusal(const Hex& bytes, auto read) {
  Decoder in{ByteView(bytes)};
  static_cast<void>(read(in));
  const Result<void> done = in.finish();
  return done ? "accepted" : done.error().message();
}

constexpr auto kEndsEarly = "the value ends too early";

class Unread : public ByteSource {
 public:
  Eventual<Result<std::optional<ByteChain>>> read() override {
    return Result<std::optional<ByteChain>>(std::nullopt);
  }
};

TEST(Codec, EncodesTheGoldenNumbers) {
  EXPECT_EQ(encode([](Encoder& out) { out.boolean(true); }), Hex({0x01}));
  EXPECT_EQ(encode([](Encoder& out) { out.u8(200); }), Hex({0xc8}));
  EXPECT_EQ(encode([](Encoder& out) { out.s8(-1); }), Hex({0xff}));
  EXPECT_EQ(encode([](Encoder& out) { out.unsignedNumber(300); }), Hex({0xac, 0x02}));
  EXPECT_EQ(encode([](Encoder& out) { out.signedNumber(-129); }), Hex({0xff, 0x7e}));
  EXPECT_EQ(encode([](Encoder& out) { out.signedNumber(-123456); }), Hex({0xc0, 0xbb, 0x78}));
  EXPECT_EQ(encode([](Encoder& out) { out.f32(1.5F); }), Hex({0, 0, 0xc0, 0x3f}));
  EXPECT_EQ(encode([](Encoder& out) { out.f64(1.5); }), Hex({0, 0, 0, 0, 0, 0, 0xf8, 0x3f}));
}

TEST(Codec, MakesEveryNanTheCanonicalOne) {
  EXPECT_EQ(encode([](Encoder& out) { out.f32(-std::nanf("77")); }), Hex({0, 0, 0xc0, 0x7f}));
  EXPECT_EQ(encode([](Encoder& out) { out.f64(-std::nan("77")); }),
            Hex({0, 0, 0, 0, 0, 0, 0xf8, 0x7f}));
  EXPECT_TRUE(std::isnan(decode({1, 2, 0xc0, 0xff}, [](Decoder& in) { return in.f32(); })));
}

TEST(Codec, EncodesTheGoldenTexts) {
  const auto character = [](char32_t c) { return encode([c](Encoder& out) { out.character(c); }); };
  EXPECT_EQ(character(U'a'), Hex({0x61}));
  EXPECT_EQ(character(U'é'), Hex({0xc3, 0xa9}));
  EXPECT_EQ(character(U'€'), Hex({0xe2, 0x82, 0xac}));
  EXPECT_EQ(character(U'😀'), Hex({0xf0, 0x9f, 0x98, 0x80}));
  EXPECT_EQ(encode([](Encoder& out) { out.text("test"); }), Hex({4, 't', 'e', 's', 't'}));
  EXPECT_EQ(encode([](Encoder& out) {
              out.count(2);
              out.text("foo");
              out.text("bar");
            }),
            Hex({2, 3, 'f', 'o', 'o', 3, 'b', 'a', 'r'}));
}

TEST(Codec, EncodesTheGoldenCompounds) {
  EXPECT_EQ(encode([](Encoder& out) { out.bytes(Bytes::copyOf("\1\2\3")); }), Hex({3, 1, 2, 3}));
  EXPECT_EQ(encode([](Encoder& out) { out.unsignedNumber(130); }), Hex({0x82, 0x01}));
  const Hex blob = {0xde, 0xad, 0xbe, 0xef};
  EXPECT_EQ(encode([&](Encoder& out) { out.handle(blob); }), Hex({4, 0xde, 0xad, 0xbe, 0xef}));
}

TEST(Codec, GivesAPendingStreamItsPath) {
  // record { a: stream<u8>, b: u32 } as parameter 0
  Encoder out;
  {
    const Encoder::Step parameter(out, 0);
    const Encoder::Step field(out, 0);
    out.pending(std::make_unique<Unread>());
  }
  out.unsignedNumber(5);
  auto values = std::move(out).finish();
  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(values->bytes.toBytes().text(), std::string("\0\5", 2));
  ASSERT_EQ(values->channels.size(), 1U);
  EXPECT_EQ(values->channels[0].path, IndexPath({0, 0}));

  Decoder in(*values);
  EXPECT_EQ(in.count(1), 0U);
  const Decoder::Step parameter(in, 0);
  const Decoder::Step field(in, 0);
  EXPECT_NE(in.pending(), nullptr);
  EXPECT_EQ(in.unsignedNumber(32), 5U);
  EXPECT_TRUE(in.finish().has_value());
}

TEST(Codec, RefusesWhatCannotBeEncoded) {
  const auto code = [](auto write) {
    Encoder out;
    write(out);
    out.u8(1);
    return std::move(out).finish().error().code();
  };
  EXPECT_EQ(code([](Encoder& out) { out.text("\xff"); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code([](Encoder& out) { out.character(0xD800); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code([](Encoder& out) { out.count(std::size_t{1} << 32); }),
            ErrorCode::kResourceExhausted);
  Encoder out;
  out.pending(std::make_unique<Unread>());
  EXPECT_EQ(std::move(out).finishBytes().error().code(), ErrorCode::kUnsupported);
}

TEST(Codec, ShowsFewBytesWhereTheyWereWritten) {
  Encoder out;
  out.text("few");
  ASSERT_TRUE(out.few().has_value());
  EXPECT_EQ(asText(*out.few()), "\3few");
  out.clear();
  out.u8(7);
  EXPECT_EQ(asText(*out.few()), "\7");
  EXPECT_EQ(std::move(out).finish()->bytes.toBytes().text(), "\7");
}

TEST(Codec, HasWhatIsNotFewWithFinishOnly) {
  Encoder out;
  out.text(std::string(200, 'l'));
  EXPECT_FALSE(out.few());
  out.clear();
  out.pending(std::make_unique<Unread>());
  EXPECT_FALSE(out.few());
  out.clear();
  out.text("\xff");
  EXPECT_FALSE(out.few());
  EXPECT_FALSE(std::move(out).finish());
  out.clear();
  EXPECT_EQ(out.few()->size(), 0U);
  const auto nothing = std::move(out).finish();
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->bytes.empty());
  EXPECT_TRUE(nothing->channels.empty());
}

TEST(Codec, TakesWhatWasEncodedElsewhere) {
  Encoder out;
  out.u8(1);
  Values values;
  values.bytes.append(asBytes("given"));
  out.become(std::move(values));
  EXPECT_EQ(std::move(out).finish()->bytes.toBytes().text(), "given");
  out.become(nimbus::fail(ErrorCode::kUnavailable, "gone"));
  EXPECT_EQ(std::move(out).finish().error().message(), "gone");
}

TEST(Codec, SharesLargeByteListsBothWays) {
  const Bytes value = Bytes::take(std::string(5000, 'v'));
  Encoder out;
  out.text("key");
  out.bytes(value);
  out.u8(7);
  ByteChain bytes = std::move(out).finishBytes().value();
  EXPECT_EQ(bytes.piece(1).data(), value.view().data());

  Decoder in(bytes);
  EXPECT_EQ(in.text(), "key");
  EXPECT_EQ(in.bytes().view().data(), value.view().data());
  EXPECT_EQ(in.u8(), 7);
  EXPECT_TRUE(in.finish().has_value());
}

TEST(Codec, CopiesASmallByteListOutOfALargePiece) {
  std::string piece(100000, 'x');
  piece.replace(0, 3, "\xd0\x0f.", 3);  // a list of 2000 bytes at its beginning
  const ByteChain chain(Bytes::take(std::move(piece)));
  Decoder in(chain);
  const Bytes value = in.bytes();
  EXPECT_EQ(value.size(), 2000U);
  EXPECT_TRUE(value.view().data() < chain.piece(0).data() ||
              value.view().data() >= chain.piece(0).data() + chain.piece(0).size());
}

TEST(Codec, ReadsValuesThatLieAcrossPieces) {
  Encoder out;
  out.unsignedNumber(624485);
  out.signedNumber(-123456);
  out.f64(1.5);
  out.character(U'😀');
  out.text("hello");
  out.bytes(Bytes::copyOf("world"));
  out.boolean(true);
  const Bytes whole = std::move(out).finishBytes().value().toBytes();
  // Pieces are cut everywhere, and made long enough to be shared by filling them up in front.
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    const std::string filler(2000, 'f');
    ByteChain chain;
    chain.append(Bytes::take(filler + std::string(whole.slice(0, cut).text())));
    chain.append(Bytes::take(std::string(whole.slice(cut, whole.size() - cut).text()) + filler));
    ASSERT_EQ(chain.pieceCount(), 2U);
    Decoder in(chain);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(in.u8(), 'f');
    EXPECT_EQ(in.unsignedNumber(32), 624485U);
    EXPECT_EQ(in.signedNumber(32), -123456);
    EXPECT_EQ(in.f64(), 1.5);
    EXPECT_EQ(in.character(), U'😀');
    EXPECT_EQ(in.text(), "hello");
    EXPECT_EQ(in.bytes().text(), "world");
    EXPECT_TRUE(in.boolean());
    EXPECT_EQ(in.remaining(), 2000U);
    EXPECT_TRUE(in.ok());
  }
}

TEST(Codec, ReportsEveryTruncationAndHowMuchIsMissing) {
  const auto read = [](Decoder& in) { return in.text().size() + in.unsignedNumber(64); };
  const Hex whole = {3, 'a', 'b', 'c', 0x80, 0x01};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Hex part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(refusal(part, read), kEndsEarly);
    Decoder in{ByteView(part)};
    static_cast<void>(read(in));
    EXPECT_TRUE(in.truncated());
    EXPECT_EQ(in.missing(), size >= 1 && size < 4 ? 4 - size : 1);
  }
  EXPECT_EQ(decode(whole, read), 131U);
}

TEST(Codec, RefusesWrongValues) {
  EXPECT_EQ(refusal({2}, [](Decoder& in) { return in.boolean(); }), "a bool is neither 0 nor 1");
  EXPECT_EQ(refusal({2}, [](Decoder& in) { return in.present(); }),
            "there is no case of that number");
  EXPECT_EQ(refusal({3}, [](Decoder& in) { return in.caseNumber(3); }),
            "there is no case of that number");
  EXPECT_EQ(refusal({0xff, 0xff, 0x04}, [](Decoder& in) { return in.unsignedNumber(16); }),
            "an unsigned number does not fit its type");
  EXPECT_EQ(refusal({0x80, 0x80, 0x02}, [](Decoder& in) { return in.signedNumber(16); }),
            "a signed number does not fit its type");
  EXPECT_EQ(refusal({2, 0xc3, 0x28}, [](Decoder& in) { return in.text(); }),
            "a string is not UTF-8");
  for (const Hex& wrong : {Hex{0xed, 0xa0, 0x80}, Hex{0xc0, 0x80}, Hex{0x80, 0x80},
                           Hex{0xf4, 0x90, 0x80, 0x80}, Hex{0xff, 0, 0, 0}}) {
    EXPECT_EQ(refusal(wrong, [](Decoder& in) { return in.character(); }), "a char is not UTF-8");
  }
  Hex long_handle(300, 0);
  long_handle[0] = 0x81;
  long_handle[1] = 0x02;
  EXPECT_EQ(refusal(long_handle, [](Decoder& in) { return in.handle().size(); }),
            "a handle is too long");
  EXPECT_EQ(refusal({1, 1}, [](Decoder& in) { return in.boolean(); }),
            "there are bytes behind the value");
  EXPECT_EQ(refusal({0}, [](Decoder& in) { return in.pending() == nullptr; }),
            "a stream or future is announced, but has no channel");
}

TEST(Codec, ReadsFlagsOfTheirWidthOnly) {
  const auto read = [](std::uint32_t labels) {
    return [labels](Decoder& in) {
      std::uint8_t out[3] = {};
      in.flags(labels, out);
      return out[0] | out[1] << 8 | out[2] << 16;
    };
  };
  EXPECT_EQ(decode({0x05}, read(3)), 5);
  EXPECT_EQ(decode({0x01, 0x02}, read(10)), 0x201);
  EXPECT_EQ(decode({0x01, 0x00, 0x08}, read(20)), 0x80001);
  EXPECT_EQ(decode({0xff}, read(8)), 0xff);
  EXPECT_EQ(decode({}, read(0)), 0);
  EXPECT_EQ(refusal({0x08}, read(3)), "flags without a label are set");
  EXPECT_EQ(refusal({0x01}, read(10)), kEndsEarly);
}

TEST(Codec, BoundsWhatIsMerelyClaimed) {
  const Hex four_billion = {0xff, 0xff, 0xff, 0xff, 0x0f};
  EXPECT_EQ(refusal(four_billion, [](Decoder& in) { return in.bytes(); }), kEndsEarly);
  EXPECT_EQ(refusal(four_billion, [](Decoder& in) { return in.text(); }), kEndsEarly);
  EXPECT_EQ(refusal(four_billion, [](Decoder& in) { return in.count(0); }),
            "the lists are too long");
  EXPECT_EQ(refusal({5, 0}, [](Decoder& in) { return in.count(1); }), kEndsEarly);
  // The limit is for all lists together.
  const Hex two_lists = {2, 2};
  Decoder in(ByteView(two_lists), {.max_list_bytes = 30});
  EXPECT_EQ(in.count(0, 10), 2U);
  EXPECT_EQ(in.count(0, 10), 0U);
  EXPECT_EQ(in.finish().error().code(), ErrorCode::kResourceExhausted);
}

TEST(Codec, GivesZeroesAfterTheFirstFailure) {
  const Hex bytes = {2, 1, 1, 1};
  Decoder in{ByteView(bytes)};
  EXPECT_FALSE(in.boolean());
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_EQ(in.character(), U'\0');
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.count(0), 0U);
  EXPECT_FALSE(in.present());
  EXPECT_EQ(in.f64(), 0.0);
  EXPECT_FALSE(in.truncated());
  EXPECT_EQ(in.finish().error().message(), "a bool is neither 0 nor 1");
}

}  // namespace
}  // namespace nimbus::wrpc
