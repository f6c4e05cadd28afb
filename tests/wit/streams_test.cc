// Streams and futures as parameters and results, alone and inside other values.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "byte_streams.h"
#include "corpus/streams/streams.h"
#include "wrpc/stream_pipe.h"

namespace nimbus {
namespace {

namespace streams = ::corpus::streams::streams;
using wrpc::Answer;
using wrpc::CallContext;
using wrpc::FutureReader;
using wrpc::StreamReader;

// As many elements without content as were asked for, on demand.
class Ticks final : public wrpc::StreamSource<wrpc::Unit> {
 public:
  explicit Ticks(std::uint32_t left) : left_(left) {}
  Eventual<Result<std::optional<std::vector<wrpc::Unit>>>> read() override {
    using Step = Result<std::optional<std::vector<wrpc::Unit>>>;
    if (left_ == 0) return Step(std::nullopt);
    --left_;
    return Step(std::vector<wrpc::Unit>(1));
  }

 private:
  std::uint32_t left_;
};

class Echo final : public streams::Handler {
 public:
  Answer<ByteStream> bytes(const CallContext&, ByteStream input) override { return input; }
  Answer<StreamReader<streams::Point>> points(const CallContext&,
                                              StreamReader<streams::Point> input) override {
    return input;
  }
  Answer<FutureReader<std::string>> later(const CallContext&,
                                          FutureReader<std::string> value) override {
    return value;
  }
  Answer<std::expected<streams::Message, std::string>> echoMessage(
      const CallContext&, streams::Message message) override {
    if (message.id == 0) return wrpc::err(std::string("no id"));
    ++message.id;
    return std::expected<streams::Message, std::string>(std::move(message));
  }
  Answer<streams::Upload> echoUpload(const CallContext&, streams::Upload upload) override {
    return upload;
  }
  Answer<std::vector<std::tuple<std::uint32_t, ByteStream>>> many(
      const CallContext&, std::vector<ByteStream> inputs) override {
    std::vector<std::tuple<std::uint32_t, ByteStream>> outputs;
    for (ByteStream& input : inputs)
      outputs.emplace_back(static_cast<std::uint32_t>(outputs.size()), std::move(input));
    return outputs;
  }
  Answer<std::optional<StreamReader<std::string>>> maybe(
      const CallContext&, std::optional<StreamReader<std::string>> input) override {
    return input;
  }
  Answer<StreamReader<wrpc::Unit>> ticks(const CallContext&, std::uint32_t count) override {
    return StreamReader<wrpc::Unit>(std::make_unique<Ticks>(count));
  }
  Answer<ByteStream> broken(const CallContext&, std::uint32_t after) override {
    return ByteStream(std::make_unique<Failing>(after));
  }
};

template <typename T>
Task<std::vector<T>> elements(StreamReader<T> stream) {
  std::vector<T> all;
  while (auto chunk = (co_await stream.read()).value()) {
    for (T& element : *chunk) all.push_back(std::move(element));
  }
  co_return all;
}

class StreamBindings : public net::ShardTest {};

TEST_F(StreamBindings, CarryStreamsAndFutures) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {streams::serve(std::make_shared<Echo>())});
    const CallContext& context = local.context();
    const auto client = local.connect<streams::Client>();
    EXPECT_EQ(co_await text((co_await client->bytes(context, stream("hello"))).value()), "hello");
    EXPECT_EQ(co_await text((co_await client->bytes(context, ByteStream())).value()), "");
    const std::vector<streams::Point> points = {{1, "a"}, {-2, "b"}};
    EXPECT_EQ(co_await elements(
                  (co_await client->points(context, StreamReader<streams::Point>(points))).value()),
              points);
    auto later = (co_await client->later(context, FutureReader<std::string>("soon"))).value();
    EXPECT_EQ((co_await later.read()).value(), "soon");
    const auto ticks = co_await elements((co_await client->ticks(context, 9000)).value());
    EXPECT_EQ(ticks.size(), 9000U);
  });
}

TEST_F(StreamBindings, CarryThemInsideOtherValues) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {streams::serve(std::make_shared<Echo>())});
    const CallContext& context = local.context();
    const auto client = local.connect<streams::Client>();

    streams::Message message{.id = 1, .body = stream("body"), .trailer = {}};
    message.trailer = FutureReader<std::optional<streams::Point>>(streams::Point{7, "trailer"});
    auto back = (co_await client->echoMessage(context, std::move(message))).value().value();
    EXPECT_EQ(back.id, 2U);
    EXPECT_EQ((co_await back.trailer.read()).value(), (streams::Point{7, "trailer"}));
    EXPECT_EQ(co_await text(std::move(back.body)), "body");
    EXPECT_EQ((co_await client->echoMessage(context, {})).value().error(), "no id");

    auto streamed = (co_await client->echoUpload(
                         context, streams::Upload{streams::Upload::Streamed{stream("up")}}))
                        .value();
    EXPECT_EQ(co_await text(std::move(std::get<2>(streamed.value).value)), "up");
    streams::Upload::Both both;
    std::get<0>(both.value) = StreamReader<streams::Point>({{1, "p"}});
    std::get<1>(both.value) = FutureReader<wrpc::Unit>(wrpc::Unit());
    auto pair = (co_await client->echoUpload(context, streams::Upload{std::move(both)})).value();
    auto& [point_stream, done] = std::get<3>(pair.value).value;
    EXPECT_EQ((co_await elements(std::move(point_stream))).size(), 1U);
    EXPECT_TRUE((co_await done.read()).has_value());

    std::vector<ByteStream> inputs;
    for (const std::string_view content : {"zero", "one", "two"}) inputs.push_back(stream(content));
    auto outputs = (co_await client->many(context, std::move(inputs))).value();
    // In another order than they were announced.
    EXPECT_EQ(co_await text(std::move(std::get<1>(outputs[2]))), "two");
    EXPECT_EQ(co_await text(std::move(std::get<1>(outputs[0]))), "zero");
    EXPECT_EQ(std::get<0>(outputs[1]), 1U);
    EXPECT_EQ((co_await client->maybe(context, std::nullopt)).value(), std::nullopt);
    auto some = (co_await client->maybe(context, StreamReader<std::string>({"x", "y"}))).value();
    EXPECT_EQ(co_await elements(*std::move(some)), (std::vector<std::string>{"x", "y"}));
  });
}

TEST_F(StreamBindings, HoldTheWriterUpUntilTheReaderReads) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {streams::serve(std::make_shared<Echo>())});
    const auto client = local.connect<streams::Client>();
    auto [writer, reader] = wrpc::makeStream<std::uint8_t>();
    auto output = (co_await client->bytes(local.context(), std::move(reader))).value();
    EXPECT_TRUE((co_await writer.write(Bytes::copyOf("one"))).has_value());
    auto second = writer.write(Bytes::copyOf("two"));
    EXPECT_FALSE(second.start());
    EXPECT_EQ((co_await output.read()).value()->text(), "one");
    EXPECT_TRUE(second.done());
    writer.close();
    EXPECT_EQ(co_await text(std::move(output)), "two");
  });
}

TEST_F(StreamBindings, BreakOffWithTheErrorOfTheirWriter) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {streams::serve(std::make_shared<Echo>())});
    const auto client = local.connect<streams::Client>();
    EXPECT_EQ(co_await text((co_await client->broken(local.context(), 2)).value()),
              "xx!the disk is gone");
  });
}

}  // namespace
}  // namespace nimbus
