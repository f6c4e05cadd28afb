#include "dev/workload_parts.h"

#include <gmock/gmock.h>

#include "dev/test_support.h"
#include "wit/tools.h"

namespace nimbus::dev {
namespace {

using Names = std::vector<std::string>;

constexpr std::string_view kHandler = "wasi:http/incoming-handler@0.2.0";
constexpr std::string_view kBlobs = "wasi:blobstore/container@0.2.0-draft";

wit::ExternName instance(std::string_view name, std::string_view implements = {}) {
  return {.name = std::string(name),
          .kind = "instance",
          .parts = wit::parseInterfaceName(implements.empty() ? name : implements),
          .implements = std::string(implements)};
}

ComponentPart part(const Names& imports, const Names& exports = {std::string(kHandler)}) {
  ComponentPart part{.path = "/p/app.wasm", .digest = "sha256:00", .info = {}};
  for (const std::string& name : imports) part.info.imports.push_back(instance(name));
  for (const std::string& name : exports) {
    part.info.exports.push_back(instance(name));
    if (name == kHandler) part.info.incoming_handler_version = "0.2.0";
  }
  return part;
}

DevPlan planOf(const Names& components) {
  DevPlan plan;
  for (const std::string& name : components) plan.components.emplace_back().spec.name = name;
  return plan;
}

Result<host::WorkloadSpec> assembleWorkload(const DevPlan& plan,
                                            std::span<const ComponentPart> parts,
                                            std::span<const DevPlugin> plugins) {
  auto workloads = assembleWorkloads(plan, parts, plugins);
  if (!workloads) return std::unexpected(std::move(workloads).error());
  return std::move(workloads->app);
}

// With the last one as a host plugin.
DevPlan planWithHostPlugin(const Names& components) {
  DevPlan plan = planOf(components);
  plan.components.back().host_plugin = true;
  plan.components.back().spec.shared.emplace();
  return plan;
}

host::HostInterface entryOf(std::string namespace_name, std::string package, std::string provider) {
  host::HostInterface entry;
  entry.namespace_name = std::move(namespace_name);
  entry.package = std::move(package);
  entry.provider = std::move(provider);
  return entry;
}

Names componentsOf(const host::WorkloadSpec& spec) {
  Names names;
  for (const auto& component : spec.components) names.push_back(component.name);
  return names;
}

constexpr std::string_view kKeyvalue = "wasi:keyvalue/store@0.2.0-draft";

class WorkloadPartsTest : public ::testing::Test {
 protected:
  WorkloadPartsTest() {
    const auto wasm = wit::watToWasm("(component)", "test");
    folder_.write("plugin.wasm", wasm->text());
  }
  [[nodiscard]] DevPlugin plugin(std::string name, Names exports) const {
    DevPlugin plugin;
    plugin.name = std::move(name);
    plugin.component_path = folder_.path("plugin.wasm");
    plugin.exports = std::move(exports);
    return plugin;
  }
  ProjectFolder folder_;
};

TEST_F(WorkloadPartsTest, TheFirstComponentThatServesHttpGetsEverything) {
  const std::vector<ComponentPart> parts{part({}, {"a:b/c"}), part({}), part({})};
  const auto spec = assembleWorkload(planOf({"lib", "web", "more"}), parts, {});
  ASSERT_TRUE(spec) << spec.error().describe();
  ASSERT_EQ(spec->routes.size(), 1U);
  EXPECT_EQ(spec->routes[0].component, "web");
  EXPECT_EQ(spec->routes[0].path, "/");
  EXPECT_EQ(spec->components[1].file, "/p/app.wasm");
  EXPECT_EQ(spec->components[1].digest, "sha256:00");
}

TEST_F(WorkloadPartsTest, RoutesOfThePlanStay) {
  DevPlan plan = planOf({"web"});
  plan.routes.push_back({.host = "a.test", .path = "/", .methods = {}, .component = "web"});
  const auto spec = assembleWorkload(plan, std::vector{part({})}, {});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->routes, plan.routes);
}

TEST_F(WorkloadPartsTest, WithoutHttpThereIsNothingToServe) {
  const auto spec = assembleWorkload(planOf({"tool"}), std::vector{part({}, {"wasi:cli/run"})}, {});
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(spec.error().message().contains("\"tool\"")) << spec.error().message();
}

TEST_F(WorkloadPartsTest, AServiceIsNoComponent) {
  const std::vector<ComponentPart> parts{part({"wasi:keyvalue/store@0.2.0-draft"}, {"a:b/c"}),
                                         part({})};
  DevPlan plan = planOf({"watch", "web"});
  plan.components[0].service = true;
  plan.service_ports = {
      {.name = "cache", .port = 6379, .published_at = "127.0.0.1:16379", .origin = "a"}};
  plan.max_inbound_connections = 7;
  const auto spec = assembleWorkload(plan, parts, {});
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), Names{"web"});
  ASSERT_TRUE(spec->service);
  EXPECT_EQ(spec->service->component.name, "watch");
  EXPECT_EQ(spec->service->component.file, "/p/app.wasm");
  EXPECT_EQ(spec->service->max_restarts, std::nullopt);
  EXPECT_EQ(spec->service->ports, plan.service_ports);
  EXPECT_EQ(spec->service->max_inbound_connections, 7U);
  EXPECT_EQ(spec->routes.at(0).component, "web");
  EXPECT_EQ(spec->host_interfaces.at(0).provider, "keyvalue-memory");
}

TEST_F(WorkloadPartsTest, AServiceAloneNeedsNoHttp) {
  const std::vector<ComponentPart> parts{part({}, {"wasi:cli/run@0.2.0"})};
  DevPlan plan = planOf({"watch"});
  plan.components[0].service = true;
  const auto spec = assembleWorkload(plan, parts, {});
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_TRUE(spec->components.empty());
  EXPECT_TRUE(spec->routes.empty());
}

TEST_F(WorkloadPartsTest, RequestsGoToAServiceThatServesHttpIfNothingElseDoes) {
  DevPlan plan = planOf({"watch", "web"});
  plan.components[0].service = true;
  const ComponentPart web = part({});
  const auto alone = assembleWorkload(plan, std::vector{web, part({}, {"a:b/c"})}, {});
  ASSERT_TRUE(alone) << alone.error().describe();
  EXPECT_EQ(alone->routes.at(0).component, "watch");
  const auto both = assembleWorkload(plan, std::vector{web, web}, {});
  ASSERT_TRUE(both) << both.error().describe();
  EXPECT_EQ(both->routes.at(0).component, "web");
}

TEST_F(WorkloadPartsTest, WhatOnlyTheServiceExportsIsLookedForElsewhere) {
  const std::vector<ComponentPart> parts{part({"a:b/c"}), part({}, {"a:b/c"})};
  DevPlan plan = planOf({"web", "watch"});
  plan.components[1].service = true;
  const std::vector<DevPlugin> plugins{plugin("p", {"a:b/c"})};
  const auto spec = assembleWorkload(plan, parts, plugins);
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), (Names{"web", "plugin-p"}));
}

TEST_F(WorkloadPartsTest, KeyValueIsInMemoryUnlessAPathIsGiven) {
  DevPlan plan = planOf({"web"});
  const std::vector<ComponentPart> parts{
      part({"wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/atomics@0.2.0-draft"})};
  const auto in_memory = assembleWorkload(plan, parts, {});
  ASSERT_TRUE(in_memory);
  ASSERT_EQ(in_memory->host_interfaces.size(), 1U);
  EXPECT_EQ(in_memory->host_interfaces[0].provider, "keyvalue-memory");
  plan.server.keyvalue_path = "/p/data.db";
  EXPECT_EQ(assembleWorkload(plan, parts, {})->host_interfaces[0].provider, "keyvalue-sqlite");
  plan.server.keyvalue_nats_url = "nats://a";
  EXPECT_EQ(assembleWorkload(plan, parts, {})->host_interfaces[0].provider, "keyvalue-nats");
}

TEST_F(WorkloadPartsTest, ARedisServerComesBeforeADatabase) {
  DevPlan plan = planOf({"web"});
  plan.server.keyvalue_path = "/p/data.db";
  plan.server.keyvalue_redis_url = "redis://a";
  const std::vector<ComponentPart> parts{part({"wasi:keyvalue/store@0.2.0-draft"})};
  EXPECT_EQ(assembleWorkload(plan, parts, {})->host_interfaces.at(0).provider, "keyvalue-redis");
}

TEST_F(WorkloadPartsTest, AnEntryForKeyValueWithoutAProviderHasTheEmbeddedOne) {
  DevPlan plan = planOf({"web"});
  plan.server.keyvalue_path = "/p/data.db";
  plan.host_interfaces.emplace_back().namespace_name = "wasi";
  plan.host_interfaces[0].package = "keyvalue";
  plan.host_interfaces[0].interfaces = {"store"};
  const std::vector<ComponentPart> parts{part({"wasi:keyvalue/store@0.2.0-draft"})};
  EXPECT_EQ(assembleWorkload(plan, parts, {})->host_interfaces.at(0).provider, "keyvalue-sqlite");
}

TEST_F(WorkloadPartsTest, AnEntryOfThePlanComesBeforeTheDefault) {
  DevPlan plan = planOf({"web"});
  host::HostInterface& entry = plan.host_interfaces.emplace_back();
  entry.namespace_name = "wasi";
  entry.package = "keyvalue";
  entry.provider = "unix:/kv.sock";
  const auto spec =
      assembleWorkload(plan, std::vector{part({"wasi:keyvalue/store@0.2.0-draft"})}, {});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->host_interfaces, plan.host_interfaces);
}

TEST_F(WorkloadPartsTest, AStoreUnderALabelIsBoundUnderItsName) {
  ComponentPart web = part({});
  web.info.imports.push_back(instance("sessions", "wasi:keyvalue/store@0.2.0-draft"));
  const auto spec = assembleWorkload(planOf({"web"}), std::vector{web}, {});
  ASSERT_TRUE(spec);
  ASSERT_EQ(spec->host_interfaces.size(), 1U);
  EXPECT_EQ(spec->host_interfaces[0].name, "sessions");
}

TEST_F(WorkloadPartsTest, APluginServesWhatNobodyElseDoes) {
  const std::vector plugins{plugin("blobs", {std::string(kBlobs)}),
                            plugin("other", {"x:y/z@1.0.0"})};
  const auto spec =
      assembleWorkload(planOf({"web"}), std::vector{part({std::string(kBlobs)})}, plugins);
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), (Names{"web", "plugin-blobs"}));
}

TEST_F(WorkloadPartsTest, APluginNobodyNeedsIsNoPartOfIt) {
  const std::vector plugins{plugin("blobs", {std::string(kBlobs)})};
  const auto spec = assembleWorkload(planOf({"web"}), std::vector{part({})}, plugins);
  ASSERT_TRUE(spec);
  EXPECT_EQ(componentsOf(*spec), Names{"web"});
}

TEST_F(WorkloadPartsTest, StableVersionsMatchWhereTheyAreCompatibleAndDraftsExactly) {
  const auto served = [&](std::string import, std::string exported) {
    const std::vector plugins{plugin("p", {std::move(exported)})};
    const auto spec =
        assembleWorkload(planOf({"web"}), std::vector{part({std::move(import)})}, plugins);
    return spec && spec->components.size() == 2;
  };
  EXPECT_TRUE(served("x:y/z@1.2.0", "x:y/z@1.5.3"));
  EXPECT_TRUE(served("x:y/z@0.2.1", "x:y/z@0.2.0"));
  EXPECT_FALSE(served("x:y/z@1.2.0", "x:y/z@2.0.0"));
  EXPECT_FALSE(served("x:y/z@0.2.0", "x:y/z@0.3.0"));
  EXPECT_FALSE(served("x:y/z@0.2.0-draft", "x:y/z@0.2.0"));
  EXPECT_FALSE(served("x:y/z@0.2.0-draft", "x:y/z@0.2.0-draft2"));
  EXPECT_TRUE(served("x:y/z@0.2.0-draft", "x:y/z@0.2.0-draft"));
}

TEST_F(WorkloadPartsTest, OtherComponentsAndTheHostComeBeforePlugins) {
  const std::vector plugins{plugin(
      "p", {"x:y/z@1.0.0", "wasi:keyvalue/store@0.2.0-draft", "wasi:cli/environment@0.2.0"})};
  const auto spec = assembleWorkload(
      planOf({"web", "lib"}),
      std::vector{
          part({"x:y/z@1.0.0", "wasi:keyvalue/store@0.2.0-draft", "wasi:cli/environment@0.2.0"}),
          part({}, {"x:y/z@1.0.0"})},
      plugins);
  ASSERT_TRUE(spec);
  EXPECT_EQ(componentsOf(*spec), (Names{"web", "lib"}));
}

TEST_F(WorkloadPartsTest, TwoPluginsForOneImportAreAnErrorThatSaysHowToChoose) {
  const std::vector plugins{plugin("one", {std::string(kBlobs)}),
                            plugin("two", {std::string(kBlobs)})};
  DevPlan plan = planOf({"web"});
  const std::vector<ComponentPart> parts{part({std::string(kBlobs)})};
  const auto refused = assembleWorkload(plan, parts, plugins);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message().contains("one, two")) << refused.error().message();
  EXPECT_TRUE(refused.error().message().contains("provider: component:plugin-one"));

  host::HostInterface& entry = plan.host_interfaces.emplace_back();
  entry.namespace_name = "wasi";
  entry.package = "blobstore";
  entry.provider = "component:plugin-two";
  const auto spec = assembleWorkload(plan, parts, plugins);
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), (Names{"web", "plugin-two"}));

  DevPlugin given = plugins[1];
  given.given = "plugin-2";
  const auto bound = assembleWorkload(plan, parts, std::vector{plugins[0], given});
  ASSERT_TRUE(bound) << bound.error().describe();
  EXPECT_EQ(componentsOf(*bound), Names{"web"});
  EXPECT_EQ(bound->host_interfaces[0].provider, "given:plugin-2");
}

TEST_F(WorkloadPartsTest, APluginSeesItsOwnFolderAndItsConfiguration) {
  DevPlugin blobs = plugin("blobs", {std::string(kBlobs)});
  blobs.folders = {{folder_.path(), "/plugin_data", false}, {folder_.path(), "/tmp", false}};
  blobs.config = {{"a", "b"}};
  const auto spec = assembleWorkload(planOf({"web"}), std::vector{part({std::string(kBlobs)})},
                                     std::vector{blobs});
  ASSERT_TRUE(spec);
  ASSERT_EQ(spec->volumes.size(), 2U);
  EXPECT_EQ(spec->volumes[0].host_path, folder_.path());
  EXPECT_EQ(spec->volumes[1].host_path, folder_.path());
  const host::LocalResources& resources = spec->components[1].local_resources;
  ASSERT_EQ(resources.volume_mounts.size(), 2U);
  EXPECT_EQ(resources.volume_mounts[0].mount_path, "/plugin_data");
  EXPECT_EQ(resources.volume_mounts[1].mount_path, "/tmp");
  EXPECT_EQ(resources.config, blobs.config);
  EXPECT_TRUE(resources.allowed_hosts.empty());
}

TEST_F(WorkloadPartsTest, WhatPluginsNeedIsHeldForThoseThatServe) {
  DevPlugin composed = plugin("blobs", {std::string(kBlobs)});
  DevPlugin called = plugin("called", {"p:q/r"});
  called.given = "called";
  DevPlugin idle = plugin("idle", {"x:y/z"});
  std::vector<std::shared_ptr<const int>> needed;
  for (DevPlugin* each : {&composed, &called, &idle})
    each->held.things.push_back(needed.emplace_back(std::make_shared<const int>()));
  const std::vector plugins{std::move(composed), std::move(called), std::move(idle)};
  const auto workloads = assembleWorkloads(
      planOf({"web"}), std::vector{part({std::string(kBlobs), "p:q/r"})}, plugins);
  ASSERT_TRUE(workloads) << workloads.error().describe();
  EXPECT_EQ(workloads->held.things,
            (std::vector<std::shared_ptr<const void>>{needed[0], needed[1]}));
}

TEST_F(WorkloadPartsTest, APluginSeesTheFoldersAndHostsThatWereAgreedTo) {
  DevPlugin blobs = plugin("blobs", {std::string(kBlobs)});
  blobs.folders = {{"/data", "/data", true}};
  blobs.allowed_hosts = {"http://localhost:80"};
  blobs.allowed_loopback_ports = {"80"};
  const auto spec = assembleWorkload(planOf({"web"}), std::vector{part({std::string(kBlobs)})},
                                     std::vector{blobs});
  ASSERT_TRUE(spec);
  const host::LocalResources& resources = spec->components[1].local_resources;
  ASSERT_EQ(resources.volume_mounts.size(), 1U);
  EXPECT_EQ(resources.volume_mounts[0].mount_path, "/data");
  EXPECT_TRUE(resources.volume_mounts[0].read_only);
  EXPECT_EQ(resources.allowed_hosts, blobs.allowed_hosts);
  EXPECT_EQ(resources.allowed_host_loopback_ports, blobs.allowed_loopback_ports);
}

TEST_F(WorkloadPartsTest, WhatIsGivenIsBoundOnceForAPackage) {
  DevPlugin blobs;
  blobs.name = "blobs";
  blobs.given = "plugin-1a";
  blobs.exports = {"a:b/c@1.2.0", "a:b/d@1.2.0", "a:e/f@0.1.0-draft"};
  const auto spec = assembleWorkload(
      planOf({"web"}), std::vector{part({"a:b/c@1.1.0", "a:b/d@1.1.0", "a:e/f@0.1.0-draft"})},
      std::vector{blobs});
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), Names{"web"});
  ASSERT_EQ(spec->host_interfaces.size(), 2U);
  const host::HostInterface& entry = spec->host_interfaces[0];
  EXPECT_EQ(entry.package, "b");
  EXPECT_EQ(entry.interfaces, (Names{"c", "d"}));
  EXPECT_EQ(entry.version, "1.1.0");
  EXPECT_EQ(entry.provider, "given:plugin-1a");
}

TEST_F(WorkloadPartsTest, RequestsArePassedOnToPluginsTheyAreComponentsOrNot) {
  const std::string handler = "wasi:http/incoming-handler@0.2.6";
  const std::vector<ComponentPart> parts{part({handler})};
  DevPlugin answers = plugin("answers", {"wasi:http/incoming-handler@0.2.0"});
  const auto spec = assembleWorkload(planOf({"web"}), parts, std::vector{answers});
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), (Names{"web", "plugin-answers"}));
  ASSERT_EQ(spec->routes.size(), 1U);
  EXPECT_EQ(spec->routes[0].component, "web");

  answers.given = "plugin-1";
  const auto given = assembleWorkload(planOf({"web"}), parts, std::vector{answers});
  ASSERT_TRUE(given) << given.error().describe();
  EXPECT_EQ(componentsOf(*given), Names{"web"});
  ASSERT_EQ(given->host_interfaces.size(), 1U);
  EXPECT_EQ(given->host_interfaces[0].provider, "given:plugin-1");
  EXPECT_EQ(given->host_interfaces[0].interfaces, Names{"incoming-handler"});
  EXPECT_TRUE(host::checkRunnable(*given));
}

TEST_F(WorkloadPartsTest, WhatAPluginImportsIsGivenToo) {
  DevPlugin contract;
  contract.name = "wash";
  contract.given = "contracts";
  contract.exports = {"x:wash/types@0.0.2"};
  folder_.write(
      "plugin.wasm",
      wit::watToWasm("(component (import \"x:wash/types@0.0.2\" (instance)))", "test")->text());
  const auto spec = assembleWorkload(planOf({"web"}), std::vector{part({std::string(kBlobs)})},
                                     std::vector{contract, plugin("blobs", {std::string(kBlobs)})});
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(componentsOf(*spec), (Names{"web", "plugin-blobs"}));
  ASSERT_EQ(spec->host_interfaces.size(), 1U);
  EXPECT_EQ(spec->host_interfaces[0].provider, "given:contracts");
}

TEST_F(WorkloadPartsTest, APluginThatCannotBeReadIsNamed) {
  DevPlugin blobs = plugin("blobs", {std::string(kBlobs)});
  blobs.component_path = folder_.path("missing.wasm");
  const auto spec = assembleWorkload(planOf({"web"}), std::vector{part({std::string(kBlobs)})},
                                     std::vector{blobs});
  ASSERT_FALSE(spec);
  EXPECT_TRUE(spec.error().describe().contains("plugin blobs"));
}

TEST_F(WorkloadPartsTest, ABinaryThatIsNotTheInstalledOneIsRefused) {
  DevPlugin blobs = plugin("blobs", {std::string(kBlobs)});
  const std::vector parts{part({std::string(kBlobs)})};
  blobs.digest = readPart(blobs.component_path)->digest;
  EXPECT_TRUE(assembleWorkload(planOf({"web"}), parts, std::vector{blobs}));
  blobs.digest.back() = blobs.digest.back() == '0' ? '1' : '0';
  const auto spec = assembleWorkload(planOf({"web"}), parts, std::vector{blobs});
  ASSERT_FALSE(spec);
  EXPECT_TRUE(spec.error().describe().contains("not what was installed"));
}

TEST(ReadPartTest, GivesTheDigestAndWhatItIs) {
  const ProjectFolder folder;
  folder.write("a.wasm", wit::watToWasm("(component)", "test")->text());
  const auto part = readPart(folder.path("a.wasm"));
  ASSERT_TRUE(part) << part.error().describe();
  EXPECT_TRUE(part->digest.starts_with("sha256:"));
  EXPECT_EQ(readPart(folder.path("missing")).error().code(), ErrorCode::kNotFound);
  folder.write("text", "no component");
  const auto broken = readPart(folder.path("text"));
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().describe().contains(folder.path("text")));
}

TEST_F(WorkloadPartsTest, AHostPluginIsAWorkloadOfItsOwn) {
  DevPlan plan = planWithHostPlugin({"web", "back"});
  plan.volumes = {{.name = "v", .host_path = "/v"}};
  const std::vector<ComponentPart> parts{
      part({"a:b/c@1.0.0", "a:b/d@1.0.0"}),
      part({std::string(kKeyvalue)}, {"a:b/c@1.1.0", "a:b/d@1.1.0"})};
  const auto made = assembleWorkloads(plan, parts, {});
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(componentsOf(made->app), Names{"web"});
  ASSERT_EQ(made->app.host_interfaces.size(), 1U);
  const host::HostInterface& bound = made->app.host_interfaces[0];
  EXPECT_EQ(bound.provider, "workload:host-plugin-back/back");
  EXPECT_EQ(host::packageOf(bound), "a:b");
  EXPECT_EQ(bound.interfaces, (Names{"c", "d"}));
  ASSERT_EQ(made->host_plugins.size(), 1U);
  const host::WorkloadSpec& back = made->host_plugins[0];
  EXPECT_EQ(back.name, "host-plugin-back");
  EXPECT_EQ(componentsOf(back), Names{"back"});
  EXPECT_TRUE(back.components[0].shared);
  EXPECT_EQ(back.host_interfaces.at(0).provider, "keyvalue-memory");
  EXPECT_TRUE(back.volumes.empty());
  EXPECT_TRUE(back.routes.empty());
}

TEST_F(WorkloadPartsTest, AHostPluginForRequestsIsAComponent) {
  const std::vector<ComponentPart> parts{part({std::string(kHandler)}), part({})};
  const auto made = assembleWorkloads(planWithHostPlugin({"web", "behind"}), parts, {});
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(componentsOf(made->app), (Names{"web", "behind"}));
  EXPECT_TRUE(made->app.host_interfaces.empty());
  EXPECT_EQ(made->app.routes.at(0).component, "web");
  EXPECT_TRUE(made->host_plugins.empty());

  const auto both = assembleWorkloads(planWithHostPlugin({"web", "behind"}),
                                      std::vector{part({std::string(kHandler), "a:b/c"}),
                                                  part({}, {std::string(kHandler), "a:b/c"})},
                                      {});
  ASSERT_TRUE(both) << both.error().describe();
  EXPECT_EQ(componentsOf(both->app), (Names{"web", "behind"}));
  EXPECT_EQ(both->app.host_interfaces.at(0).provider, "workload:host-plugin-behind/behind");
  EXPECT_EQ(both->host_plugins.size(), 1U);
}

TEST_F(WorkloadPartsTest, SeveralHostPluginsAreChosenFrom) {
  DevPlan plan = planWithHostPlugin({"web", "one", "two"});
  plan.components[1].host_plugin = true;
  const std::vector<ComponentPart> parts{part({"a:b/c"}), part({}, {"a:b/c"}), part({}, {"a:b/c"})};
  const auto refused = assembleWorkloads(plan, parts, {});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message().contains("one, two; choose one"))
      << refused.error().message();

  plan.host_interfaces = {entryOf("a", "b", "component:two"), entryOf("x", "y", "unix:/s")};
  const auto chosen = assembleWorkloads(plan, parts, {});
  ASSERT_TRUE(chosen) << chosen.error().describe();
  EXPECT_EQ(chosen->app.host_interfaces.at(0).provider, "workload:host-plugin-two/two");
  EXPECT_EQ(chosen->app.host_interfaces.size(), 2U);
  ASSERT_EQ(chosen->host_plugins.size(), 2U);
  EXPECT_TRUE(chosen->host_plugins[0].host_interfaces.empty()) << "it imports neither";
}

TEST_F(WorkloadPartsTest, HostPluginsThatExportWhatTheyImportAreAChain) {
  DevPlan plan = planWithHostPlugin({"web", "one", "two", "three"});
  plan.components[1].host_plugin = true;
  plan.components[2].host_plugin = true;
  const ComponentPart link = part({"a:b/c"}, {"a:b/c"});
  const std::vector<ComponentPart> parts{part({"a:b/c"}), link, link, part({}, {"a:b/c"})};
  const auto made = assembleWorkloads(plan, parts, {});
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(made->app.host_interfaces.at(0).provider, "workload:host-plugin-one/one");
  ASSERT_EQ(made->host_plugins.size(), 3U);
  EXPECT_EQ(made->host_plugins[0].host_interfaces.at(0).provider, "workload:host-plugin-two/two");
  EXPECT_EQ(made->host_plugins[1].host_interfaces.at(0).provider,
            "workload:host-plugin-three/three");
  EXPECT_TRUE(made->host_plugins[2].host_interfaces.empty());
}

TEST_F(WorkloadPartsTest, APluginWithinAHostPluginsWorkloadHasItsEntries) {
  const auto wasm = wit::watToWasm(
      R"((component (import "wasi:keyvalue/store@0.2.0-draft" (instance))))", "test");
  folder_.write("plugin.wasm", wasm->text());
  DevPlan plan = planWithHostPlugin({"web", "back"});
  plan.host_interfaces = {entryOf("wasi", "keyvalue", "nats:kv"), entryOf("x", "y", "unix:/s")};
  const std::vector<DevPlugin> plugins{plugin("kv", {"p:q/r"})};
  const auto made =
      assembleWorkloads(plan, std::vector{part({}), part({"p:q/r"}, {"a:b/c"})}, plugins);
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(componentsOf(made->app), Names{"web"});
  const host::WorkloadSpec& back = made->host_plugins.at(0);
  EXPECT_EQ(componentsOf(back), (Names{"back", "plugin-kv"}));
  ASSERT_EQ(back.host_interfaces.size(), 1U);
  EXPECT_EQ(back.host_interfaces[0].provider, "nats:kv");
}

TEST_F(WorkloadPartsTest, AComponentInFrontOfAHostPluginComesFirst) {
  const std::vector<ComponentPart> parts{part({"a:b/c"}), part({"a:b/c"}, {"a:b/c"}),
                                         part({}, {"a:b/c"})};
  const auto made = assembleWorkloads(planWithHostPlugin({"web", "cache", "back"}), parts, {});
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(componentsOf(made->app), (Names{"web", "cache"}));
  EXPECT_EQ(made->app.host_interfaces.at(0).provider, "workload:host-plugin-back/back");
}

TEST_F(WorkloadPartsTest, AnotherPackageOfTheHostPluginsOwnIsLeftToThePlan) {
  DevPlan plan = planWithHostPlugin({"web", "back"});
  plan.host_interfaces = {entryOf("wasi", "keyvalue", "nats:kv"),
                          entryOf("a", "b", "component:web")};
  const auto made = assembleWorkloads(
      plan, std::vector{part({}), part({std::string(kKeyvalue), "a:b/c"}, {"a:b/d"})}, {});
  ASSERT_TRUE(made) << made.error().describe();
  // A component of the project's cannot serve it.
  ASSERT_EQ(made->host_plugins.at(0).host_interfaces.size(), 1U);
  EXPECT_EQ(made->host_plugins[0].host_interfaces[0].provider, "nats:kv");
}

TEST(ReadPartTest, TellsWhoWantsToKnowOfEachFileThatChanged) {
  const ProjectFolder folder;
  const auto write = [&](std::string_view name) {
    folder.write("a.wasm", wit::watToWasm(fmt::format("(component ${})", name), "test")->text());
  };
  host::ReadComponents read;
  std::vector<std::string> told;
  read.onInspected([&](const std::string& path, engine::Engine::Inspected& component) {
    told.push_back(path);
    component.wasm = Bytes::copyOf(component.wasm.view());
  });
  const std::string path = folder.path("a.wasm");
  write("one");
  ASSERT_TRUE(readPart(path, &read));
  ASSERT_TRUE(readPart(path, &read));
  EXPECT_EQ(told, std::vector{path});
  write("another");
  const auto part = readPart(path, &read);
  ASSERT_TRUE(part);
  EXPECT_EQ(told, (std::vector{path, path}));
  const auto taken = read.take(part->digest);
  ASSERT_TRUE(taken);
  EXPECT_EQ(engine::digestText(engine::sha256(taken->component.wasm.view())), part->digest);
  ASSERT_TRUE(readPart(path));
  EXPECT_EQ(told.size(), 2) << "nobody keeps it";
}

}  // namespace
}  // namespace nimbus::dev
