#include "host/deploy/code_loads.h"

#include <gmock/gmock.h>

#include <set>
#include <utility>

#include "host/test_support.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Workloads of one component, each with a code that is called like its file.
class FakeCode {
 public:
  std::vector<std::string> compiled;  // begun, in that order
  std::set<std::string> there;
  bool hold = true;  // what is compiled waits for letGo()
  int failures = 0;  // of the next ones that are compiled

  CodeLoads::Load loader() {
    return [this](std::shared_ptr<const WorkloadSpec> spec, Compiling compiling) {
      return load(std::move(spec), compiling);
    };
  }
  void letGo() {
    const auto gate = std::exchange(gate_, std::make_unique<Event>());
    gate->set();
  }

 private:
  Task<Result<WorkloadCode>> load(std::shared_ptr<const WorkloadSpec> spec, Compiling compiling) {
    const std::string file = spec->components[0].file;
    const engine::Sha256 key = engine::sha256(asBytes(file));
    WorkloadCode code;
    if (there.contains(file)) co_return code;
    if (!compiling.allows(key)) {
      code.missing = key;
      co_return code;
    }
    compiled.push_back(file);
    if (hold) co_await gate_->wait();
    if (failures > 0) {
      --failures;
      co_return fail(ErrorCode::kInvalidArgument, "it does not compile");
    }
    there.insert(file);
    co_return code;
  }

  std::unique_ptr<Event> gate_ = std::make_unique<Event>();
};

struct Rig {
  explicit Rig(net::Shard& shard, std::size_t at_once = 1) : loads(shard, at_once, code.loader()) {}
  FakeCode code;
  CodeLoads loads;
};

// A load under way, that is given up with this object.
class Load {
 public:
  Load(Rig& rig, std::string file) {
    auto spec = std::make_shared<const WorkloadSpec>(makeSpec("w", "/", std::move(file)));
    task_.spawn(keep(*this, rig.loads.load(std::move(spec))));
  }
  [[nodiscard]] bool isOver() const { return outcome_.has_value(); }
  [[nodiscard]] bool succeeded() const { return isOver() && outcome_->has_value(); }

 private:
  static Task<void> keep(Load& self, Task<Result<WorkloadCode>> task) {
    self.outcome_ = co_await std::move(task);
  }
  std::optional<Result<WorkloadCode>> outcome_;
  TaskSet task_;
};

class CodeLoadsTest : public ShardTest {};

TEST_F(CodeLoadsTest, WhatIsThereGoesPastWhatIsCompiled) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.code.there.insert("known");
    const Load first(rig, "slow");
    const Load second(rig, "other");
    const Load known(rig, "known");
    EXPECT_TRUE(known.succeeded());
    EXPECT_FALSE(first.isOver() || second.isOver());
    co_return;
  });
}

TEST_F(CodeLoadsTest, SoManyAreCompiledAtOnceInTheOrderTheyCame) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, 2);
    const Load a(rig, "a");
    const Load b(rig, "b");
    const Load c(rig, "c");
    const Load d(rig, "d");
    EXPECT_THAT(rig.code.compiled, ElementsAre("a", "b"));
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(a.succeeded() && b.succeeded());
    EXPECT_THAT(rig.code.compiled, ElementsAre("a", "b", "c", "d"));
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(c.succeeded() && d.succeeded());
  });
}

TEST_F(CodeLoadsTest, OneComponentIsCompiledOnceForAllWhoAsk) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, 2);
    const Load one(rig, "a");
    const Load two(rig, "a");
    const Load other(rig, "b");
    EXPECT_THAT(rig.code.compiled, ElementsAre("a", "b")) << "the second takes no place";
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(one.succeeded() && two.succeeded() && other.succeeded());
    EXPECT_THAT(rig.code.compiled, ElementsAre("a", "b"));
  });
}

TEST_F(CodeLoadsTest, WhatNobodyWaitsForAnyMoreKeepsItsPlaceUntilItIsCompiled) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    for (int i = 0; i < 3; ++i) const Load given_up(rig, "slow");
    const Load other(rig, "other");
    EXPECT_THAT(rig.code.compiled, ElementsAre("slow"));
    const Load again(rig, "slow");
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(again.succeeded());
    EXPECT_THAT(rig.code.compiled, ElementsAre("slow", "other"));
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(other.succeeded());
  });
}

TEST_F(CodeLoadsTest, WhatIsGivenUpBeforeItHasAPlaceIsNotCompiled) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const Load slow(rig, "slow");
    auto one = std::make_unique<Load>(rig, "other");
    auto two = std::make_unique<Load>(rig, "other");
    one.reset();
    two.reset();
    auto first = std::make_unique<Load>(rig, "wanted");
    const Load second(rig, "wanted");
    first.reset();
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_THAT(rig.code.compiled, ElementsAre("slow", "wanted"));
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(second.succeeded());
  });
}

TEST_F(CodeLoadsTest, WhoseCompilationFailsIsToldAndOthersTryForThemselves) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.code.failures = 1;
    const Load first(rig, "a");
    const Load second(rig, "a");
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(first.isOver() && !first.succeeded());
    EXPECT_FALSE(second.isOver());
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_TRUE(second.succeeded());
    EXPECT_THAT(rig.code.compiled, ElementsAre("a", "a"));
  });
}

TEST_F(CodeLoadsTest, ItsEndGivesUpWhatIsUnderWay) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const Load slow(rig, "slow");
    const Load other(rig, "other");
    rig.loads.cancelAll();
    rig.code.letGo();
    co_await settle(shard);
    EXPECT_THAT(rig.code.compiled, ElementsAre("slow"));
    EXPECT_THAT(rig.code.there, IsEmpty());
  });
}

}  // namespace
}  // namespace nimbus::host
