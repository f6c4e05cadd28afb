#include "capability/keyvalue/redis/redis_protocol.h"

#include <gtest/gtest.h>

namespace nimbus::keyvalue {
namespace {

using Kind = RedisReply::Kind;

// "(number 1)", "[text a, nothing]", "error: …" of the reader; "" if bytes are missing.
std::string describe(const RedisReply& reply) {
  switch (reply.kind) {
    case Kind::kNothing: return "nothing";
    case Kind::kText: return "text " + std::string(reply.text.text());
    case Kind::kStatus: return "status " + std::string(reply.text.text());
    case Kind::kError: return "refusal " + std::string(reply.text.text());
    case Kind::kNumber: return "number " + std::to_string(reply.number);
    case Kind::kList: break;
  }
  std::string text = "[";
  for (const RedisReply& item : reply.list) text += (text.size() > 1 ? ", " : "") + describe(item);
  return text + "]";
}

std::string nextOf(RedisReader& reader, const RedisReplyLimits& limits = {}) {
  const auto reply = reader.next(limits);
  if (!reply) {
    EXPECT_EQ(reply.error().code(), ErrorCode::kProtocol);
    return "error: " + reply.error().message();
  }
  return *reply ? describe(**reply) : "";
}

std::string readOf(std::string_view bytes, const RedisReplyLimits& limits = {}) {
  RedisReader reader;
  reader.feed(asBytes(bytes));
  return nextOf(reader, limits);
}

TEST(RedisReader, ReadsEachKindOfReply) {
  EXPECT_EQ(readOf("+OK\r\n"), "status OK");
  EXPECT_EQ(readOf("-ERR no\r\n"), "refusal ERR no");
  EXPECT_EQ(readOf(":-42\r\n"), "number -42");
  EXPECT_EQ(readOf("$5\r\na\r\nbc\r\n"), "text a\r\nbc");
  EXPECT_EQ(readOf("$0\r\n\r\n"), "text ");
  EXPECT_EQ(readOf("$-1\r\n"), "nothing");
  EXPECT_EQ(readOf("*-1\r\n"), "nothing");
  EXPECT_EQ(readOf("*0\r\n"), "[]");
  EXPECT_EQ(readOf("*3\r\n$1\r\na\r\n$-1\r\n*1\r\n:7\r\n"), "[text a, nothing, [number 7]]");
}

TEST(RedisReader, ReadsRepliesWhereverTheyAreCut) {
  const std::string bytes = "*2\r\n$3\r\nabc\r\n:12\r\n+OK\r\n";
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    RedisReader reader;
    std::vector<std::string> replies;
    for (const std::string& part : {bytes.substr(0, first), bytes.substr(first)}) {
      reader.feed(asBytes(part));
      for (std::string reply = nextOf(reader); !reply.empty(); reply = nextOf(reader))
        replies.push_back(reply);
    }
    EXPECT_EQ(replies, (std::vector<std::string>{"[text abc, number 12]", "status OK"})) << first;
  }
}

TEST(RedisReader, RefusesWhatIsNoReply) {
  EXPECT_TRUE(readOf("HTTP/1.1 400 Bad Request\r\n").starts_with("error: what came is no reply"));
  EXPECT_TRUE(readOf("$x\r\n").starts_with("error: "));
  EXPECT_TRUE(readOf(":1x\r\n").starts_with("error: "));
  EXPECT_TRUE(readOf("$-2\r\n").starts_with("error: "));
  EXPECT_TRUE(readOf("*-2\r\n").starts_with("error: "));
  // Nothing follows an error.
  RedisReader reader;
  reader.feed(asBytes("?\r\n"));
  EXPECT_TRUE(nextOf(reader).starts_with("error: "));
  reader.feed(asBytes("+OK\r\n"));
  EXPECT_TRUE(nextOf(reader).starts_with("error: "));
}

TEST(RedisReader, RefusesMoreBytesThanTheReplyMayHave) {
  const RedisReplyLimits limits{.bytes = 100, .elements = 4};
  EXPECT_EQ(readOf("$1000000000\r\n" + std::string(50, 'x'), limits), "");
  EXPECT_EQ(readOf("$1000000000\r\n" + std::string(100, 'x'), limits),
            "error: a reply of more than 100 bytes");
  EXPECT_EQ(readOf("+" + std::string(100, 'x'), limits), "error: a reply of more than 100 bytes");
  // Whatever it is made of: what was read of a list counts.
  RedisReader reader;
  reader.feed(asBytes("*4\r\n"));
  EXPECT_EQ(nextOf(reader, limits), "");
  std::string outcome;
  for (int i = 0; i < 3 && outcome.empty(); ++i) {
    reader.feed(asBytes("$40\r\n" + std::string(40, 'x') + "\r\n"));
    outcome = nextOf(reader, limits);
  }
  EXPECT_EQ(outcome, "error: a reply of more than 100 bytes");
}

TEST(RedisReader, CountsEachReplyAnew) {
  RedisReader reader;
  const RedisReplyLimits limits{.bytes = 100, .elements = 4};
  for (int i = 0; i < 100; ++i) {
    reader.feed(asBytes("*2\r\n:1\r\n$20\r\n" + std::string(20, 'x') + "\r\n+OK"));
    EXPECT_EQ(nextOf(reader, limits), "[number 1, text " + std::string(20, 'x') + "]");
    EXPECT_EQ(nextOf(reader, limits), "");
    reader.feed(asBytes("\r\n"));
    EXPECT_EQ(nextOf(reader, limits), "status OK");
  }
}

TEST(RedisReader, RefusesMoreElementsThanTheReplyMayHave) {
  const RedisReplyLimits limits{.bytes = 1000, .elements = 4};
  EXPECT_EQ(readOf("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", limits),
            "[number 1, number 2, number 3, number 4]");
  EXPECT_EQ(readOf("*5\r\n", limits), "error: a reply of more than 4 elements");
  EXPECT_EQ(readOf("*2147483647\r\n", limits), "error: a reply of more than 4 elements");
  EXPECT_TRUE(readOf("*99999999999\r\n", limits).starts_with("error: "));
  EXPECT_EQ(readOf("*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n", limits),
            "error: a reply of more than 4 elements");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "*1\r\n";
  EXPECT_TRUE(readOf(deep, {.bytes = 1000, .elements = 1000}).starts_with("error: "));
}

TEST(RedisCommand, IsAListOfWordsOfAnyBytes) {
  std::string out = "before";
  const std::string_view words[] = {"SET", std::string_view("a\0\r\n", 4), ""};
  appendRedisCommand(out, words);
  EXPECT_EQ(out, std::string("before*3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n", 35));
}

}  // namespace
}  // namespace nimbus::keyvalue
