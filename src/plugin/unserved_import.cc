#include "plugin/unserved_import.h"

#include <utility>

namespace nimbus::plugin {
namespace {

class Unserved final : public wrpc::Invoker {
 public:
  explicit Unserved(std::string interface) : interface_(std::move(interface)) {}

  [[nodiscard]] Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& /*name*/) override {
    return wrpc::FunctionId{0};
  }
  [[nodiscard]] std::unique_ptr<wrpc::Session> open(
      net::Shard& /*shard*/, std::shared_ptr<const wrpc::Consumer> /*consumer*/) override {
    return std::make_unique<Refusing>(interface_);
  }

 private:
  class Refusing final : public wrpc::Session {
   public:
    explicit Refusing(std::string interface) : interface_(std::move(interface)) {}
    [[nodiscard]] Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& /*context*/,
                                                        wrpc::FunctionId /*function*/,
                                                        wrpc::Values /*params*/) override {
      return Result<wrpc::Values>(
          fail(ErrorCode::kUnsupported, "plugins are not served " + interface_ + " here"));
    }
    void drop(ByteView /*handle*/) override {}

   private:
    const std::string interface_;
  };

  const std::string interface_;
};

}  // namespace

std::shared_ptr<wrpc::Invoker> unservedImport(std::string interface) {
  return std::make_shared<Unserved>(std::move(interface));
}

}  // namespace nimbus::plugin
