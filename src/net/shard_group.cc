#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <latch>

#include "base/check.h"
#include "net/shard.h"
#include "net/shard_impl.h"

namespace nimbus::net {
namespace {

// More threads than this is a mistake in a configuration, not a machine.
constexpr std::size_t kMaxShards = 1024;

Result<std::vector<int>> coresOfThisProcess() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return failErrno("sched_getaffinity", errno);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

Result<void> pinTo(std::thread& thread, int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  const int error = pthread_setaffinity_np(thread.native_handle(), sizeof set, &set);
  if (error != 0) return failErrno("cannot bind a shard to core " + std::to_string(core), error);
  return {};
}

Task<void> runThenRelease(std::move_only_function<Task<void>(Shard&)> make, Shard& shard,
                          std::latch& done) {
  {
    // Destroyed before the caller goes on, for what it captured may end then.
    auto local = std::move(make);
    co_await local(shard);
  }
  done.count_down();
}

}  // namespace

void ShardGroup::Deleter::operator()(Shard* shard) const { delete shard; }

Result<std::unique_ptr<ShardGroup>> ShardGroup::start(std::size_t count, Pinning pinning) {
  TRY(const std::vector<int> cores, coresOfThisProcess());
  if (count == 0) count = std::max<std::size_t>(cores.size(), 1);
  if (count > kMaxShards) {
    return fail(ErrorCode::kInvalidArgument, "at most " + std::to_string(kMaxShards) + " shards");
  }
  std::unique_ptr<ShardGroup> group(new ShardGroup);
  for (std::size_t index = 0; index < count; ++index) {
    group->shards_.emplace_back(new Shard(index));
    Shard::Impl& impl = group->shards_.back()->impl();
    TRY_VOID(impl.loop.open());
    try {
      impl.thread = std::thread([&impl] { impl.run(); });
    } catch (const std::system_error& error) {
      return failErrno("cannot start a shard's thread", error.code().value());
    }
    pthread_setname_np(impl.thread.native_handle(), ("shard-" + std::to_string(index)).c_str());
    if (pinning == Pinning::kOneCoreEach) {
      TRY_VOID(pinTo(impl.thread, cores[index % cores.size()]));
    }
  }
  return group;
}

ShardGroup::~ShardGroup() {
  for (const auto& shard : shards_) {
    shard->post([&impl = shard->impl()] { impl.stopping = true; });
  }
  // All threads end before any shard goes: one may be in the middle of posting to another.
  for (const auto& shard : shards_) {
    if (shard->impl().thread.joinable()) shard->impl().thread.join();
  }
}

void ShardGroup::runOn(std::size_t index, std::move_only_function<void(Shard&)> work) {
  NIMBUS_CHECK(Shard::current() == nullptr);
  Shard& shard = *shards_[index];
  std::latch done(1);
  shard.post([&] {
    work(shard);
    work = nullptr;  // what it captured ends on the shard, before the caller goes on
    done.count_down();
  });
  done.wait();
}

void ShardGroup::runOnEach(std::function<void(Shard&)> work) {
  for (std::size_t index = 0; index < size(); ++index) runOn(index, std::ref(work));
}

void ShardGroup::runTask(std::size_t index, std::move_only_function<Task<void>(Shard&)> make) {
  NIMBUS_CHECK(Shard::current() == nullptr);
  Shard& shard = *shards_[index];
  std::latch done(1);
  shard.post([&] { shard.impl().tasks.spawn(runThenRelease(std::move(make), shard, done)); });
  done.wait();
}

}  // namespace nimbus::net
