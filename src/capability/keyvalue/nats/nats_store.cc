#include "capability/keyvalue/nats/nats_store.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/thread_error.h"
#include "capability/keyvalue/nats/nats_keyspace.h"
#include "capability/keyvalue/nats/nats_names.h"

namespace nimbus::keyvalue {

Result<void> checkNatsStore(const NatsStoreOptions& options) {
  TRY_VOID(checkNatsPrefix(options.prefix));
  if (options.replicas >= 1 && options.replicas <= kMaxNatsReplicas) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("expected 1 to {} copies", kMaxNatsReplicas));
}

Task<Result<std::unique_ptr<NatsStore>>> NatsStore::connect(net::Shard& home,
                                                            nats::ConnectOptions server,
                                                            NatsStoreOptions options,
                                                            Logger& logger) {
  CO_TRY_VOID(checkNatsStore(options));
  CO_TRY(auto connection, co_await nats::Connection::connect(home, std::move(server), logger));
  std::shared_ptr<NatsParts> parts;
  try {
    parts = std::make_shared<NatsParts>();
  } catch (const std::system_error& error) {
    co_return failThread(error);
  }
  parts->requests = std::make_shared<NatsRequests>(std::move(connection), options.timeout);
  parts->options = std::move(options);
  co_return std::unique_ptr<NatsStore>(new NatsStore(std::move(parts)));
}

std::string NatsStore::problem() const {
  return parts_->requests->connection().connected() ? "" : "not connected to a NATS server";
}

std::shared_ptr<Keyspace> NatsStore::keyspace(std::string_view name) {
  return keyspaces_.get(name,
                        [&] { return std::make_shared<NatsKeyspace>(parts_, std::string(name)); });
}

}  // namespace nimbus::keyvalue
