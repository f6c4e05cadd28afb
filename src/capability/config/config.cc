#include "capability/config/config.h"

#include <utility>
#include <vector>

#include "wasi/config/runtime.h"
#include "wasi/config/store.h"
#include "wrpc/service.h"

namespace nimbus::config {
namespace {

using Pairs = std::vector<std::tuple<std::string, std::string>>;

std::optional<std::string> valueOf(const Values& values, std::string_view key) {
  const auto found = values.find(key);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

Pairs pairsOf(const Values& values) { return {values.begin(), values.end()}; }

// Both drafts say the same in other words: `Base` is the generated handler, `Error` its error.
template <typename Base, typename Error>
class Handler final : public Base {
 public:
  explicit Handler(ReadValues read) : read_(std::move(read)) {}

  wrpc::Answer<std::expected<std::optional<std::string>, Error>> get(
      const wrpc::CallContext& /*context*/, std::string_view key) override {
    return valueOf(read_(), key);
  }
  wrpc::Answer<std::expected<Pairs, Error>> getAll(const wrpc::CallContext& /*context*/) override {
    return pairsOf(read_());
  }

 private:
  const ReadValues read_;
};

namespace contract_store = contract::wasi::config::store;
namespace contract_runtime = contract::wasi::config::runtime;

}  // namespace

std::shared_ptr<wrpc::Invoker> serveConfig(Values values) {
  return serveChangingConfig([shared = std::make_shared<const Values>(
                                  std::move(values))]() -> const Values& { return *shared; });
}

std::shared_ptr<wrpc::Invoker> serveChangingConfig(ReadValues read) {
  std::vector<wrpc::Interface> interfaces;
  interfaces.push_back(contract_store::serve(
      std::make_shared<Handler<contract_store::Handler, contract_store::Error>>(read)));
  interfaces.push_back(contract_runtime::serve(
      std::make_shared<Handler<contract_runtime::Handler, contract_runtime::ConfigError>>(
          std::move(read))));
  return std::make_shared<wrpc::ServiceInvoker>(std::move(interfaces));
}

}  // namespace nimbus::config
