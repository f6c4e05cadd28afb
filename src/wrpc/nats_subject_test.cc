#include "wrpc/nats_subject.h"

#include <gtest/gtest.h>

namespace nimbus::wrpc {
namespace {

using Kind = ReceivedSubject::Kind;

TEST(NatsSubjectTest, NamesAnInvocation) {
  EXPECT_EQ(*invocationSubject("default.kv", {"wasi:keyvalue/store@0.2.0-draft", "bucket.get"}),
            "default.kv.wrpc.0.0.1.wasi:keyvalue/store@0.2.0-draft.bucket.get");
  EXPECT_EQ(*invocationSubject("", {"a:b/c", "f"}), "wrpc.0.0.1.a:b/c.f");
}

TEST(NatsSubjectTest, LeavesAnEmptyInstanceOut) {
  EXPECT_EQ(*invocationSubject("p", {"", "f"}), "p.wrpc.0.0.1.f");
}

TEST(NatsSubjectTest, RefusesWhatWouldMeanSomethingElse) {
  for (const char* function : {"", "f g", "f.>", "*", ".f", "f.", "a..b", "f\r\nPUB x"}) {
    const auto subject = invocationSubject("p", {"a:b/c", function});
    ASSERT_FALSE(subject) << function;
    EXPECT_EQ(subject.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(invocationSubject("p.>", {"a:b/c", "f"}));
  EXPECT_FALSE(invocationSubject("p", {std::string(3000, 'x'), "f"}));
}

TEST(NatsSubjectTest, NamesChannelsByTheirPath) {
  EXPECT_EQ(channelSubject("r.results", {}), "r.results");
  EXPECT_EQ(channelSubject("r.results", {0, 12}), "r.results.0.12");
}

TEST(NatsSubjectTest, TellsHandshakeRootAndChannels) {
  EXPECT_EQ(parseReceived("", "results", 4)->kind, Kind::kHandshake);
  EXPECT_EQ(parseReceived(".results", "results", 4)->kind, Kind::kChannel);
  EXPECT_TRUE(parseReceived(".results", "results", 4)->path.empty());
  EXPECT_EQ(parseReceived(".results.0.4294967295", "results", 4)->path, (IndexPath{0, 4294967295}));
}

TEST(NatsSubjectTest, KnowsNothingElse) {
  for (const char* text : {"results", ".", ".result", ".resultss", ".results.", ".results..1",
                           ".results.x", ".results.-1", ".results.01", ".results.4294967296",
                           ".results.1.2.3.4.5", ".params.1", ".results.1."}) {
    EXPECT_FALSE(parseReceived(text, "results", 4)) << text;
  }
}

}  // namespace
}  // namespace nimbus::wrpc
