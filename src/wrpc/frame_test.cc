#include "wrpc/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nimbus::wrpc {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

// "0.1:data" for each frame, joined by spaces; or the error's message.
struct Parsed {
  std::string text;
  bool between_frames = true;
};

// Feeds the input in pieces of so many bytes.
Parsed parse(std::string_view input, std::size_t piece_bytes) {
  FrameParser parser;
  Parsed parsed;
  std::string data;
  while (!input.empty()) {
    ByteView piece = asBytes(input.substr(0, piece_bytes));
    input.remove_prefix(piece.size());
    for (;;) {
      auto part = parser.next(piece);
      if (!part) return {part.error().message(), false};
      if (!*part) break;
      data += asText((**part).data);
      if (!(**part).last) continue;
      if (!parsed.text.empty()) parsed.text += ' ';
      for (std::size_t i = 0; i < (**part).path.size(); ++i) {
        parsed.text += (i > 0 ? "." : "") + std::to_string((**part).path[i]);
      }
      parsed.text += ":" + std::exchange(data, {});
    }
  }
  parsed.between_frames = parser.betweenFrames();
  return parsed;
}

TEST(FrameParser, ReadsFramesHoweverTheyAreCut) {
  const std::string input =
      bytes({0, 2}) + "ab" + bytes({2, 0, 0xAC, 0x02, 3}) + "xyz" + bytes({0, 0, 1, 7, 1}) + "q";
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    const Parsed parsed = parse(input, piece);
    EXPECT_EQ(parsed.text, ":ab 0.300:xyz : 7:q") << piece;
    EXPECT_TRUE(parsed.between_frames);
  }
}

TEST(FrameParser, KnowsWhereAPeerMayNotFinish) {
  const std::string input = bytes({1, 0x80, 0x01, 2}) + "ab";
  for (std::size_t size = 1; size < input.size(); ++size) {
    EXPECT_FALSE(parse(input.substr(0, size), 1).between_frames) << size;
  }
  EXPECT_TRUE(parse(input, 1).between_frames);
  EXPECT_FALSE(parse(bytes({0x80}), 1).between_frames) << "half a number";
}

TEST(FrameParser, HandsALongFrameOnInPieces) {
  FrameParser parser;
  const std::string head = bytes({0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F});  // 4 GiB - 1
  ByteView input = asBytes(head);
  EXPECT_FALSE(*parser.next(input));
  const std::string data(1000, 'x');
  input = asBytes(data);
  const auto part = parser.next(input);
  EXPECT_EQ((**part).data.size(), data.size());
  EXPECT_FALSE((**part).last);
}

TEST(FrameParser, RefusesDeepPathsAndLargeNumbers) {
  EXPECT_NE(parse(bytes({33}), 1).text.find("33 steps, at most 32"), std::string::npos);
  EXPECT_NE(parse(bytes({1, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F}), 1).text.find("32 bits"),
            std::string::npos);
  EXPECT_NE(parse(bytes({0x80, 0x80, 0x80, 0x80, 0x80, 0}), 1).text.find("32 bits"),
            std::string::npos);
  const std::string deep = bytes({32}) + std::string(32, '\1') + bytes({1}) + "x";
  EXPECT_TRUE(parse(deep, 1).between_frames);
}

TEST(FrameHead, WritesWhatTheParserReads) {
  const IndexPath deepest(kMaxFramePathDepth, 0xFFFFFFFF);
  for (const IndexPath& path : {IndexPath{}, IndexPath{0, 1}, IndexPath{300}, deepest}) {
    const FrameHead head(path, 0xFFFFFFFF);
    FrameParser parser;
    std::vector<std::uint8_t> input(head.view().begin(), head.view().end());
    input.push_back('x');
    ByteView rest(input);
    const auto part = parser.next(rest);
    ASSERT_TRUE(part && *part);
    EXPECT_EQ((**part).path, path);
    EXPECT_EQ((**part).data.size(), 1u);
  }
  EXPECT_EQ(FrameHead({}, 2).view().size(), 2u);
}

TEST(HeaderParser, ReadsHeadersHoweverTheyAreCut) {
  const auto header = encodeHeader({"wrpc-test:integration/sync", "with-flags"});
  std::string input(header.begin(), header.end());
  EXPECT_EQ(input, bytes({0, 0x1a}) + "wrpc-test:integration/sync" + bytes({0x0a}) + "with-flags");
  input += "frames";
  for (std::size_t size = 1; size <= input.size(); ++size) {
    HeaderParser parser;
    bool done = false;
    std::string_view rest = input;
    while (!done) {
      ByteView piece = asBytes(rest.substr(0, size));
      const std::size_t before = piece.size();
      const auto parsed = parser.parse(piece);
      ASSERT_TRUE(parsed);
      done = *parsed;
      rest.remove_prefix(before - piece.size());
    }
    EXPECT_EQ(rest, "frames");
    const InvocationHeader read = parser.take();
    EXPECT_EQ(read.instance, "wrpc-test:integration/sync");
    EXPECT_EQ(read.function, "with-flags");
  }
}

TEST(HeaderParser, AcceptsTheEmptyInstanceOfAWorld) {
  HeaderParser parser;
  const std::string input = bytes({0, 0, 1}) + "f";
  ByteView view = asBytes(input);
  EXPECT_TRUE(*parser.parse(view));
  EXPECT_EQ(parser.take().instance, "");
}

TEST(HeaderParser, RefusesOtherVersionsAndLongNames) {
  const auto refusal = [](const std::string& input) {
    HeaderParser parser;
    ByteView view = asBytes(input);
    const auto parsed = parser.parse(view);
    return parsed ? "accepted" : parsed.error().message();
  };
  EXPECT_NE(refusal(bytes({1})).find("version byte 0x01"), std::string::npos);
  EXPECT_NE(refusal("GET / HTTP").find("version byte 0x47"), std::string::npos);
  EXPECT_NE(refusal(bytes({0, 0x81, 0x08})).find("instance is longer"), std::string::npos);
  EXPECT_NE(refusal(bytes({0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})).find("function is longer"),
            std::string::npos);
}

}  // namespace
}  // namespace nimbus::wrpc
