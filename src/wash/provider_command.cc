// `wash provider serve NAME`: a built-in provider as a process of its own, for whoever speaks wRPC.

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "nats/connection.h"
#include "net/socket.h"
#include "wash/command.h"
#include "wash/nats_flags.h"
#include "wash/served_provider.h"
#include "wash/termination.h"
#include "wrpc/address.h"
#include "wrpc/framed_server.h"
#include "wrpc/nats_server.h"

namespace nimbus::wash {
namespace {

constexpr Duration kDrainBound = std::chrono::seconds(10);
// The largest value with its key and more.
constexpr std::size_t kMaxParameterBytes = 32 << 20;

struct ProviderFlags {
  std::string name;
  std::string listen;
  std::vector<std::string> config;
  NatsFlags nats;
};

Result<ProviderConfig> configOf(const std::vector<std::string>& entries) {
  ProviderConfig config;
  for (const std::string& entry : entries) {
    const auto pair = splitOnce(entry, '=');
    if (!pair || pair->first.empty())
      return fail(ErrorCode::kInvalidArgument, "--config " + entry + ": expected KEY=VALUE");
    config[std::string(pair->first)] = std::string(pair->second);
  }
  return config;
}

// The server, on the one shard that it lives on: handles of one shard mean nothing to another.
class Serving {
 public:
  Serving(net::ShardGroup& shards, const ServedProvider& provider, nats::ConnectOptions nats,
          Logger& log)
      : shards_(shards), provider_(provider), nats_options_(std::move(nats)), log_(log) {}
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() {
    shards_.runTask(0, [this](net::Shard&) -> Task<void> {
      framed_.reset();
      nats_.reset();
      if (connection_) co_await connection_->close();
      connection_.reset();
    });
  }

  // Returns the address really bound.
  Result<std::string> listen(const wrpc::ProviderAddress& address) {
    if (address.transport != wrpc::ProviderAddress::Transport::kNats) return listenFramed(address);
    Result<void> listening;
    shards_.runTask(0, [&](net::Shard& shard) -> Task<void> {
      listening = co_await listenNats(shard, address);
    });
    TRY_VOID(listening);
    return address.toString();
  }

  void drain() {
    shards_.runTask(0, [this](net::Shard&) {
      return framed_ ? framed_->drain(kDrainBound) : nats_->drain(kDrainBound);
    });
  }

 private:
  Result<std::string> listenFramed(const wrpc::ProviderAddress& address) {
    TRY(const net::Endpoint endpoint, address.endpoint());
    TRY(auto sockets, net::listenOn(endpoint, 1));
    wrpc::ProviderAddress bound = address;
    bound.port = sockets.front()->boundTo().port;
    wrpc::FramedServerOptions options;
    options.limits.max_root_bytes = kMaxParameterBytes;
    shards_.runOn(0, [&](net::Shard& shard) {
      framed_ = wrpc::makeFramedServer(shard, std::move(sockets.front()), provider_.invoker,
                                       options, log_);
    });
    return bound.toString();
  }

  // One of many with the same prefix gets each call, so that several may share the work.
  Task<Result<void>> listenNats(net::Shard& shard, wrpc::ProviderAddress address) {
    nats::ConnectOptions where = nats_options_;
    if (!address.nats_servers.empty()) {
      where.servers.clear();
      for (const std::string_view server : split(address.nats_servers, ','))
        where.servers.emplace_back(server);
    }
    CO_TRY(connection_, co_await nats::Connection::connect(shard, std::move(where), log_));
    wrpc::NatsServerOptions options;
    options.prefix = address.nats_prefix;
    options.queue_group = address.nats_prefix.empty() ? "provider" : address.nats_prefix;
    options.functions = provider_.functions;
    options.max_root_bytes = kMaxParameterBytes;
    CO_TRY(nats_, co_await wrpc::makeNatsServer(shard, connection_, provider_.invoker,
                                                std::move(options), log_));
    co_return Result<void>();
  }

  net::ShardGroup& shards_;
  const ServedProvider& provider_;
  const nats::ConnectOptions nats_options_;
  Logger& log_;
  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<wrpc::FramedServer> framed_;
  std::unique_ptr<wrpc::NatsServer> nats_;
};

Result<void> serve(const ProviderFlags& flags, const GlobalOptions& global, Logger& log) {
  TRY(const auto address, wrpc::ProviderAddress::parse(flags.listen));
  TRY(const ProviderConfig config, configOf(flags.config));
  TRY(const nats::ConnectOptions nats, natsOptionsOf(flags.nats));
  TRY(const auto shards, net::ShardGroup::start(1));
  TRY(const auto termination, Termination::watch(*shards));
  TRY(const ServedProvider provider, makeServedProvider(flags.name, config));
  Serving serving(*shards, provider, nats, log);
  TRY(const std::string bound, serving.listen(address));
  printResult(global.format, "Serving " + flags.name + " at " + bound,
              {{"provider", jsonText(flags.name)}, {"address", jsonText(bound)}});
  termination->wait();
  serving.drain();
  return {};
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
  CLI::App* command = provider->add_subcommand(
      "serve",
      "Serve a built-in provider to whoever speaks wRPC: keyvalue-sqlite, keyvalue-memory");
  auto flags = std::make_shared<ProviderFlags>();
  command->add_option("name", flags->name, "Which one")->required()->option_text("PROVIDER");
  command->add_option("--listen", flags->listen, "Where; port 0 takes a free one")
      ->required()
      ->option_text("unix:PATH|tcp:ADDRESS:PORT|nats:PREFIX|nats://SERVER/PREFIX");
  command
      ->add_option("--config", flags->config,
                   "keyvalue-sqlite: path=FILE; both: max-bytes=N, max-keys=N")
      ->option_text("KEY=VALUE ...")
      ->allow_extra_args(false);
  addNatsFlags(*command, flags->nats);
  command->callback([flags, &global, &action] {
    action.set("provider serve", [flags, &global] { return run(*flags, global); });
  });
}

}  // namespace nimbus::wash
