// `wash provider serve NAME`: a built-in provider as a process of its own, for whoever speaks wRPC.

#include <algorithm>

#include <CLI/CLI.hpp>

#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/flags/nats_flags.h"
#include "wash/host/served_provider.h"
#include "wash/terminal/termination.h"
#include "wrpc/address.h"
#include "wrpc/provider_server.h"

namespace nimbus::wash {
namespace {

constexpr Duration kDrainBound = std::chrono::seconds(10);
// The largest value with its key and more.
constexpr std::size_t kMaxParameterBytes = 32 << 20;

struct ProviderFlags {
  ProviderKind kind = ProviderKind::kKeyValueMemory;
  std::string listen;
  std::vector<std::string> config;
  NatsFlags nats;
};

const Choices<ProviderKind>& kinds() {
  static const Choices<ProviderKind> all = {{"keyvalue-sqlite", ProviderKind::kKeyValueSqlite},
                                            {"keyvalue-memory", ProviderKind::kKeyValueMemory},
                                            {"keyvalue-redis", ProviderKind::kKeyValueRedis},
                                            {"keyvalue-nats", ProviderKind::kKeyValueNats}};
  return all;
}

std::string nameOf(ProviderKind kind) {
  return std::ranges::find(kinds(), kind, &Choices<ProviderKind>::value_type::second)->first;
}

Result<ProviderConfig> configOf(const std::vector<std::string>& entries) {
  ProviderConfig config;
  for (const std::string& entry : entries) {
    TRY(auto pair, parseKeyValue(entry));
    config[std::move(pair.first)] = std::move(pair.second);
  }
  return config;
}

Result<void> serve(const ProviderFlags& flags, const GlobalOptions& global, Logger& log) {
  TRY(const auto address, wrpc::ProviderAddress::parse(flags.listen));
  TRY(const ProviderConfig config, configOf(flags.config));
  TRY(const nats::ConnectOptions nats, natsOptionsOf(flags.nats));
  TRY(const auto shards, net::ShardGroup::start(1));
  Termination termination;
  TRY(const ServedProvider provider, makeServedProvider(flags.kind, config, {*shards, nats, log}));
  TRY(const auto server,
      wrpc::ProviderServer::listen(*shards, address, provider.functions,
                                   {.nats = nats, .max_root_bytes = kMaxParameterBytes}, log));
  const std::string bound = server->address();
  const std::string name = nameOf(flags.kind);
  printResult(global.format, "Serving " + name + " at " + bound,
              {{"provider", jsonText(name)}, {"address", jsonText(bound)}});
  termination.wait();
  server->drain(kDrainBound);
  return {};
}

// What is wrong with the provider and its configuration together.
void checkWords(const ProviderFlags& flags) {
  const auto config = configOf(flags.config);
  const auto checked = config ? checkServedProvider(flags.kind, *config) : Result<void>();
  if (!checked) throw CLI::ValidationError(checked.error().message());
}

int run(const ProviderFlags& flags, const GlobalOptions& global) {
  Termination::prepare();
  const std::unique_ptr<Logger> log = makeStderrLogger(global.log_level, global.log_format);
  const auto served = serve(flags, global, *log);
  return served ? kExitOk : reportFailure(global.format, served.error());
}

}  // namespace

void addProviderCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* provider = app.add_subcommand("provider", "Providers of interfaces");
  provider->require_subcommand(1);
  CLI::App* command =
      provider->add_subcommand("serve", "Serve a built-in provider to whoever speaks wRPC");
  auto flags = std::make_shared<ProviderFlags>();
  addChoice(*command, "name", flags->kind, "Which one", kinds())->required();
  command->add_option("--listen", flags->listen, "Where; port 0 takes a free one")
      ->required()
      ->check(acceptedBy(wrpc::ProviderAddress::parse))
      ->option_text("unix:PATH|tcp:ADDRESS:PORT|nats:PREFIX|nats://SERVER/PREFIX");
  command
      ->add_option("--config", flags->config,
                   "keyvalue-sqlite: path=FILE; keyvalue-redis: url=redis://HOST, "
                   "password-file=FILE, prefix=TEXT, ca-file=FILE; keyvalue-nats: prefix=NAME, "
                   "storage=file|memory, replicas=N; all: max-bytes=N, max-keys=N")
      ->check(acceptedBy(parseKeyValue))
      ->option_text("KEY=VALUE ...")
      ->allow_extra_args(false);
  addNatsFlags(*command, flags->nats);
  command->callback([flags, &global, &action] {
    checkWords(*flags);
    action.set("provider serve", [flags, &global] { return run(*flags, global); });
  });
}

}  // namespace nimbus::wash
