#include "host/deploy/composition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kP2 = "wasi:http/incoming-handler@0.2.3";
constexpr const char* kP3 = "wasi:http/handler@0.3.0";

wit::ExternName name(std::string text) {
  wit::InterfaceName parts = wit::parseInterfaceName(text);
  return {std::move(text), "instance", std::move(parts), ""};
}

// A workload that is described component by component.
class Workload {
 public:
  Workload& add(std::string component, std::vector<std::string> imports,
                std::vector<std::string> exports) {
    spec.components.emplace_back().name = std::move(component);
    return describe(std::move(imports), std::move(exports));
  }
  // After the components.
  Workload& service(std::vector<std::string> imports, std::vector<std::string> exports) {
    spec.service.emplace().component.name = "watch";
    return describe(std::move(imports), std::move(exports));
  }
  Workload& describe(std::vector<std::string> imports, std::vector<std::string> exports) {
    wit::ComponentInfo& info = infos.emplace_back();
    for (std::string& text : imports) info.imports.push_back(name(std::move(text)));
    for (std::string& text : exports) {
      if (text == kP2) info.incoming_handler_version = "0.2.3";
      if (text == kP3) info.handler_version = "0.3.0";
      if (text.starts_with("wasi:cli/run")) info.run_version = text.substr(text.find('@') + 1);
      info.exports.push_back(name(std::move(text)));
    }
    return *this;
  }
  Workload& route(std::string component) {
    spec.routes.push_back({.host = component + ".test", .methods = {}, .component = component});
    return *this;
  }
  // Of the component added last.
  Workload& with(auto change) {
    change(spec.components.back());
    return *this;
  }

  [[nodiscard]] Result<CompositionPlan> plan() const { return planComposition(spec, infos); }
  [[nodiscard]] std::string failure(ErrorCode code = ErrorCode::kUnsupported) const {
    const auto made = plan();
    if (made) return "it can be composed";
    EXPECT_EQ(made.error().code(), code);
    return made.error().message();
  }
  // "importer -> exporter" for each link.
  [[nodiscard]] std::vector<std::string> links() const {
    const auto made = plan();
    EXPECT_TRUE(made) << made.error().message();
    std::vector<std::string> shown;
    if (!made) return shown;
    for (const ComponentLink& link : made->links) {
      shown.push_back(spec.member(link.importer).name + " -> " + spec.member(link.exporter).name);
    }
    return shown;
  }
  // "root member…" for each unit.
  [[nodiscard]] std::vector<std::string> units() const {
    const auto made = plan();
    EXPECT_TRUE(made) << made.error().message();
    std::vector<std::string> shown;
    if (!made) return shown;
    for (const CompositionPlan::Unit& unit : made->units) {
      std::string& text = shown.emplace_back();
      for (const std::size_t member : unit.members) {
        text += (text.empty() ? "" : " ") + spec.member(member).name;
      }
    }
    return shown;
  }

  WorkloadSpec spec;
  std::vector<wit::ComponentInfo> infos;
};

TEST(Composition, AnImportThatOneOtherExportsIsLinked) {
  const Workload shop =
      Workload()
          .add("web", {"acme:shop/prices@1.0.0", "wasi:io/streams@0.2.0"}, {kP2})
          .add("prices", {"wasi:cli/environment@0.2.0"}, {"acme:shop/prices@1.4.2"});
  EXPECT_THAT(shop.links(), ElementsAre("web -> prices"));
  EXPECT_THAT(shop.units(), ElementsAre("web prices"));
}

TEST(Composition, ComponentsThatDoNotCallEachOtherStayApart) {
  const Workload two = Workload().add("one", {}, {kP2}).add("two", {}, {kP3});
  EXPECT_THAT(two.links(), IsEmpty());
  EXPECT_THAT(two.units(), ElementsAre("one", "two"));
}

TEST(Composition, VersionsMatchByTheLinkersRuleAndDraftsExactly) {
  const auto links = [](std::string import, std::string exported) {
    return Workload()
        .add("web", {std::move(import)}, {kP2})
        .add("back", {}, {std::move(exported), kP3})
        .links();
  };
  EXPECT_THAT(links("a:b/c@0.2.1", "a:b/c@0.2.9"), ElementsAre("web -> back"));
  EXPECT_THAT(links("a:b/c@0.2.9", "a:b/c@0.2.1"), ElementsAre("web -> back"));
  EXPECT_THAT(links("a:b/c@0.2.0-draft", "a:b/c@0.2.0-draft"), ElementsAre("web -> back"));
  EXPECT_THAT(links("a:b/c@0.2.0-draft", "a:b/c@0.2.0"), IsEmpty());
  EXPECT_THAT(links("a:b/c@0.2.0", "a:b/c@0.3.0"), IsEmpty());
  EXPECT_THAT(links("a:b/c", "a:b/c@1.0.0"), IsEmpty());
}

TEST(Composition, MiddlewareIsChainedInTheOrderOfTheManifest) {
  const Workload chain = Workload()
                             .add("log", {kP2}, {kP2})
                             .add("auth", {kP2}, {kP2})
                             .add("app", {}, {kP2})
                             .route("log");
  EXPECT_THAT(chain.links(), ElementsAre("log -> auth", "auth -> app"));
  EXPECT_THAT(chain.units(), ElementsAre("log auth app"));
}

TEST(Composition, APartOfAChainWithARouteIsCalledFromOutsideToo) {
  const Workload chain =
      Workload().add("log", {kP3}, {kP3}).add("app", {}, {kP3}).route("log").route("app");
  EXPECT_THAT(chain.units(), ElementsAre("log app", "app"));
}

TEST(Composition, OthersGetTheFirstOfAChain) {
  const Workload caching = Workload()
                               .add("web", {"acme:store/get@1.0.0"}, {kP2})
                               .add("cache", {"acme:store/get@1.0.0"}, {"acme:store/get@1.0.0"})
                               .add("disk", {}, {"acme:store/get@1.0.0"});
  EXPECT_THAT(caching.links(), ElementsAre("web -> cache", "cache -> disk"));
  EXPECT_THAT(caching.units(), ElementsAre("web cache disk"));
}

TEST(Composition, TheLastOfAChainIsLeftToTheHost) {
  const Workload caching =
      Workload()
          .add("web", {"wasi:keyvalue/store@0.2.0-draft"}, {kP2})
          .add("cache", {"wasi:keyvalue/store@0.2.0-draft"}, {"wasi:keyvalue/store@0.2.0-draft"});
  EXPECT_THAT(caching.links(), ElementsAre("web -> cache"));
}

TEST(Composition, OneComponentMayServeSeveralInOneInstance) {
  const Workload diamond = Workload()
                               .add("web", {"a:b/left@1.0.0", "a:b/right@1.0.0"}, {kP2})
                               .add("left", {"a:b/base@1.0.0"}, {"a:b/left@1.0.0"})
                               .add("right", {"a:b/base@1.0.0"}, {"a:b/right@1.0.0"})
                               .add("base", {}, {"a:b/base@1.0.0"});
  EXPECT_THAT(diamond.units(), ElementsAre("web left right base"));
}

TEST(Composition, WhatSeveralExportIsAmbiguousOnceItIsImported) {
  Workload shop = Workload()
                      .add("web", {}, {kP2})
                      .add("one", {}, {"acme:shop/prices@1.0.0", kP3})
                      .add("two", {}, {"acme:shop/prices@1.0.0", kP3});
  EXPECT_THAT(shop.links(), IsEmpty());
  shop.infos[0].imports.push_back(name("acme:shop/prices@1.0.0"));
  EXPECT_THAT(shop.failure(ErrorCode::kInvalidArgument),
              AllOf(HasSubstr("component \"web\" imports acme:shop/prices@1.0.0"),
                    HasSubstr("\"one\", \"two\"")));
}

TEST(Composition, MiddlewareNeedsSomethingBehindIt) {
  EXPECT_THAT(Workload()
                  .add("app", {}, {kP2})
                  .add("log", {kP2}, {kP2})
                  .failure(ErrorCode::kInvalidArgument),
              AllOf(HasSubstr("component \"log\" imports wasi:http/incoming-handler@0.2.3"),
                    HasSubstr("no component after it")));
}

TEST(Composition, CyclesAreRefused) {
  EXPECT_THAT(Workload()
                  .add("web", {"a:b/one@1.0.0"}, {kP2})
                  .add("one", {"a:b/two@1.0.0"}, {"a:b/one@1.0.0"})
                  .add("two", {"a:b/one@1.0.0"}, {"a:b/two@1.0.0"})
                  .failure(),
              AllOf(HasSubstr("in a cycle, of which \"one\" is part")));
}

TEST(Composition, AnotherInstancePolicyOrALimitOfItsOwnIsLinkedByCalls) {
  const auto how = [](auto caller, auto callee) {
    const Workload shop = Workload()
                              .add("web", {"a:b/c@1.0.0"}, {kP2})
                              .with(caller)
                              .add("back", {}, {"a:b/c@1.0.0"})
                              .with(callee);
    const auto plan = shop.plan();
    EXPECT_TRUE(plan) << plan.error().message();
    if (!plan) return std::string();
    const LinkStatus status = linkStatuses(*plan, shop.spec, 0).front();
    EXPECT_EQ(plan->units.size(), status.how == "composed" ? 1 : 2);
    return status.how + ": " + status.reason;
  };
  const auto nothing = [](ComponentSpec&) {};
  const auto pool = [](ComponentSpec& it) { it.pool_size = 4; };
  const auto memory = [](ComponentSpec& it) { it.local_resources.memory_limit_mb = 64; };
  const auto timeout = [](ComponentSpec& it) { it.timeout_ms = 100; };
  EXPECT_EQ(how(pool, nothing),
            "linked by calls: it and \"web\" keep instances differently (poolSize)");
  EXPECT_THAT(how(nothing, pool), HasSubstr("(poolSize)"));
  EXPECT_THAT(how(pool, pool), HasSubstr("composed: "));
  EXPECT_EQ(how(nothing, memory), "linked by calls: it has a limit of its own (memoryLimitMb)");
  EXPECT_THAT(how(memory, nothing), HasSubstr("composed: ")) << "the caller's limit is for both";
  EXPECT_THAT(how(memory, memory), HasSubstr("composed: "));
  EXPECT_THAT(how(memory, timeout), HasSubstr("a limit of its own (timeout)"));
}

TEST(Composition, WhatIsLinkedByCallsIsAUnitWithWhatItCalls) {
  const Workload shop = Workload()
                            .add("web", {"a:b/left@1.0.0"}, {kP2})
                            .add("left", {"a:b/base@1.0.0"}, {"a:b/left@1.0.0"})
                            .with([](ComponentSpec& it) { it.timeout_ms = 100; })
                            .add("base", {}, {"a:b/base@1.0.0"});
  EXPECT_THAT(shop.units(), ElementsAre("web", "left base"));
  const auto plan = shop.plan();
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->units[0].from_outside);
  EXPECT_FALSE(plan->units[1].from_outside);
}

TEST(Composition, TheManifestMayNameTheComponentThatProvides) {
  const auto shop = [](std::string provider) {
    Workload workload = Workload()
                            .add("web", {"a:b/c@1.0.0"}, {kP2})
                            .add("one", {}, {"a:b/c@1.0.0", kP3})
                            .add("two", {"a:b/c@1.0.0"}, {"a:b/c@1.0.0"});
    HostInterface& entry = workload.spec.host_interfaces.emplace_back();
    entry.namespace_name = "a";
    entry.package = "b";
    entry.provider = std::move(provider);
    return workload;
  };
  const Workload named = shop("component:two");
  EXPECT_THAT(named.links(), ElementsAre("web -> two"))
      << "and what two itself imports is left to the host";
  EXPECT_THAT(named.units(), ElementsAre("web", "one", "two"));
  const LinkStatus status = linkStatuses(*named.plan(), named.spec, 0).front();
  EXPECT_EQ(status.how + ": " + status.reason,
            "linked by calls: the manifest names it as the provider");
  EXPECT_THAT(shop("component:three").failure(ErrorCode::kInvalidArgument),
              HasSubstr("names component:three as provider, and the workload has no component"));
  Workload other = shop("component:one");
  other.infos[1].exports.erase(other.infos[1].exports.begin());
  EXPECT_THAT(other.failure(ErrorCode::kInvalidArgument),
              HasSubstr("\"web\" imports a:b/c@1.0.0, which \"one\" is to provide by the manifest "
                        "and does not export"));
}

TEST(Composition, RequestsCrossALinkByCallsLikeOtherCalls) {
  for (const char* interface : {kP2, kP3}) {
    const Workload chain = Workload()
                               .add("log", {interface}, {interface})
                               .route("log")
                               .add("auth", {interface}, {interface})
                               .with([](ComponentSpec& it) { it.timeout_ms = 100; })
                               .add("app", {}, {interface});
    EXPECT_THAT(chain.units(), ElementsAre("log", "auth app"));
    const auto plan = chain.plan();
    ASSERT_TRUE(plan);
    EXPECT_FALSE(plan->units[1].from_outside);
    const LinkStatus status = linkStatuses(*plan, chain.spec, 0).front();
    EXPECT_EQ(status.import_name, interface);
    EXPECT_EQ(status.how + ": " + status.reason,
              "linked by calls: it has a limit of its own (timeout)");
  }
}

TEST(Composition, ChainsOfRequestsMayNotBeCyclesByTheManifest) {
  Workload chain = Workload().add("log", {kP2}, {kP2}).route("log").add("app", {kP2}, {kP2});
  HostInterface& entry = chain.spec.host_interfaces.emplace_back();
  entry.namespace_name = "wasi";
  entry.package = "http";
  entry.interfaces = {"incoming-handler"};
  entry.provider = "component:log";
  EXPECT_THAT(chain.failure(), HasSubstr("call each other in a cycle"));
}

TEST(Composition, AStoreHasRoomForSoManyComponents) {
  const auto chainOf = [](int length) {
    Workload chain;
    for (int i = 0; i < length; ++i) {
      chain.add("c" + std::to_string(i),
                i + 1 < length ? std::vector<std::string>{kP2} : std::vector<std::string>{}, {kP2});
    }
    return chain.route("c0");
  };
  EXPECT_EQ(chainOf(16).units().size(), 1);
  EXPECT_EQ(chainOf(17).units().size(), 2) << "what is too much is linked by calls";
}

TEST(Composition, WhatNothingCallsIsRefused) {
  EXPECT_THAT(Workload().add("web", {}, {kP2}).add("lib", {}, {}).failure(),
              HasSubstr("component \"lib\" neither serves HTTP nor exports what others could"));
  EXPECT_THAT(Workload().add("web", {}, {kP2}).add("job", {}, {"wasi:cli/run@0.2.0"}).failure(),
              HasSubstr("component \"job\" exports wasi:cli/run"));
  EXPECT_THAT(Workload()
                  .add("web", {"a:b/c@1.0.0"}, {kP2})
                  .add("lib", {}, {"a:b/c@1.0.0"})
                  .route("lib")
                  .failure(),
              HasSubstr("component \"lib\" has a route and does not serve HTTP"));
}

// It is there for other workloads.
constexpr const char* kRun = "wasi:cli/run@0.2.3";
constexpr const char* kRunP3 = "wasi:cli/run@0.3.0";

TEST(Composition, AServiceCallsComponentsAndIsNeverComposed) {
  Workload workload;
  workload.add("web", {"a:b/c"}, {kP2}).add("back", {}, {"a:b/c"}).service({"a:b/c"}, {kRun});
  EXPECT_THAT(workload.links(), ElementsAre("web -> back", "watch -> back"));
  EXPECT_THAT(workload.units(), ElementsAre("web back", "back", "watch"));
  const auto plan = workload.plan();
  EXPECT_THAT(plan->links[1].called_because, "a service goes on while calls come and go");
  EXPECT_FALSE(plan->units.back().from_outside);
}

TEST(Composition, NobodyCallsAService) {
  Workload both;
  both.add("web", {"a:b/c"}, {kP2}).add("back", {}, {"a:b/c"}).service({}, {kRun, "a:b/c"});
  EXPECT_THAT(both.links(), ElementsAre("web -> back"));
  Workload only;
  only.add("web", {"a:b/c"}, {kP2}).service({}, {kRun, "a:b/c"});
  EXPECT_EQ(only.failure(),
            "component \"web\" imports a:b/c, which only the service \"watch\" exports: a service "
            "cannot be called by components: its one instance comes and goes by itself");
  only.spec.host_interfaces.push_back({.name = {},
                                       .namespace_name = "a",
                                       .package = "b",
                                       .interfaces = {},
                                       .version = {},
                                       .provider = "tcp:1.2.3.4:5",
                                       .config = {}});
  EXPECT_THAT(only.links(), IsEmpty()) << "the host serves it";
}

TEST(Composition, AServiceRunsOrServesHttpOrBothWhereCallsOverlap) {
  const auto failure = [](std::vector<std::string> exports) {
    return Workload().service({}, std::move(exports)).failure();
  };
  EXPECT_THAT(failure({"a:b/c"}), HasSubstr("service \"watch\" exports neither wasi:cli/run"));
  EXPECT_THAT(failure({kP2, kRun}), HasSubstr("an instance of WASI 0.2 has one call at a time"));
  EXPECT_THAT(failure({kP3, kRun}), HasSubstr("both must be of WASI 0.3"));
  for (const std::vector<std::string>& exports :
       std::vector<std::vector<std::string>>{{kRun}, {kP2}, {kP3}, {kP3, kRunP3}})
    EXPECT_THAT(Workload().service({}, exports).units(), ElementsAre("watch"));
}

TEST(Composition, AServiceThatWaitsForMessagesIsRefusedByTheNameOfItsHandler) {
  const char* kMessages = "wasmcloud:messaging/handler@0.3.0";
  for (const std::vector<std::string>& exports :
       std::vector<std::vector<std::string>>{{kMessages}, {kRun, kMessages}, {kP3, kMessages}})
    EXPECT_EQ(Workload().service({}, exports).failure(),
              "service \"watch\" exports wasmcloud:messaging/handler@0.3.0, and this host "
              "delivers no messages");
  EXPECT_THAT(Workload().service({}, {kRun, "wasmcloud:messaging/types@0.3.0"}).units(),
              ElementsAre("watch"));
}

TEST(Composition, OnlyAServiceThatServesHttpHasRoutesAndLimitsOfRequests) {
  EXPECT_THAT(Workload().service({}, {kRun}).route("watch").failure(),
              HasSubstr("has a route and does not serve HTTP"));
  EXPECT_THAT(Workload().service({}, {kP3}).route("watch").units(), ElementsAre("watch"));
  Workload limited;
  limited.service({}, {kRun}).spec.service->component.timeout_ms = 5;
  EXPECT_EQ(limited.failure(),
            "service \"watch\" does not serve HTTP, and timeout is about requests");
}

TEST(Composition, WhatExportsAnInterfaceIsAUnitOfItsOwn) {
  const auto plan = Workload().add("web", {}, {kP2}).add("lib", {}, {"a:b/c@1.0.0"}).plan();
  ASSERT_TRUE(plan) << plan.error().describe();
  ASSERT_EQ(plan->units.size(), 2U);
  EXPECT_TRUE(plan->units[0].from_outside);
  EXPECT_FALSE(plan->units[1].from_outside);
  EXPECT_THAT(plan->units[1].members, ElementsAre(1));
}

TEST(Composition, TheToolsGetTheUnitsPartsLinksAndLabels) {
  const Workload chain =
      Workload()
          .add("web", {"wasi:cli/stdout@0.2.0", "wasi:io/streams@0.2.0", kP2}, {kP2})
          .add("other", {}, {kP3})
          .add("app", {"wasi:cli/stdout@0.2.0"}, {kP2})
          .route("web")
          .route("other");
  const auto plan = chain.plan();
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->units.size(), 2);
  std::vector<wit::Composition::Part> parts;
  for (const std::size_t i : {0, 1, 2}) {
    const std::string& name = chain.spec.components[i].name;
    parts.push_back({name, Bytes::copyOf(name), chain.infos[i], ""});
  }
  const wit::Composition composed = compositionOf(*plan, plan->units[0], parts);
  ASSERT_EQ(composed.parts.size(), 2);
  EXPECT_EQ(composed.parts[1].name, "app");
  EXPECT_EQ(asText(composed.parts[1].wasm.view()), "app");
  ASSERT_EQ(composed.links.size(), 1);
  EXPECT_EQ(composed.links[0].exporter, 1) << "an index of a part, not of a component";
  std::vector<std::string> labels;
  for (const auto& label : composed.labels) labels.push_back(label.label);
  EXPECT_THAT(labels, ElementsAre("web-stdout", "app-stdout"));
}

}  // namespace
}  // namespace nimbus::host
