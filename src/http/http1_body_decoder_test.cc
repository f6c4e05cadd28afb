#include "http/http1_body_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nimbus::http {
namespace {

using Kind = BodyFraming::Kind;

struct Decoded {
  ParseState state;
  std::string content;
  std::string trailers;
  std::string reason;
  std::size_t used = 0;

  [[nodiscard]] std::string describe() const {
    return std::to_string(int(state)) + "|" + content + "|" + trailers + "|" + reason +
           (state == ParseState::kDone ? "|" + std::to_string(used) : std::string());
  }
};

using BadWhiteSpace = BodyDecoder::BadWhiteSpace;

Decoded decodeInPieces(BodyFraming framing, std::string_view text, std::size_t piece_bytes,
                       BadWhiteSpace bad_white_space) {
  BodyDecoder decoder(HeadLimits{.max_header_bytes = 100, .max_header_count = 3}, bad_white_space);
  decoder.start(framing);
  Decoded decoded;
  while (decoder.state() == ParseState::kMore && decoded.used < text.size()) {
    const std::string piece(text.substr(decoded.used, piece_bytes));
    std::size_t at = 0;
    while (at < piece.size() && decoder.state() == ParseState::kMore) {
      const auto found = decoder.feed(std::string_view(piece).substr(at));
      EXPECT_GT(found.consumed, 0u);
      decoded.content += found.content;
      at += found.consumed;
    }
    decoded.used += at;
  }
  decoded.state = decoder.state();
  decoded.reason = decoder.failureReason();
  for (std::size_t i = 0; i < decoder.trailers().size(); ++i) {
    decoded.trailers.append(decoder.trailers()[i].name).append("=");
    decoded.trailers.append(decoder.trailers()[i].value).append(";");
  }
  return decoded;
}

Decoded decode(BodyFraming framing, std::string_view text,
               BadWhiteSpace bad_white_space = BadWhiteSpace::kRefused) {
  Decoded whole = decodeInPieces(framing, text, text.size() + 1, bad_white_space);
  for (const std::size_t bytes : {1, 2, 3, 5, 11}) {
    EXPECT_EQ(decodeInPieces(framing, text, bytes, bad_white_space).describe(), whole.describe())
        << "in pieces of " << bytes << ": " << text;
  }
  return whole;
}

Decoded chunked(std::string_view text) { return decode({Kind::kChunked, 0}, text); }

TEST(BodyDecoderTest, NothingIsDoneAtOnce) {
  EXPECT_EQ(decode({Kind::kNone, 0}, "GET").used, 0u);
  EXPECT_EQ(decode({Kind::kLength, 0}, "GET").state, ParseState::kDone);
}

TEST(BodyDecoderTest, TakesExactlyTheLength) {
  const Decoded decoded = decode({Kind::kLength, 5}, "helloGET");
  EXPECT_EQ(decoded.state, ParseState::kDone);
  EXPECT_EQ(decoded.content, "hello");
  EXPECT_EQ(decoded.used, 5u);
}

TEST(BodyDecoderTest, ReadsUntilTheEndOfInput) {
  BodyDecoder decoder({});
  decoder.start({Kind::kUntilClose, 0});
  EXPECT_EQ(decoder.feed("abc").content, "abc");
  EXPECT_EQ(decoder.state(), ParseState::kMore);
  decoder.endOfInput();
  EXPECT_EQ(decoder.state(), ParseState::kDone);
  EXPECT_EQ(decoder.received(), 3u);
}

TEST(BodyDecoderTest, AnEarlyEndOfInputIsAFailure) {
  for (const BodyFraming framing :
       {BodyFraming{Kind::kLength, 5}, BodyFraming{Kind::kChunked, 0}}) {
    BodyDecoder decoder({});
    decoder.start(framing);
    decoder.endOfInput();
    EXPECT_EQ(decoder.state(), ParseState::kFailed);
  }
}

TEST(BodyDecoderTest, ReadsChunksExtensionsAndTrailers) {
  const Decoded decoded = chunked(
      "5\r\nhello\r\n00A;name;other=token;third=\"quoted \\\" text\"\r\n, world!!!\r\n"
      "0;last=1\r\nX-Sum: 1\r\nother:\r\n\r\nGET");
  EXPECT_EQ(decoded.state, ParseState::kDone) << decoded.reason;
  EXPECT_EQ(decoded.content, "hello, world!!!");
  EXPECT_EQ(decoded.trailers, "x-sum=1;other=;");
}

TEST(BodyDecoderTest, RefusesAmbiguousChunks) {
  using namespace std::string_literals;
  const std::vector<std::string> cases = {
      "\r\n",                                 // no size
      "x\r\n",                                //
      "-1\r\n",                               //
      "+5\r\nhello\r\n",                      //
      "0x5\r\nhello\r\n",                     //
      " 5\r\nhello\r\n",                      //
      "5 \r\nhello\r\n",                      // white space after the size
      "5\t;a\r\nhello\r\n",                   //
      "5\nhello\r\n",                         // bare LF
      "5\r\nhello\n",                         //
      "5\r\nhelloX\r\n",                      // longer than its size
      "5\r\nhello\r\r\n",                     //
      "5\r\nhello0\r\n\r\n",                  // no line end after the content
      "5;\r\nhello\r\n",                      // extension without a name
      "5;a=\r\nhello\r\n",                    //
      "5;a=\"b\r\nhello\r\n",                 // quote not closed
      "5;a=\"b\\\r\nhello\r\n",               //
      "5;a=b c\r\nhello\r\n",                 //
      "5;a\rb\r\nhello\r\n",                  // bare CR in an extension
      "5;a\0b\r\nhello\r\n"s,                 //
      "10000000000000000\r\n",                // 17 digits
      "ffffffffffffffff\r\n",                 // beyond 2^63
      "8000000000000000\r\n",                 //
      "00000000000000005\r\nhello\r\n",       // too many digits
      "5;" + std::string(300, 'a') + "\r\n",  // over-long extension
      std::string(300, '0') + "\r\n",         //
      "0\r\ncontent-length: 5\r\n\r\n",       // trailers that change the framing
      "0\r\ntransfer-encoding: chunked\r\n\r\n",
      "0\r\nhost: a\r\n\r\n",
      "0\r\nconnection: close\r\n\r\n",
      "0\r\na : b\r\n\r\n",
      "0\r\n folded\r\n\r\n",
      "0\r\na: b\n\r\n",
      "0\r\na: b\rc\r\n\r\n",
      "0\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n",  // too many trailers
      "0\r\na: " + std::string(200, 'x') + "\r\n\r\n",
  };
  for (const std::string& text : cases) {
    EXPECT_EQ(chunked(text).state, ParseState::kFailed) << text;
  }
}

TEST(BodyDecoderTest, OfServersAcceptsWhiteSpaceAroundExtensions) {
  const auto ofServer = [](std::string_view text) {
    return decode({Kind::kChunked, 0}, text, BadWhiteSpace::kAccepted);
  };
  const std::string_view spaced =
      "2 ; a\r\nok\r\n3\t;\tb = c ;d=\"e\" \t; f\t=\tg\r\nay!\r\n0 ;h\r\n\r\n";
  EXPECT_EQ(ofServer(spaced).content, "okay!");
  EXPECT_EQ(ofServer(spaced).state, ParseState::kDone);
  EXPECT_EQ(chunked(spaced).state, ParseState::kFailed);
  for (const char* const text :
       {"2 \r\nok\r\n", "2 x\r\nok\r\n", "2 ; \r\nok\r\n", "2;a= \r\nok\r\n", "2;a b\r\nok\r\n",
        " 2;a\r\nok\r\n", "2;a \r\nok\r\n"}) {
    EXPECT_EQ(ofServer(text).state, ParseState::kFailed) << text;
  }
}

TEST(BodyDecoderTest, BoundsAllExtensionsTogether) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "1;" + std::string(200, 'a') + "\r\nx\r\n";
  EXPECT_EQ(chunked(text).reason, "chunk extensions too large");
}

TEST(BodyDecoderTest, TheSumOfChunksCannotOverflow) {
  BodyDecoder decoder({});
  decoder.start({Kind::kChunked, 0});
  EXPECT_EQ(decoder.feed("1\r\n").consumed, 3u);
  decoder.feed("x");
  decoder.feed("\r\n");
  decoder.feed("7fffffffffffffff\r\n");
  EXPECT_EQ(decoder.state(), ParseState::kFailed);
}

TEST(BodyDecoderTest, CanStartAgain) {
  BodyDecoder decoder({});
  decoder.start({Kind::kChunked, 0});
  decoder.feed("5");
  decoder.start({Kind::kChunked, 0});
  decoder.feed("0\r\n");
  decoder.feed("\r\n");
  EXPECT_EQ(decoder.state(), ParseState::kDone);
}

}  // namespace
}  // namespace nimbus::http
