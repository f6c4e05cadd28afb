#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wrpc/invoker.h"

// For the tests of this folder only.
namespace nimbus::engine {

// Answers calls by a function of the test, and writes down what happens.
class TestInvoker final : public wrpc::Invoker {
 public:
  using Answer = std::function<Eventual<Result<wrpc::Values>>(const std::string& function,
                                                              std::string params)>;

  explicit TestInvoker(Answer answer) : answer_(std::move(answer)) {}

  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    if (name.function == unknown_) return fail(ErrorCode::kNotFound, "no such function");
    instances_.emplace_back(name.instance);
    functions_.emplace_back(name.function);
    return wrpc::FunctionId{functions_.size() - 1};
  }

  std::unique_ptr<wrpc::Session> open(net::Shard& /*shard*/,
                                      std::shared_ptr<const wrpc::Consumer> /*consumer*/) override {
    events_.emplace_back("open");
    return std::make_unique<TestSession>(*this);
  }

  void makeUnknown(std::string function) { unknown_ = std::move(function); }
  // Sessions serve one instance after another.
  void letRenew() { renews_ = true; }
  [[nodiscard]] const std::vector<std::string>& instances() const { return instances_; }
  // "open", "drop <handle>", "renew", "close", and what the test adds.
  [[nodiscard]] std::vector<std::string>& events() { return events_; }
  [[nodiscard]] const std::optional<TimePoint>& lastDeadline() const { return last_deadline_; }

 private:
  class TestSession final : public wrpc::Session {
   public:
    explicit TestSession(TestInvoker& owner) : owner_(owner) {}
    ~TestSession() override { owner_.events_.emplace_back("close"); }
    Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& context,
                                          wrpc::FunctionId function, wrpc::Values params) override {
      owner_.last_deadline_ = context.deadline;
      return owner_.answer_(owner_.functions_[function.value],
                            std::string(asText(params.bytes.flatten())));
    }
    void drop(ByteView handle) override {
      owner_.events_.push_back("drop " + std::string(asText(handle)));
    }
    bool renew() override {
      if (owner_.renews_) owner_.events_.emplace_back("renew");
      return owner_.renews_;
    }

   private:
    TestInvoker& owner_;
  };

  Answer answer_;
  std::string unknown_ = "none";
  bool renews_ = false;
  std::vector<std::string> instances_;
  std::vector<std::string> functions_;
  std::vector<std::string> events_;
  std::optional<TimePoint> last_deadline_;
};

[[nodiscard]] inline Result<wrpc::Values> encoded(std::string_view bytes) {
  wrpc::Values values;
  values.bytes.append(asBytes(bytes));
  return values;
}

}  // namespace nimbus::engine
