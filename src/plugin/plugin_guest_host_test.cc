#include "plugin/plugin_guest_host.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <future>
#include <new>

#include "host/egress/egress.h"
#include "net/resolver.h"
#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

class NoClient final : public http::Client {
 public:
  Task<Result<std::unique_ptr<http::ClientResponse>>> send(http::RequestHead, http::BodyReader*,
                                                           http::RequestOptions) override {
    co_return fail(ErrorCode::kUnavailable, "no client here");
  }
  void forget(const std::string&) override {}
};

NimbusStr textOf(const std::string& text) {
  return {.data = reinterpret_cast<const std::uint8_t*>(text.data()), .size = text.size()};
}

std::shared_ptr<engine::OutgoingRequest> requestTo(net::Shard& shard, const std::string& scheme,
                                                   const std::string& authority) {
  NimbusEgressRequest request{};
  request.scheme = textOf(scheme);
  request.authority = textOf(authority);
  return std::make_shared<engine::OutgoingRequest>(shard, nullptr, request);
}

// The question is asked by a worker, which may come to it when the instance is gone.
TEST(PluginGuestHostTest, MayBeGoneWhenItsQuestionIsAsked) {
  TemporaryFolder folder;
  GrantBook book(folder.path("plugins"));
  FakeConsent consent;
  PluginInfo info = infoNamed("otel");
  info.abi = Abi::kWasmcloud002;
  Permissions permissions(PluginIdentity{"otel", "sha256:" + std::string(64, 'a')}, info, {}, {},
                          book, consent);
  Quota instances(10);
  net::FixedResolver resolver;
  NoClient client;
  const auto shards = net::ShardGroup::start(1).value();
  std::promise<void> release;
  {
    net::BlockingWorker worker;
    worker.post([ready = release.get_future().share()] { ready.wait(); });
    shards->runOn(0, [&](net::Shard& shard) {
      host::ShardRuntime runtime(shard, 1, instances, resolver, client);
      alignas(PluginGuestHost) std::array<std::byte, sizeof(PluginGuestHost)> place{};
      auto* const host = new (place.data())
          PluginGuestHost(runtime, nullptr, permissions, worker, [](int, std::string_view) {});
      host->startEgress(requestTo(shard, "http", "collector.example.com:4318"));
      host->stop();
      host->~PluginGuestHost();
      std::memset(place.data(), 0, place.size());  // whoever still looks there finds nothing
    });
    release.set_value();
  }
  EXPECT_EQ(consent.asked,
            std::vector<std::string>{"connect to http://collector.example.com:4318"});
}

}  // namespace
}  // namespace nimbus::plugin
