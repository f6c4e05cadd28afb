#include "http/http1_serializer.h"

#include <gtest/gtest.h>

#include "http/http1_input.h"

namespace nimbus::http {
namespace {

TEST(SerializerTest, StatusLinesHaveTheirPhrase) {
  std::string out;
  appendStatusLine(out, 404);
  appendStatusLine(out, 299);
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nHTTP/1.1 299 Unknown\r\n");
  EXPECT_EQ(reasonPhrase(200), "OK");
  EXPECT_EQ(reasonPhrase(999), "Unknown");
}

TEST(SerializerTest, FieldsOfTheConnectionAreReportedNotWritten) {
  Headers headers;
  headers.add("a", "1");
  headers.add("content-length", "12");
  headers.add("connection", "close");
  headers.add("host", "x");
  headers.add("date", "now");
  std::string out = "before;";
  const WrittenFields written = appendFields(out, headers);
  EXPECT_TRUE(written.valid);
  EXPECT_TRUE(written.has_date);
  EXPECT_EQ(written.content_length, 12u);
  EXPECT_EQ(out, "before;a: 1\r\ndate: now\r\n");
}

TEST(SerializerTest, NothingIsWrittenIfOneFieldIsInvalid) {
  for (const auto& [name, value] :
       {std::pair("x", "a\nb"), std::pair("x", "a\rb"), std::pair("x:", "a"), std::pair("", "a"),
        std::pair("x", " a"), std::pair("content-length", "x")}) {
    Headers headers;
    headers.add("fine", "1");
    headers.add(name, value);
    std::string out = "before";
    EXPECT_FALSE(appendFields(out, headers).valid) << name << "=" << value;
    EXPECT_EQ(out, "before");
  }
}

TEST(SerializerTest, ChunksAndTrailers) {
  std::string out;
  appendChunkSize(out, 0xabcdef);
  Headers trailers;
  trailers.add("a", "1");
  trailers.add("transfer-encoding", "chunked");
  trailers.add("b", "x\r\ny");
  appendLastChunk(out, trailers);
  EXPECT_EQ(out, "abcdef\r\n0\r\na: 1\r\n\r\n");
}

TEST(InputBufferTest, HoldsNoMemoryUntilUsedAndAfterRelease) {
  InputBuffer input(64 * 1024);
  EXPECT_TRUE(input.empty());
  auto room = input.prepare();
  std::fill_n(room.begin(), 3, 'x');
  input.commit(3);
  EXPECT_EQ(input.view(), "xxx");
  input.release();
  EXPECT_EQ(input.size(), 3u);
  input.consume(3);
  input.release();
  EXPECT_TRUE(input.empty());
}

TEST(InputBufferTest, GrowsWhileReadsFillIt) {
  InputBuffer input(64 * 1024);
  std::size_t last = 0;
  for (int i = 0; i < 6; ++i) {
    const auto room = input.prepare();
    EXPECT_GE(room.size(), last);
    last = room.size();
    input.commit(room.size());
    input.consume(input.size());
  }
  EXPECT_EQ(last, 64 * 1024u);
}

TEST(InputBufferTest, StopsWhenFullAndGoesOnWhenHalfIsUsed) {
  InputBuffer input(16 * 1024);
  while (input.wantsMore()) input.commit(input.prepare().size());
  EXPECT_GE(input.size(), 14 * 1024u);
  input.consume(1024);
  EXPECT_FALSE(input.wantsMore());
  input.consume(8 * 1024);
  EXPECT_TRUE(input.wantsMore());
  EXPECT_GE(input.prepare().size(), 2 * 1024u);
}

TEST(InputBufferTest, SharedPiecesKeepTheirBytes) {
  InputBuffer input(16 * 1024);
  auto room = input.prepare();
  std::fill(room.begin(), room.end(), 'a');
  input.commit(room.size());
  const Bytes piece = input.share(input.view());
  EXPECT_EQ(static_cast<const void*>(piece.view().data()),
            static_cast<const void*>(input.view().data()));
  input.consume(input.size());
  room = input.prepare();
  std::fill(room.begin(), room.end(), 'b');
  EXPECT_EQ(piece.text(), std::string(piece.size(), 'a'));
}

TEST(InputBufferTest, SmallPiecesAreCopied) {
  InputBuffer input(16 * 1024);
  input.append("hello");
  EXPECT_NE(static_cast<const void*>(input.share(input.view()).view().data()),
            static_cast<const void*>(input.view().data()));
}

}  // namespace
}  // namespace nimbus::http
