// What calls of guests cost through an Invoker: their imports, served by a generated handler in
// this process, and their exports. `call_costs GUEST.wat` prints lines of
// "import|export SIZE NANOSECONDS", as src/rust/benches/typed_calls.rs does for Wasmtime's own
// bindings. See bench/calls.py. With a CASE and a SIZE behind it only that one runs, for a
// profiler.

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/log.h"
#include "bench/calls/store.h"
#include "engine/component_invoker.h"
#include "engine/engine.h"
#include "engine/import_set.h"
#include "engine/poller.h"
#include "net/shard.h"
#include "wit/tools.h"
#include "wrpc/encoder.h"
#include "wrpc/invoker.h"
#include "wrpc/service.h"

namespace nimbus::bench {
namespace {

namespace store = ::nimbus::calls_bench::bench::calls::store;

constexpr std::size_t kLargest = 1 << 20;

// From the beginning of a line of the cache, as in typed_calls.rs: else the allocator's luck
// decides on a tenth of what a copy takes.
Bytes alignedContent() {
  constexpr std::size_t kLine = 64;
  const Bytes content = Bytes::take(std::string(kLargest + kLine, 7));
  const auto address = reinterpret_cast<std::uintptr_t>(content.view().data());
  return content.slice((kLine - address % kLine) % kLine, kLargest);
}

double cpuNanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void appendLength(ByteChain& to, std::size_t length) {
  while (length >= 0x80) {
    to.append(static_cast<std::uint8_t>(length | 0x80));
    length >>= 7;
  }
  to.append(static_cast<std::uint8_t>(length));
}

// Answers every call with the first `size` bytes of one content.
class Store final : public store::Handler {
 public:
  std::size_t size = 0;

  wrpc::Answer<Bytes> get(const wrpc::CallContext& /*context*/, std::string_view key) override {
    NIMBUS_CHECK(key.size() == 16);
    return content_.slice(0, size);
  }

 private:
  const Bytes content_ = alignedContent();
};

class NoHost final : public engine::GuestHost {
 public:
  void print(int /*stream*/, std::string_view /*line*/) override {}
  bool socketAllowed(engine::SocketUse, const net::IpAddress&, std::uint16_t) override {
    return false;
  }
  engine::SocketGrant socketOpened(engine::SocketCount) override {
    return engine::SocketGrant::kNotPermitted;
  }
  void socketClosed(engine::SocketCount) override {}
  bool lookupAllowed(std::string_view /*name*/) override { return false; }
  void startEgress(std::shared_ptr<engine::OutgoingRequest> /*request*/) override {}
};

class Environment final : public engine::GuestEnvironment {
 public:
  Environment(engine::Poller& poller, std::unique_ptr<engine::GuestContext> context)
      : poller_(poller), context_(std::move(context)) {}
  engine::Poller& poller(net::Shard& /*shard*/) override { return poller_; }
  const engine::GuestContext& context(net::Shard& /*shard*/) override { return *context_; }

 private:
  engine::Poller& poller_;
  std::unique_ptr<engine::GuestContext> context_;
};

template <typename T>
T orDie(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().describe().c_str());
    std::exit(1);
  }
  return *std::move(result);
}

struct Calls {
  wrpc::Session& session;
  const wrpc::Consumer consumer{};

  Task<ByteChain> call(wrpc::FunctionId function, ByteChain params) {
    const wrpc::CallContext context{consumer, std::nullopt, {}};
    wrpc::Values values;
    values.bytes = std::move(params);
    co_return std::move(orDie(co_await session.invoke(context, function, std::move(values))).bytes);
  }
};

constexpr int kRounds = 8;

// The one case to measure; an empty name: all.
struct Chosen {
  std::string_view name;
  std::size_t size = 0;

  [[nodiscard]] bool includes(std::string_view each, std::size_t each_size) const {
    return name.empty() || (name == each && size == each_size);
  }
};

Task<void> measureImports(Calls& calls, Store& store, wrpc::FunctionId run, const Chosen& chosen) {
  struct Case {
    std::size_t size;
    std::uint32_t count;
  };
  for (const Case& each : {Case{16, 200'000}, Case{1 << 16, 20'000}, Case{kLargest, 1'000}}) {
    if (!chosen.includes("import", each.size)) continue;
    store.size = each.size;
    double best = std::numeric_limits<double>::max();
    for (int round = 0; round < kRounds; ++round) {
      ByteChain params;
      appendLength(params, each.count);
      const double start = cpuNanoseconds();
      (void)co_await calls.call(run, std::move(params));
      best = std::min(best, (cpuNanoseconds() - start) / each.count);
    }
    std::printf("import %zu %.1f\n", each.size, best);
  }
}

Task<void> measureExports(Calls& calls, wrpc::FunctionId echo, const Chosen& chosen) {
  const Bytes content = alignedContent();
  struct Case {
    std::size_t size;
    int count;
  };
  for (const Case& each : {Case{16, 50'000}, Case{1 << 16, 10'000}}) {
    if (!chosen.includes("export", each.size)) continue;
    double best = std::numeric_limits<double>::max();
    for (int round = 0; round < kRounds; ++round) {
      const double start = cpuNanoseconds();
      for (int i = 0; i < each.count; ++i) {
        const wrpc::CallContext context{calls.consumer, std::nullopt, {}};
        wrpc::Encoder params;
        params.bytes(content.slice(0, each.size));
        // Not always there at once: a tick of the epoch may make the guest yield.
        const auto returned =
            co_await calls.session.invoke(context, echo, orDie(std::move(params).finish()));
        NIMBUS_CHECK(returned.has_value() && returned->bytes.size() > each.size);
      }
      best = std::min(best, (cpuNanoseconds() - start) / each.count);
    }
    std::printf("export %zu %.1f\n", each.size, best);
  }
}

int measure(const char* path, Chosen chosen) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto log = makeNullLogger();
  engine::EngineOptions options;
  options.max_instances = 8;
  const auto engine = orDie(engine::Engine::create(options, *log));
  const auto component = orDie(engine->load(orDie(wit::watToWasm(text)).view()));
  const auto store = std::make_shared<Store>();
  engine::GuestContextOptions guest;
  guest.max_memory_bytes = 64 << 20;
  guest.max_table_elements = 1000;
  guest.imports = orDie(engine::ImportSet::create(
      *component, {{"bench:calls/store", "",
                    std::make_shared<wrpc::ServiceInvoker>(std::vector{store::serve(store)}),
                    std::make_shared<wrpc::Consumer>()}}));

  const auto shards = orDie(net::ShardGroup::start(1));
  shards->runTask(0, [&](net::Shard& shard) -> Task<void> {
    engine::Poller poller(shard);
    engine::ComponentInvoker invoker(
        component,
        std::make_shared<Environment>(
            poller, orDie(engine::GuestContext::create(shard, guest, std::make_shared<NoHost>()))),
        {.cpu_limit = std::chrono::hours(1), .time_limit = std::chrono::hours(1)}, *log);
    const auto session = invoker.open(shard, std::make_shared<wrpc::Consumer>());
    Calls calls{*session};
    co_await measureImports(calls, *store, orDie(invoker.resolve({"", "run"})), chosen);
    co_await measureExports(calls, orDie(invoker.resolve({"", "echo"})), chosen);
  });
  return 0;
}

}  // namespace
}  // namespace nimbus::bench

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fprintf(stderr, "usage: call_costs GUEST.wat [import|export SIZE]\n");
    return 2;
  }
  nimbus::bench::Chosen chosen;
  if (argc == 4) chosen = {argv[2], std::stoul(argv[3])};
  return nimbus::bench::measure(argv[1], chosen);
}
