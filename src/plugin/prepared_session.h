#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "wrpc/invoker.h"
#include "wrpc/service.h"

namespace nimbus::plugin {

// A session that is there before the instance that uses it: whoever calls the instance can put
// resources into it, and pass their handles as parameters. All who open it share it, which is meant
// for one instance. Made and used on one shard; its last user or owner ends it.
class PreparedSession final : public wrpc::Invoker {
 public:
  PreparedSession(std::shared_ptr<wrpc::ServiceInvoker> service, net::Shard& shard);

  [[nodiscard]] Result<std::string> give(const wrpc::ResourceType& type,
                                         std::unique_ptr<wrpc::Resource> resource) {
    return session_->give(type, std::move(resource));
  }

  [[nodiscard]] Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    return service_->resolve(name);
  }
  [[nodiscard]] std::shared_ptr<const wrpc::TupleShape> parameters(
      wrpc::FunctionId id) const override {
    return service_->parameters(id);
  }
  [[nodiscard]] std::unique_ptr<wrpc::Session> open(
      net::Shard& shard, std::shared_ptr<const wrpc::Consumer> consumer) override;

 private:
  const std::shared_ptr<wrpc::ServiceInvoker> service_;
  const std::shared_ptr<wrpc::GivingSession> session_;
};

}  // namespace nimbus::plugin
