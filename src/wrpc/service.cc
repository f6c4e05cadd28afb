#include "wrpc/service.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/sync.h"
#include "net/shard.h"
#include "wrpc/service_call.h"
#include "wrpc/service_session.h"

namespace nimbus::wrpc {

namespace {

// Ended calls that a session keeps for later ones.
constexpr std::size_t kMaxIdleCalls = 16;

// A session that had room for more is not used for another instance.
constexpr std::size_t kMaxKeptResources = 64;

std::string key(const FunctionName& name) {
  std::string joined(name.instance);
  joined += '\n';
  joined += name.function;
  return joined;
}

class OpenSession final : public GivingSession {
 public:
  OpenSession(net::Shard& shard, std::shared_ptr<ServiceSession> session,
              std::optional<Duration> lease)
      : session_(std::move(session)) {
    if (lease) expiry_.spawn(expire(shard, *session_, *lease));
  }
  ~OpenSession() override {
    expiry_.cancelAll();
    session_->close();
  }

  [[nodiscard]] Eventual<Result<Values>> invoke(const CallContext& context, FunctionId function,
                                                Values params) override {
    return session_->invoke(context, function, std::move(params));
  }
  [[nodiscard]] std::optional<Task<Result<Values>>> invokeInto(const CallContext& context,
                                                               FunctionId function, ByteView params,
                                                               Encoder& results) override {
    return session_->invokeInto(context, function, params, results);
  }
  void drop(ByteView handle) override { session_->drop(handle); }
  [[nodiscard]] bool owns(ByteView handle) const override {
    return session_->resources().has(handle);
  }
  [[nodiscard]] Result<std::string> give(const ResourceType& type,
                                         std::unique_ptr<Resource> resource) override {
    TRY(const auto handle, session_->resources().insert(type, std::move(resource)));
    return std::string(asText(handle.view()));
  }
  // What results hold (streams) does not need the session.
  [[nodiscard]] bool inUse() const override {
    return session_->callCount() > 0 || session_->resources().size() > 0;
  }
  [[nodiscard]] bool renew() override { return session_->renew(); }

 private:
  // A resource goes between one and one and a half leases after it was last named.
  static Task<void> expire(net::Shard& shard, ServiceSession& session, Duration lease) {
    const Duration turn = std::max<Duration>(lease / 2, std::chrono::milliseconds(1));
    while (true) {
      co_await shard.sleepFor(turn);
      session.resources().sweep(kTurnsPerLease);
    }
  }
  static constexpr std::uint32_t kTurnsPerLease = 2;

  std::shared_ptr<ServiceSession> session_;
  TaskSet expiry_;
};

}  // namespace

ServiceInvoker::ServiceInvoker(std::vector<Interface> interfaces, ServiceOptions options) {
  auto table = std::make_shared<Table>();
  table->options = options;
  table->interfaces = std::move(interfaces);
  for (const Interface& interface : table->interfaces) {
    for (const InterfaceFunction& function : interface.functions) {
      ids_.try_emplace(key({interface.instance, function.name}), table->functions.size());
      table->functions.push_back({function.serve, interface.handler.get(),
                                  std::make_shared<KnownShape>(function.parameters)});
    }
  }
  table_ = std::move(table);
}

Result<FunctionId> ServiceInvoker::resolve(const FunctionName& name) {
  const auto found = ids_.find(key(name));
  if (found != ids_.end()) return FunctionId{found->second};
  return fail(ErrorCode::kNotFound,
              fmt::format("nobody serves function \"{}\" of \"{}\"", name.function, name.instance));
}

std::shared_ptr<const TupleShape> ServiceInvoker::parameters(FunctionId id) const {
  return id.value < table_->functions.size() ? table_->functions[id.value].parameters : nullptr;
}

std::unique_ptr<Session> ServiceInvoker::open(net::Shard& shard,
                                              std::shared_ptr<const Consumer> consumer) {
  return openToGive(shard, std::move(consumer));
}

std::unique_ptr<GivingSession> ServiceInvoker::openToGive(
    net::Shard& shard, std::shared_ptr<const Consumer> consumer) {
  const std::optional<Duration> lease = consumer ? consumer->lease : std::nullopt;
  auto session = std::make_shared<ServiceSession>(table_, std::move(consumer));
  return std::make_unique<OpenSession>(shard, std::move(session), lease);
}

std::vector<std::string_view> ServiceInvoker::instances() const {
  std::vector<std::string_view> names;
  for (const Interface& interface : table_->interfaces) names.push_back(interface.instance);
  return names;
}

std::vector<std::pair<std::string, std::string>> ServiceInvoker::functions() const {
  std::vector<std::pair<std::string, std::string>> functions;
  for (const Interface& interface : table_->interfaces) {
    for (const InterfaceFunction& function : interface.functions)
      functions.emplace_back(interface.instance, function.name);
  }
  return functions;
}

ServiceSession::ServiceSession(std::shared_ptr<const ServiceInvoker::Table> table,
                               std::shared_ptr<const Consumer> consumer)
    : table_(std::move(table)),
      consumer_(std::move(consumer)),
      resources_(consumer_ && consumer_->lease
                     ? ResourceTable(HandleForm::kWire, table_->options.max_wire_resources)
                     : ResourceTable(HandleForm::kLocal, table_->options.max_resources)) {}

ServiceSession::~ServiceSession() = default;

Answer<Values> ServiceSession::invoke(const CallContext& context, FunctionId id, Values params) {
  Encoder results;
  if (auto waiting = serve(context, id, std::move(params), results)) return *std::move(waiting);
  return std::move(results).finish();
}

std::optional<Task<Result<Values>>> ServiceSession::invokeInto(const CallContext& context,
                                                               FunctionId id, ByteView params,
                                                               Encoder& results) {
  return serve(context, id, params, results);
}

bool ServiceSession::renew() {
  if (calls_ > 0) return false;
  resources_.dropAll();
  return resources_.capacity() <= kMaxKeptResources;
}

template <typename Params>
std::optional<Task<Result<Values>>> ServiceSession::serve(const CallContext& context, FunctionId id,
                                                          Params params, Encoder& results) {
  if (id.value >= table_->functions.size()) {
    results.fail(ErrorCode::kNotFound, "there is no such function");
    return std::nullopt;
  }
  if (idle_.empty()) idle_.push_back(std::make_unique<ServiceCall>(*this));
  ServiceCall* const call = idle_.back().release();
  idle_.pop_back();

  ++calls_;
  call->begin(context, std::move(params), results);
  const ServiceInvoker::Function& function = table_->functions[id.value];
  function.serve(function.handler, *call);
  // One that waits is its task's.
  if (call->waiting_) return std::exchange(call->waiting_, std::nullopt);
  recycle(call);
  return std::nullopt;
}

void ServiceSession::recycle(ServiceCall* call) {
  std::unique_ptr<ServiceCall> owned(call);
  owned->end();
  --calls_;
  if (idle_.size() < kMaxIdleCalls) idle_.push_back(std::move(owned));
}

}  // namespace nimbus::wrpc
