#pragma once

#include <memory>
#include <vector>

#include "wrpc/resource_table.h"
#include "wrpc/service.h"
#include "wrpc/service_call.h"

namespace nimbus::wrpc {

// What one consumer has open with a ServiceInvoker. Calls that still run when their session is
// destroyed keep this object, and with it what they borrowed; all other resources go at once.
class ServiceSession final : public std::enable_shared_from_this<ServiceSession> {
 public:
  ServiceSession(std::shared_ptr<const ServiceInvoker::Table> table,
                 std::shared_ptr<const Consumer> consumer);
  ~ServiceSession();

  // As those of Session.
  [[nodiscard]] Answer<Values> invoke(const CallContext& context, FunctionId function,
                                      Values params);
  [[nodiscard]] std::optional<Task<Result<Values>>> invokeInto(const CallContext& context,
                                                               FunctionId function, ByteView params,
                                                               Encoder& results);
  void drop(ByteView handle) { resources_.drop(handle); }
  void close() { resources_.dropAll(); }
  [[nodiscard]] bool renew();

  [[nodiscard]] ResourceTable& resources() { return resources_; }
  [[nodiscard]] const ServiceOptions& options() const { return table_->options; }
  [[nodiscard]] std::size_t callCount() const { return calls_; }
  // Back from a call that has ended.
  void recycle(ServiceCall* call);

 private:
  // Has a function's code serve a call that has begun: see Session::invokeInto.
  template <typename Params>
  std::optional<Task<Result<Values>>> serve(const CallContext& context, FunctionId function,
                                            Params params, Encoder& results);

  std::shared_ptr<const ServiceInvoker::Table> table_;
  std::shared_ptr<const Consumer> consumer_;
  ResourceTable resources_;
  std::size_t calls_ = 0;
  std::vector<std::unique_ptr<ServiceCall>> idle_;
};

}  // namespace nimbus::wrpc
