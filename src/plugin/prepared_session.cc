#include "plugin/prepared_session.h"

#include <utility>

namespace nimbus::plugin {
namespace {

class SharedSession final : public wrpc::Session {
 public:
  explicit SharedSession(std::shared_ptr<wrpc::GivingSession> session)
      : session_(std::move(session)) {}

  [[nodiscard]] Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& context,
                                                      wrpc::FunctionId function,
                                                      wrpc::Values params) override {
    return session_->invoke(context, function, std::move(params));
  }
  void drop(ByteView handle) override { session_->drop(handle); }
  [[nodiscard]] bool owns(ByteView handle) const override { return session_->owns(handle); }
  [[nodiscard]] bool inUse() const override { return session_->inUse(); }

 private:
  const std::shared_ptr<wrpc::GivingSession> session_;
};

}  // namespace

PreparedSession::PreparedSession(std::shared_ptr<wrpc::ServiceInvoker> service, net::Shard& shard)
    : service_(std::move(service)),
      session_(service_->openToGive(shard, std::make_shared<wrpc::Consumer>())) {}

std::unique_ptr<wrpc::Session> PreparedSession::open(
    net::Shard& /*shard*/, std::shared_ptr<const wrpc::Consumer> /*consumer*/) {
  return std::make_unique<SharedSession>(session_);
}

}  // namespace nimbus::plugin
