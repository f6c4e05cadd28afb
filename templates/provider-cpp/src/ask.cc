// ask-tasks ADDRESS add TEXT | finish NUMBER | all: calls a running provider.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local/tasks/tasks.h"
#include "net/shard.h"
#include "wrpc/address.h"
#include "wrpc/framed_client.h"

namespace {

using namespace nimbus;
namespace api = ::local::tasks::tasks;

void print(const api::Task& task) {
  std::printf("%u [%c] %s\n", static_cast<unsigned>(task.number), task.done ? 'x' : ' ',
              task.text.c_str());
}

Task<Result<void>> call(api::Handler& tasks, const wrpc::CallContext& context, std::string what,
                        std::string argument) {
  if (what == "add") {
    CO_TRY(const api::Task task, co_await tasks.add(context, argument));
    print(task);
  } else if (what == "finish") {
    const auto number = static_cast<std::uint32_t>(std::strtoul(argument.c_str(), nullptr, 10));
    CO_TRY(const auto task, co_await tasks.finish(context, number));
    if (!task) co_return fail(ErrorCode::kNotFound, task.error());
    print(*task);
  } else {
    CO_TRY(auto stream, co_await tasks.all(context));
    while (true) {
      CO_TRY(const std::optional<std::vector<api::Task>> some, co_await stream.read());
      if (!some) break;
      for (const api::Task& task : *some) print(task);
    }
  }
  co_return Result<void>();
}

Task<Result<void>> ask(net::Shard& shard, std::string where, std::string what,
                       std::string argument) {
  CO_TRY(auto address, wrpc::ProviderAddress::parse(where));
  CO_TRY(const auto invoker, wrpc::makeFramedInvoker(std::move(address)));
  const auto consumer = std::make_shared<const wrpc::Consumer>();
  const auto session = invoker->open(shard, consumer);
  CO_TRY(const auto tasks, api::Client::connect(*invoker, *session));
  const wrpc::CallContext context{.consumer = *consumer,
                                  .deadline = shard.now() + std::chrono::seconds(5),
                                  .trace_parent = {},
                                  .results = nullptr};
  co_return co_await call(*tasks, context, std::move(what), std::move(argument));
}

bool isUsage(int argc, char** argv) {
  if (argc < 3) return false;
  const std::string_view what = argv[2];
  return what == "all" ? argc == 3 : (what == "add" || what == "finish") && argc == 4;
}

}  // namespace

int main(int argc, char** argv) {
  if (!isUsage(argc, argv)) {
    std::fputs("usage: ask-tasks unix:PATH|tcp:ADDRESS:PORT add TEXT|finish NUMBER|all\n", stderr);
    return 2;
  }
  const auto shards = net::ShardGroup::start(1);
  if (!shards) return 1;
  Result<void> asked;
  (*shards)->runTask(0, [&](net::Shard& shard) -> Task<void> {
    asked = co_await ask(shard, argv[1], argv[2], argc == 4 ? argv[3] : "");
  });
  if (asked) return 0;
  std::fprintf(stderr, "ask-tasks: %s\n", asked.error().describe().c_str());
  return 1;
}
