#include "plugin/served_plugins.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "engine/digest.h"
#include "net/resolver.h"
#include "plugin/test_support.h"
#include "wit/tools.h"

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

constexpr const char* kComponent = R"((component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f")))))";

// One plugin, which is never called.
class ServedPluginsTest : public ::testing::Test {
 protected:
  ServedPluginsTest() {
    const auto wasm = wit::watToWasm(kComponent, "test").value();
    plugin_.info = infoNamed("otel");
    plugin_.digest = engine::digestText(engine::sha256(wasm.view()));
    plugin_.wasm_path = folder_.path("otel.wasm");
    std::ofstream(plugin_.wasm_path, std::ios::binary) << wasm.text();
    PluginRuntimeOptions options;
    options.plugins_folder = folder_.path("plugins");
    runtime_.emplace(std::move(options), runner_, consent_, *log_, clock_);
    shards_->runOn(0, [&](net::Shard& shard) {
      shard_.emplace(shard, 1, instances_, resolver_, client_);
      served_.emplace(ServedPlugins::Parts{*runtime_, *engine_, *shard_, context_, *log_});
    });
  }
  ~ServedPluginsTest() override {
    shards_->runOn(0, [&](net::Shard&) {
      served_->end();
      served_.reset();
      shard_.reset();
    });
  }
  // Its name.
  std::string add() {
    auto standing = runtime_->standing(plugin_).value();
    const std::string name = ServedPlugins::nameOf(*standing);
    const auto added = served_->add(std::move(standing));
    EXPECT_TRUE(added) << added.error().describe();
    return name;
  }
  [[nodiscard]] bool isThere(const std::string& name) {
    shards_->runOn(0, [](net::Shard&) {});  // what was posted before has been done
    return served_->find(name).has_value();
  }

  TemporaryFolder folder_;
  SystemProcessRunner runner_;
  FakeConsent consent_;
  std::unique_ptr<Logger> log_ = makeNullLogger();
  SystemClock clock_;
  HookContext context_;
  Plugin plugin_;
  std::optional<PluginRuntime> runtime_;
  std::unique_ptr<engine::Engine> engine_ = engine::Engine::create({}, *log_).value();
  Quota instances_{10};
  net::FixedResolver resolver_;
  NoClient client_;
  std::unique_ptr<net::ShardGroup> shards_ = net::ShardGroup::start(1).value();
  std::optional<host::ShardRuntime> shard_;
  std::optional<ServedPlugins> served_;
};

TEST_F(ServedPluginsTest, OneThatNobodyWantsEndsWithItsLastUser) {
  const std::string name = add();
  std::optional<host::Given> first = served_->find(name).value();
  std::optional<host::Given> second = served_->find(name).value();
  EXPECT_EQ(first->invoker, second->invoker);
  served_->keepOnly({});
  first.reset();
  EXPECT_TRUE(isThere(name));
  second.reset();
  EXPECT_FALSE(isThere(name));
}

TEST_F(ServedPluginsTest, OneThatIsWantedIsThereWithoutUsers) {
  const std::string name = add();
  EXPECT_TRUE(isThere(name));
  served_->keepOnly({name});
  EXPECT_TRUE(isThere(name));
  EXPECT_TRUE(isThere(name));
}

TEST_F(ServedPluginsTest, OneThatIsWantedAgainOutlivesItsUsers) {
  const std::string name = add();
  std::optional<host::Given> user = served_->find(name).value();
  served_->keepOnly({});
  served_->keepOnly({name});
  user.reset();
  EXPECT_TRUE(isThere(name));
  served_->keepOnly({});
  EXPECT_FALSE(isThere(name));
}

TEST_F(ServedPluginsTest, AUserMayOutliveThemAll) {
  const std::string name = add();
  std::optional<host::Given> user = served_->find(name).value();
  shards_->runOn(0, [&](net::Shard&) { served_->end(); });
  user.reset();
  EXPECT_FALSE(isThere(name));
}

}  // namespace
}  // namespace nimbus::plugin
