#include "capability/keyvalue/nats/nats_answers.h"

#include <gtest/gtest.h>

#include "capability/keyvalue/test_results.h"

namespace nimbus::keyvalue {
namespace {

std::string refusal(int status, int code, const std::string& description) {
  return R"({"error":{"code":)" + std::to_string(status) + R"(,"err_code":)" +
         std::to_string(code) + R"(,"description":")" + description + R"("}})";
}

TEST(NatsAnswers, AStreamHasLimitsOrNone) {
  const auto info = parseNatsStream(
      R"({"type":"t","config":{"name":"KV_a","subjects":["$KV.a.>"],"max_msgs":3,"max_bytes":-1,)"
      R"("allow_direct":true,"num_replicas":1},"state":{"messages":2,"bytes":90}})");
  ASSERT_TRUE(info) << info.error().describe();
  EXPECT_EQ(info->subjects, std::vector<std::string>{"$KV.a.>"});
  EXPECT_EQ(info->max_messages, 3U);
  EXPECT_EQ(info->max_bytes, std::nullopt);
  EXPECT_EQ(info->messages, 2U);
  EXPECT_EQ(info->bytes, 90U);
  EXPECT_TRUE(info->is_read_directly);
}

TEST(NatsAnswers, SubjectsAreSomeOfAll) {
  const auto subjects =
      parseNatsSubjects(R"({"total":3,"config":{},"state":{"subjects":{"a.b":1,"a.c":2}}})");
  ASSERT_TRUE(subjects);
  EXPECT_EQ(subjects->some, (std::vector<std::string>{"a.b", "a.c"}));
  EXPECT_EQ(subjects->total, 3U);
  const auto none = parseNatsSubjects(R"({"total":0,"state":{}})");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->some.empty());
  EXPECT_EQ(codeOf(parseNatsSubjects(R"({"total":1,"state":[]})")), ErrorCode::kProtocol);
}

TEST(NatsAnswers, AStreamOfSeveralCopiesIsReadAtItsLeader) {
  for (const char* config : {R"({"allow_direct":true,"num_replicas":3})",
                             R"({"allow_direct":false,"num_replicas":1})", "{}"}) {
    const auto info = parseNatsStream(std::string(R"({"config":)") + config + R"(,"state":{}})");
    ASSERT_TRUE(info) << config;
    EXPECT_FALSE(info->is_read_directly) << config;
  }
}

TEST(NatsAnswers, AnUpdateChangesTheLimitsAlone) {
  const auto changed =
      natsStreamConfig(R"({"name":"KV_a","max_msgs":1,"unknown":{"x":[1]}})", 7, std::nullopt);
  ASSERT_TRUE(changed);
  EXPECT_EQ(*changed, R"({"name":"KV_a","max_msgs":7,"unknown":{"x":[1]},"max_bytes":-1})");
  const auto most = natsStreamConfig("{}", ~std::uint64_t{0}, {});
  ASSERT_TRUE(most);
  EXPECT_TRUE(most->contains("9223372036854775807")) << *most;
}

TEST(NatsAnswers, ANewStreamIsDescribedByItsKeyspace) {
  const std::string config = natsStreamConfig({.name = "KV_a",
                                               .subjects = "$KV.a.>",
                                               .keyspace = "shared/\"x\"\n\xff",
                                               .replicas = 3,
                                               .storage = "memory",
                                               .max_messages = {},
                                               .max_bytes = 100});
  EXPECT_TRUE(config.contains(R"("num_replicas":3)")) << config;
  EXPECT_TRUE(config.contains(R"("storage":"memory")")) << config;
  EXPECT_TRUE(config.contains(R"("max_msgs":-1)")) << config;
  EXPECT_TRUE(config.contains(R"("max_bytes":100)")) << config;
  EXPECT_TRUE(config.contains(R"("max_msgs_per_subject":1)")) << config;
  EXPECT_TRUE(config.contains(R"(shared/\"x\"\\n\\xff)")) << config;
}

TEST(NatsAnswers, AStoredMessageIsInBase64) {
  const auto entry = parseNatsMessage(
      R"({"message":{"subject":"$KV.a.k","seq":5,"hdrs":"TkFUUy8xLjANClg6IDENCg0K",)"
      R"("data":"djI="}})");
  ASSERT_TRUE(entry) << entry.error().describe();
  EXPECT_EQ(entry->sequence, 5U);
  ASSERT_TRUE(entry->value);
  EXPECT_EQ(entry->value->text(), "v2");
  const auto empty = parseNatsMessage(R"({"message":{"seq":6}})");
  ASSERT_TRUE(empty && empty->value);
  EXPECT_TRUE(empty->value->empty());
}

TEST(NatsAnswers, AMarkOfDeletionIsNoValue) {
  // "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n"
  const auto entry = parseNatsMessage(
      R"({"message":{"seq":7,"hdrs":"TkFUUy8xLjANCktWLU9wZXJhdGlvbjogREVMDQoNCg=="}})");
  ASSERT_TRUE(entry) << entry.error().describe();
  EXPECT_FALSE(entry->value);
  EXPECT_EQ(entry->sequence, 7U);
}

TEST(NatsAnswers, NoMessageIsAnEntryOfItsOwnAndNoStreamAnError) {
  const auto none = parseNatsMessage(refusal(404, 10037, "no message found"));
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->value);
  EXPECT_EQ(none->sequence, 0U);
  const auto gone = parseNatsMessage(refusal(404, 10059, "stream not found"));
  EXPECT_EQ(codeOf(gone), ErrorCode::kNotFound);
}

TEST(NatsAnswers, AStreamsConfigurationMayHaveAnyMember) {
  const auto stream = parseNatsStream(R"({"config":{"error":{"err_code":1}},"state":{}})");
  ASSERT_TRUE(stream) << stream.error().describe();
  const auto config = natsStreamConfig(stream->config, 7, {});
  ASSERT_TRUE(config) << config.error().describe();
  EXPECT_TRUE(config->contains(R"("max_msgs":7)")) << *config;
}

TEST(NatsAnswers, WhatIsStoredHasAPlaceInItsStream) {
  EXPECT_EQ(parseNatsStored(R"({"stream":"KV_a", "seq":3})", "KV_a"), 3U);
  EXPECT_EQ(codeOf(parseNatsStored(R"({"stream":"KV_b", "seq":3})", "KV_a")), ErrorCode::kProtocol);
}

TEST(NatsAnswers, RefusalsAreToldApart) {
  const auto meaningOf = [](const std::string& answer) {
    return codeOf(parseNatsStored(answer, "KV_a"));
  };
  EXPECT_EQ(meaningOf(refusal(400, 10071, "wrong last sequence: 2")), ErrorCode::kAlreadyExists);
  EXPECT_EQ(meaningOf(refusal(503, 10077, "maximum bytes exceeded")),
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(meaningOf(refusal(503, 10077, "maximum messages exceeded")),
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(meaningOf(refusal(503, 10077, "no space left on device")), ErrorCode::kUnavailable);
  EXPECT_EQ(meaningOf(refusal(500, 10047, "insufficient storage resources available")),
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(meaningOf(refusal(503, 10039, "jetstream not enabled for account")),
            ErrorCode::kUnavailable);
  EXPECT_EQ(meaningOf(refusal(403, 1, "no")), ErrorCode::kPermissionDenied);
  EXPECT_EQ(meaningOf(refusal(418, 1, "no")), ErrorCode::kIo);
  EXPECT_EQ(meaningOf(R"({"error":{}})"), ErrorCode::kIo);
}

TEST(NatsAnswers, WhatARefusalSaysIsShownOnOneLine) {
  const auto refused = parseNatsDone(refusal(500, 1, R"(\u001b[31m\nno)" + std::string(900, 'x')));
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().message().contains('\x1b'));
  EXPECT_FALSE(refused.error().message().contains('\n'));
  EXPECT_LT(refused.error().message().size(), 400U);
}

TEST(NatsAnswers, AConsumersNameIsOneWordOfASubject) {
  EXPECT_EQ(parseNatsConsumer(R"({"name":"Y9Ge9pIx"})"), "Y9Ge9pIx");
  for (const char* name : {"", "a.b", "a b", "*", ">", "\\n", "\\u0000", "é"})
    EXPECT_EQ(codeOf(parseNatsConsumer(std::string(R"({"name":")") + name + R"("})")),
              ErrorCode::kProtocol)
        << name;
}

TEST(NatsAnswers, RefusesWhatIsNoAnswer) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string long_text = R"({"seq":1,"x":")" + std::string(300 << 10, 'x') + R"("})";
  for (const std::string& text : {std::string(),
                                  std::string("null"),
                                  std::string("[]"),
                                  std::string("{"),
                                  std::string("{}"),
                                  std::string("\xff\xfe"),
                                  std::string(R"({"seq":"1","stream":"KV_a"})"),
                                  std::string(R"({"seq":-1,"stream":"KV_a"})"),
                                  std::string(R"({"seq":0,"stream":"KV_a"})"),
                                  std::string(R"({"seq":1e400,"stream":"KV_a"})"),
                                  std::string(R"({"seq":1.5,"stream":"KV_a"})"),
                                  std::string(R"({"seq":99999999999999999999999,"stream":"KV_a"})"),
                                  std::string(R"({"config":[],"state":{}})"),
                                  std::string(R"({"message":{"seq":1,"data":"x"}})"),
                                  std::string(R"({"message":{"seq":1,"data":"!!!!"}})"),
                                  std::string(R"({"message":{"seq":1,"hdrs":"!!!!"}})"),
                                  std::string(R"({"message":{"seq":0}})"),
                                  std::string(R"({"message":7})"),
                                  deep,
                                  long_text}) {
    const std::string shown = text.substr(0, 60);
    EXPECT_EQ(codeOf(parseNatsStream(text)), ErrorCode::kProtocol) << shown;
    EXPECT_EQ(codeOf(parseNatsStored(text, "KV_a")), ErrorCode::kProtocol) << shown;
    EXPECT_EQ(codeOf(parseNatsMessage(text)), ErrorCode::kProtocol) << shown;
    EXPECT_EQ(codeOf(parseNatsConsumer(text)), ErrorCode::kProtocol) << shown;
    EXPECT_EQ(codeOf(parseNatsDone(text)), ErrorCode::kProtocol) << shown;
  }
}

}  // namespace
}  // namespace nimbus::keyvalue
