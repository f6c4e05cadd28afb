#include "host/bindings/component_bindings.h"

#include <functional>

#include "host/bindings/remote_providers.h"
#include "host/bindings/workload_exports.h"
#include "net/test_support.h"

namespace nimbus::host {
namespace {

constexpr const char* kStore = "wasi:keyvalue/store@0.2.0-draft";
constexpr const char* kAtomics = "wasi:keyvalue/atomics@0.2.0-draft";
constexpr const char* kConfig = "wasi:config/store@0.2.0-rc.1";

class NoSink final : public logging::Sink {
 public:
  void record(const wrpc::Consumer&, logging::Level, std::string_view, std::string_view) override {}
};

HostInterface keyvalue(std::string provider = "keyvalue-memory") {
  HostInterface entry;
  entry.namespace_name = "wasi";
  entry.package = "keyvalue";
  entry.provider = std::move(provider);
  return entry;
}

class ComponentBindingsTest : public net::ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    spec_.name = "shop";
    spec_.components.resize(2);
    spec_.components[0].name = "web";
    spec_.components[1].name = "back";
    providers_ = std::make_unique<Providers>(
        (*group_)[0], ProvidersOptions(),
        std::make_unique<RemoteProviders>((*group_)[0], nullptr, nats::ConnectOptions{}, *log_),
        exports_, *log_);
  }
  void TearDown() override {
    onShard([this] { providers_.reset(); });
    ShardTest::TearDown();
  }

  [[nodiscard]] WantedImport import(const char* interface, std::size_t owner = 0) const {
    return {&spec_.member(owner), interface, interface, interface};
  }
  [[nodiscard]] WantedImport labelled(const char* label, const char* interface) const {
    return {&spec_.components[0], label, interface, label};
  }
  // Where providers are looked for, and watched.
  void onShard(const std::function<void()>& what) {
    run([&](net::Shard&) -> Task<void> {
      what();
      co_return;
    });
  }
  [[nodiscard]] Result<ComponentBindings> bind(std::vector<WantedImport> imports) {
    const auto log_of = [](const ComponentSpec&) { return std::make_shared<NoSink>(); };
    Result<ComponentBindings> bound;
    onShard([&] {
      bound = bindImports({.workload = spec_, .generation = 1, .calls = calls_, .log_of = log_of},
                          imports, *providers_, table_);
    });
    return bound;
  }

  const std::unique_ptr<Logger> log_ = makeNullLogger();
  WorkloadSpec spec_;
  BindingTable table_;
  CallGraph calls_;
  WorkloadExports exports_;
  std::unique_ptr<Providers> providers_;
};

TEST_F(ComponentBindingsTest, ImportsOfOneEntryShareOneBinding) {
  spec_.host_interfaces = {keyvalue()};
  const auto bound = bind({import(kStore), import(kAtomics)});
  ASSERT_TRUE(bound) << bound.error().describe();
  ASSERT_EQ(bound->uses.size(), 1U);
  EXPECT_EQ(bound->imports[0].invoker, bound->imports[1].invoker);
  EXPECT_EQ(bound->imports[0].consumer, bound->imports[1].consumer);
  EXPECT_EQ(bound->imports[0].consumer->workload, "default/shop");
  EXPECT_EQ(bound->imports[0].consumer->component, "web");
  EXPECT_EQ(bound->imports[0].consumer->binding, "default/shop/web/wasi:keyvalue");
}

TEST_F(ComponentBindingsTest, NothingIsServedBeforeItTakesEffect) {
  spec_.host_interfaces = {keyvalue()};
  const auto bound = bind({import(kStore)});
  ASSERT_TRUE(bound);
  const auto link = std::static_pointer_cast<wrpc::Link>(bound->imports[0].invoker);
  EXPECT_EQ(link->target(), nullptr);
  bound->uses[0].takeEffect();
  EXPECT_NE(link->target(), nullptr);
  EXPECT_EQ(bound->uses[0].status().provider, "keyvalue-memory");
  EXPECT_EQ(bound->uses[0].status().generation, 1U);
}

TEST_F(ComponentBindingsTest, ALaterDeploymentKeepsTheLinkAndSwapsWhatChanged) {
  spec_.host_interfaces = {keyvalue()};
  const auto first = bind({import(kStore)});
  first->uses[0].takeEffect();
  const auto target = first->uses[0].binding().link()->target();

  const auto same = bind({import(kStore)});
  same->uses[0].takeEffect();
  EXPECT_EQ(same->imports[0].invoker, first->imports[0].invoker);
  EXPECT_EQ(same->uses[0].binding().link()->target(), target);
  EXPECT_EQ(same->uses[0].status().generation, 1U);

  spec_.host_interfaces[0].config = {{"max-keys", "10"}};
  const auto changed = bind({import(kStore)});
  EXPECT_EQ(changed->imports[0].invoker, first->imports[0].invoker);
  EXPECT_EQ(changed->uses[0].binding().link()->target(), target) << "only when it takes effect";
  changed->uses[0].takeEffect();
  EXPECT_NE(changed->uses[0].binding().link()->target(), target);
  EXPECT_EQ(changed->uses[0].status().generation, 2U);
}

TEST_F(ComponentBindingsTest, ABindingGoesWithItsLastDeployment) {
  spec_.host_interfaces = {keyvalue()};
  std::weak_ptr<wrpc::Link> link;
  {
    const auto bound = bind({import(kStore)});
    link = bound->uses[0].binding().link();
    EXPECT_FALSE(link.expired());
  }
  EXPECT_TRUE(link.expired());
}

TEST_F(ComponentBindingsTest, NamesEveryMissingImportAndWhatWouldProvideIt) {
  const auto bound = bind({import(kStore), import("acme:stock/items@1.0.0", 1), import(kConfig)});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(
      bound.error().message(),
      "component \"web\" imports wasi:keyvalue/store@0.2.0-draft, which nothing provides: add "
      "to hostInterfaces: {namespace: wasi, package: keyvalue, interfaces: [store], "
      "provider: keyvalue-sqlite}; component \"back\" imports acme:stock/items@1.0.0, which "
      "nothing provides: add to hostInterfaces: {namespace: acme, package: stock, interfaces: "
      "[items], provider: unix:PATH} (or tcp:HOST:PORT, nats:PREFIX)");
}

TEST_F(ComponentBindingsTest, CallsAServiceWhoseImportIsMissingAService) {
  spec_.service.emplace().component.name = "watch";
  const auto bound = bind({import(kStore, 2)});
  ASSERT_FALSE(bound);
  EXPECT_TRUE(bound.error().message().starts_with("service \"watch\" imports wasi:keyvalue/store"))
      << bound.error().message();
}

HostInterface ofTheWorld(std::vector<std::string> interfaces, std::string provider) {
  HostInterface entry;
  entry.interfaces = std::move(interfaces);
  entry.provider = std::move(provider);
  return entry;
}

TEST_F(ComponentBindingsTest, WhatAWorldDefinesItselfGoesToAnEntryWithoutAPackage) {
  const auto missing = bind({import("stock"), import("")});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(),
            "component \"web\" imports stock, which nothing provides: add to hostInterfaces: "
            "{interfaces: [stock], provider: unix:PATH} (or tcp:HOST:PORT, nats:PREFIX); component "
            "\"web\" imports functions of its world, which nothing provides: add to "
            "hostInterfaces: {provider: unix:PATH} (or tcp:HOST:PORT, nats:PREFIX)");

  spec_.host_interfaces = {ofTheWorld({"stock"}, "unix:/tmp/stock.sock")};
  const auto one = bind({import("stock")});
  ASSERT_TRUE(one) << one.error().describe();
  EXPECT_EQ(one->imports[0].consumer->binding, "default/shop/web/world/stock");
  EXPECT_FALSE(bind({import("stock"), import("")}));
  EXPECT_FALSE(bind({import("acme:stock/stock@1.0.0")})) << "that is another";

  spec_.host_interfaces = {ofTheWorld({}, "unix:/tmp/all.sock")};
  const auto all = bind({import("stock"), import("")});
  ASSERT_TRUE(all) << all.error().describe();
  EXPECT_EQ(all->imports[0].invoker, all->imports[1].invoker);
}

TEST_F(ComponentBindingsTest, AnImportUnderALabelGoesToTheEntryOfThatName) {
  HostInterface cache = keyvalue();
  cache.name = "cache";
  spec_.host_interfaces = {keyvalue(), cache};
  const auto bound = bind({import(kStore), labelled("cache", kStore)});
  ASSERT_TRUE(bound) << bound.error().describe();
  EXPECT_NE(bound->imports[0].invoker, bound->imports[1].invoker);
  EXPECT_EQ(bound->imports[1].consumer->link_name, "cache");
  EXPECT_EQ(bound->imports[1].consumer->binding, "default/shop/web/wasi:keyvalue#cache");
  const auto missing = bind({labelled("other", kStore)});
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().message().contains("(as \"other\")"));
  EXPECT_TRUE(missing.error().message().ends_with("with name: other"));
}

TEST_F(ComponentBindingsTest, ConfigurationNeedsNoEntryAndIsEachComponentsOwn) {
  spec_.components[0].local_resources.config = {{"a", "1"}};
  const auto bound = bind({import(kConfig, 0), import(kConfig, 1)});
  ASSERT_TRUE(bound) << bound.error().describe();
  EXPECT_EQ(bound->uses.size(), 2U);
  EXPECT_NE(bound->imports[0].invoker, bound->imports[1].invoker);
  EXPECT_EQ(bound->imports[1].consumer->component, "back");
}

TEST_F(ComponentBindingsTest, EachWorkloadHasAKeyspaceOfItsOwnUnlessItNamesOne) {
  WorkloadSpec other = spec_;
  other.name = "blog";
  HostInterface entry = keyvalue();
  EXPECT_EQ(keyspaceOf(spec_, entry), "workload/default/shop");
  EXPECT_NE(keyspaceOf(spec_, entry), keyspaceOf(other, entry));
  EXPECT_EQ(bucketPrefixOf(spec_, entry), "workload/default/shop/");
  entry.name = "cache";
  EXPECT_EQ(keyspaceOf(spec_, entry), "workload/default/shop/cache");
  entry.config = {{"keyspace", "orders"}, {"bucket-prefix", ""}};
  EXPECT_EQ(keyspaceOf(spec_, entry), "shared/default/orders");
  EXPECT_EQ(keyspaceOf(spec_, entry), keyspaceOf(other, entry));
  EXPECT_EQ(bucketPrefixOf(spec_, entry), "");
}

}  // namespace
}  // namespace nimbus::host
