#include "host/bindings/workload_exports.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/test_support.h"

namespace nimbus::host {
namespace {

// Has one function.
class OneFunction final : public wrpc::Invoker {
 public:
  explicit OneFunction(std::string name) : name_(std::move(name)) {}
  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    if (name.function != name_) return fail(ErrorCode::kNotFound, "there is only " + name_);
    return wrpc::FunctionId{0};
  }
  std::unique_ptr<wrpc::Session> open(net::Shard&, std::shared_ptr<const wrpc::Consumer>) override {
    return nullptr;
  }

 private:
  const std::string name_;
};

std::vector<OfferedComponent> offer(const std::string& function) {
  return {{"back", std::make_shared<OneFunction>(function), nullptr}, {"inside", nullptr, nullptr}};
}

bool has(WorkloadExports::Export& used, std::string_view function) {
  return used.resolve({"a:b/c", function}).has_value();
}

class WorkloadExportsTest : public ShardTest {};

TEST_F(WorkloadExportsTest, WhatIsAnnouncedIsThereForThoseWhoArePrepared) {
  run([](net::Shard&) -> Task<void> {
    WorkloadExports exports;
    const auto used = exports.find("default/w", "back");
    EXPECT_TRUE(has(*used, "anything")) << "nothing is known of it";
    EXPECT_TRUE(used->problem().contains("does not run")) << used->problem();
    exports.publish("default/w", offer("old"));
    EXPECT_TRUE(has(*used, "old"));
    EXPECT_FALSE(has(*used, "new"));
    EXPECT_TRUE(used->problem().empty());

    exports.announce("default/w", offer("new"));
    const auto later = exports.find("default/w", "back");
    for (const auto& each : {used, later}) {
      EXPECT_TRUE(has(*each, "new"));
      EXPECT_FALSE(has(*each, "old"));
    }
    const auto inside = exports.find("default/w", "inside");
    const auto missing = exports.find("default/w", "missing");
    const auto elsewhere = exports.find("default/other", "back");
    EXPECT_FALSE(inside->check("a:b/c"));
    EXPECT_FALSE(missing->check("a:b/c"));
    EXPECT_TRUE(elsewhere->check("a:b/c"));

    exports.forgetAnnounced();
    EXPECT_TRUE(has(*used, "old"));
    EXPECT_FALSE(has(*used, "new"));
    EXPECT_TRUE(missing->check("a:b/c")) << "it may come";
    exports.withdraw("default/w");
    EXPECT_FALSE(used->problem().empty());
    co_return;
  });
}

TEST_F(WorkloadExportsTest, CallsOnOtherShardsKnowNothingOfWhatIsAnnounced) {
  WorkloadExports exports;
  std::shared_ptr<WorkloadExports::Export> used;
  run([&](net::Shard&) -> Task<void> {
    exports.publish("default/w", offer("old"));
    used = exports.find("default/w", "back");
    exports.announce("default/w", offer("new"));
    co_return;
  });
  EXPECT_TRUE(has(*used, "old"));
  EXPECT_FALSE(has(*used, "new"));
}

}  // namespace
}  // namespace nimbus::host
