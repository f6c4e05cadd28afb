#include "wrpc/provider_main.h"

#include <csignal>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "wrpc/provider_server.h"

namespace nimbus::wrpc {
namespace {

constexpr Duration kDrainBound = std::chrono::seconds(5);

ServedFunctions servedOf(std::vector<Interface> interfaces) {
  const auto invoker = std::make_shared<ServiceInvoker>(std::move(interfaces));
  return {.invoker = invoker, .functions = invoker->functions()};
}

Result<void> serve(std::string_view where, ServedFunctions served, const sigset_t& ending) {
  TRY(auto address, ProviderAddress::parse(where));
  TRY(const auto shards, net::ShardGroup::start(1));
  const std::unique_ptr<Logger> log = makeStderrLogger(LogLevel::kInfo, LogFormat::kText);
  TRY(const auto server,
      ProviderServer::listen(*shards, std::move(address), std::move(served), {}, *log));
  std::printf("serving %s\n", server->address().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ending, &signal);
  server->drain(kDrainBound);
  return {};
}

}  // namespace

int provide(int argc, char** argv, std::vector<Interface> interfaces) {
  const char* program = argc > 0 ? argv[0] : "provider";
  if (argc != 2) {
    std::fprintf(stderr,
                 "usage: %s unix:PATH | tcp:HOST:PORT | nats:PREFIX | nats://SERVER/PREFIX\n",
                 program);
    return 2;
  }
  // A log whose reader has gone is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t ending;  // blocked in all threads, and waited for in this one
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  const auto done = serve(argv[1], servedOf(std::move(interfaces)), ending);
  if (done) return 0;
  std::fprintf(stderr, "%s: %s\n", program, done.error().describe().c_str());
  return 1;
}

}  // namespace nimbus::wrpc
