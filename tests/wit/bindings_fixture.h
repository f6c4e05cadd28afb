#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/test_support.h"
#include "wrpc/client.h"
#include "wrpc/service.h"

namespace nimbus::wrpc {

// A session on handlers of this process, as everybody else would open it. Lives on a shard.
class Local {
 public:
  Local(net::Shard& shard, std::vector<Interface> interfaces, ServiceOptions options = {},
        std::optional<Duration> lease = {})
      : consumer_(consumerWith(lease)),
        invoker_(std::make_shared<ServiceInvoker>(std::move(interfaces), options)),
        session_(invoker_->open(shard, consumer_)),
        space_(std::make_shared<ClientSpace>(*invoker_, *session_)) {}

  [[nodiscard]] const CallContext& context() const { return context_; }
  [[nodiscard]] Invoker& invoker() { return *invoker_; }
  [[nodiscard]] Session& session() { return *session_; }

  // A generated client.
  template <typename Client>
  [[nodiscard]] std::unique_ptr<Client> connect() {
    auto client = Client::connect(space_);
    EXPECT_TRUE(client) << client.error().describe();
    return std::move(*client);
  }

 private:
  static std::shared_ptr<const Consumer> consumerWith(std::optional<Duration> lease) {
    auto consumer = std::make_shared<Consumer>();
    consumer->lease = lease;
    return consumer;
  }

  std::shared_ptr<const Consumer> consumer_;
  CallContext context_{
      .consumer = *consumer_, .deadline = {}, .trace_parent = {}, .results = nullptr};
  std::shared_ptr<ServiceInvoker> invoker_;
  std::unique_ptr<Session> session_;
  std::shared_ptr<ClientSpace> space_;
};

}  // namespace nimbus::wrpc
