#include "capability/config/config.h"

#include "net/test_support.h"
#include "wasi/config/runtime.h"
#include "wasi/config/store.h"
#include "wrpc/link.h"

namespace nimbus::config {
namespace {

class ConfigTest : public net::ShardTest {
 protected:
  // Runs `work` with a client of that draft.
  template <typename Client>
  void with(std::shared_ptr<wrpc::Invoker> invoker,
            std::move_only_function<Task<void>(Client&, const wrpc::CallContext&)> work) {
    run([&](net::Shard& shard) -> Task<void> {
      const auto consumer = std::make_shared<const wrpc::Consumer>();
      const auto session = invoker->open(shard, consumer);
      auto client = Client::connect(*invoker, *session);
      EXPECT_TRUE(client);
      co_await work(**client, {*consumer, {}, {}});
    });
  }
};

using Runtime = contract::wasi::config::runtime::Client;
using Store = contract::wasi::config::store::Client;

TEST_F(ConfigTest, BothDraftsTellTheValues) {
  const auto invoker = serveConfig({{"b", "2"}, {"a", "1"}});
  const auto check = [](auto& client, const wrpc::CallContext& context) -> Task<void> {
    EXPECT_EQ((co_await client.get(context, "a")).value().value(), "1");
    EXPECT_EQ((co_await client.get(context, "none")).value().value(), std::nullopt);
    const auto all = co_await client.getAll(context);
    EXPECT_EQ(all->value(),
              (std::vector<std::tuple<std::string, std::string>>{{"a", "1"}, {"b", "2"}}));
  };
  with<Store>(invoker, check);
  with<Runtime>(invoker, check);
}

TEST_F(ConfigTest, ALinkReplacesTheValuesUnderAnOpenSession) {
  const auto link = std::make_shared<wrpc::Link>(serveConfig({{"a", "old"}}));
  with<Store>(link, [&](Store& client, const wrpc::CallContext& context) -> Task<void> {
    EXPECT_EQ((co_await client.get(context, "a")).value().value(), "old");
    link->swap(serveConfig({{"a", "new"}}));
    EXPECT_EQ((co_await client.get(context, "a")).value().value(), "new");
  });
}

}  // namespace
}  // namespace nimbus::config
