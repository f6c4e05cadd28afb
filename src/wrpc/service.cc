#include "wrpc/service.h"

#include "base/check.h"
#include "wrpc/service_call.h"
#include "wrpc/service_session.h"

namespace nimbus::wrpc {

namespace {

// Ended calls that a session keeps for later ones.
constexpr std::size_t kMaxIdleCalls = 16;

std::string key(const FunctionName& name) {
  std::string joined(name.instance);
  joined += '\n';
  joined += name.function;
  return joined;
}

class OpenSession final : public Session {
 public:
  explicit OpenSession(std::shared_ptr<ServiceSession> session) : session_(std::move(session)) {}
  ~OpenSession() override { session_->close(); }

  [[nodiscard]] Eventual<Result<Values>> invoke(const CallContext& context, FunctionId function,
                                                Values params) override {
    return session_->invoke(context, function, std::move(params));
  }
  void drop(ByteView handle) override { session_->drop(handle); }

 private:
  std::shared_ptr<ServiceSession> session_;
};

}  // namespace

ServiceInvoker::ServiceInvoker(std::vector<Interface> interfaces, ServiceOptions options) {
  auto table = std::make_shared<Table>();
  table->options = options;
  table->interfaces = std::move(interfaces);
  for (const Interface& interface : table->interfaces) {
    for (const InterfaceFunction& function : interface.functions) {
      ids_.try_emplace(key({interface.instance, function.name}), table->functions.size());
      table->functions.push_back({function.serve, interface.handler.get()});
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

std::unique_ptr<Session> ServiceInvoker::open(net::Shard& /*shard*/,
                                              std::shared_ptr<const Consumer> consumer) {
  return std::make_unique<OpenSession>(
      std::make_shared<ServiceSession>(table_, std::move(consumer)));
}

std::vector<std::string_view> ServiceInvoker::instances() const {
  std::vector<std::string_view> names;
  for (const Interface& interface : table_->interfaces) names.push_back(interface.instance);
  return names;
}

ServiceSession::ServiceSession(std::shared_ptr<const ServiceInvoker::Table> table,
                               std::shared_ptr<const Consumer> consumer)
    : table_(std::move(table)),
      consumer_(std::move(consumer)),
      resources_(table_->options.handles, table_->options.max_resources) {}

ServiceSession::~ServiceSession() = default;

Answer<Values> ServiceSession::invoke(const CallContext& context, FunctionId id, Values params) {
  if (id.value >= table_->functions.size())
    return fail(ErrorCode::kNotFound, "there is no such function");
  if (idle_.empty()) idle_.push_back(std::make_unique<ServiceCall>(*this));
  ServiceCall* const call = idle_.back().release();
  idle_.pop_back();

  call->begin(context, std::move(params));
  const ServiceInvoker::Function& function = table_->functions[id.value];
  Answer<Values> results = function.serve(function.handler, *call);
  if (!call->kept_) recycle(call);
  return results;
}

void ServiceSession::recycle(ServiceCall* call) {
  std::unique_ptr<ServiceCall> owned(call);
  owned->end();
  if (idle_.size() < kMaxIdleCalls) idle_.push_back(std::move(owned));
}

}  // namespace nimbus::wrpc
