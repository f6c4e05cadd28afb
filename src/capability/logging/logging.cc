#include "capability/logging/logging.h"

#include <utility>
#include <vector>

#include "wasi/logging/logging.h"
#include "wrpc/service.h"

namespace nimbus::logging {
namespace {

namespace contract_logging = contract::wasi::logging::logging;

class Handler final : public contract_logging::Handler {
 public:
  explicit Handler(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}

  wrpc::Answer<void> log(const wrpc::CallContext& context, contract_logging::Level level,
                         std::string_view group, std::string_view message) override {
    sink_->record(context.consumer, static_cast<Level>(level), group, message);
    return Result<void>();
  }

 private:
  const std::shared_ptr<Sink> sink_;
};

}  // namespace

std::shared_ptr<wrpc::Invoker> serveLogging(std::shared_ptr<Sink> sink) {
  std::vector<wrpc::Interface> interfaces;
  interfaces.push_back(contract_logging::serve(std::make_shared<Handler>(std::move(sink))));
  return std::make_shared<wrpc::ServiceInvoker>(std::move(interfaces));
}

}  // namespace nimbus::logging
