// Input streams of wasi:io that change hands: streams of bytes to whoever implements or calls.

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "byte_streams.h"
#include "corpus/inputs/inputs.h"

namespace nimbus {
namespace {

namespace inputs = ::corpus::inputs::inputs;
using wrpc::Answer;
using wrpc::CallContext;

static_assert(std::is_same_v<decltype(inputs::File::content), ByteStream>);

class OneFile final : public inputs::Archive {
 public:
  OneFile(std::string_view name, ByteStream content) : name_(name), content_(std::move(content)) {}
  Answer<std::optional<ByteStream>> open(const CallContext&, std::string_view name) override {
    if (name != name_) return std::optional<ByteStream>();
    return std::optional<ByteStream>(std::move(content_));
  }

 private:
  std::string name_;
  ByteStream content_;
};

class Echo final : public inputs::Handler {
 public:
  Answer<wrpc::Own<inputs::Archive>> newArchive(const CallContext&, std::string_view name,
                                                ByteStream content) override {
    return std::make_unique<OneFile>(name, std::move(content));
  }
  Answer<ByteStream> bytes(const CallContext&, ByteStream input) override { return input; }
  Answer<ByteStream> plain(const CallContext&, ByteStream input) override { return input; }
  Answer<std::expected<inputs::File, std::string>> rename(const CallContext&, inputs::File file,
                                                          std::string_view name) override {
    if (name.empty()) return wrpc::err(std::string("no name"));
    file.name = name;
    return std::expected<inputs::File, std::string>(std::move(file));
  }
  Answer<inputs::Upload> echoUpload(const CallContext&, inputs::Upload upload) override {
    return upload;
  }
  Answer<std::vector<std::tuple<std::uint32_t, ByteStream>>> many(
      const CallContext&, std::vector<ByteStream> streams) override {
    std::vector<std::tuple<std::uint32_t, ByteStream>> outputs;
    for (ByteStream& stream : streams)
      outputs.emplace_back(static_cast<std::uint32_t>(outputs.size()), std::move(stream));
    return outputs;
  }
  Answer<ByteStream> broken(const CallContext&, std::uint32_t after) override {
    return ByteStream(std::make_unique<Failing>(after));
  }
};

class InputStreamBindings : public net::ShardTest {};

TEST_F(InputStreamBindings, CarryThemAsStreamsOfBytes) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {inputs::serve(std::make_shared<Echo>())});
    const CallContext& context = local.context();
    const auto client = local.connect<inputs::Client>();
    EXPECT_EQ(co_await text((co_await client->bytes(context, stream("hello"))).value()), "hello");
    EXPECT_EQ(co_await text((co_await client->plain(context, stream("there"))).value()), "there");

    inputs::File file{.name = "a", .content = stream("content")};
    auto renamed = (co_await client->rename(context, std::move(file), "b")).value().value();
    EXPECT_EQ(renamed.name, "b");
    EXPECT_EQ(co_await text(std::move(renamed.content)), "content");
    EXPECT_EQ((co_await client->rename(context, {}, "")).value().error(), "no name");

    auto streamed = (co_await client->echoUpload(
                         context, inputs::Upload{inputs::Upload::Streamed{stream("up")}}))
                        .value();
    EXPECT_EQ(co_await text(std::move(std::get<2>(streamed.value).value)), "up");

    std::vector<ByteStream> streams;
    for (const std::string_view content : {"zero", "one"}) streams.push_back(stream(content));
    auto outputs = (co_await client->many(context, std::move(streams))).value();
    EXPECT_EQ(co_await text(std::move(std::get<1>(outputs[1]))), "one");
    EXPECT_EQ(co_await text(std::move(std::get<1>(outputs[0]))), "zero");
  });
}

TEST_F(InputStreamBindings, StandInFunctionsOfResources) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {inputs::serve(std::make_shared<Echo>())});
    const CallContext& context = local.context();
    const auto client = local.connect<inputs::Client>();
    auto archive = (co_await client->newArchive(context, "readme", stream("read me"))).value();
    EXPECT_EQ((co_await archive->open(context, "other")).value(), std::nullopt);
    auto opened = (co_await archive->open(context, "readme")).value();
    EXPECT_EQ(co_await text(*std::move(opened)), "read me");
  });
}

TEST_F(InputStreamBindings, BreakOffWithTheErrorOfTheirWriter) {
  run([](net::Shard& shard) -> Task<void> {
    wrpc::Local local(shard, {inputs::serve(std::make_shared<Echo>())});
    const auto client = local.connect<inputs::Client>();
    auto output = (co_await client->broken(local.context(), 2)).value();
    const std::string all = co_await text(std::move(output));
    EXPECT_EQ(all.substr(0, 3), "xx!");
    EXPECT_NE(all.find("the disk is gone"), std::string::npos) << all;
  });
}

}  // namespace
}  // namespace nimbus
