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
  explicit Handler(std::shared_ptr<const Values> values) : values_(std::move(values)) {}

  wrpc::Answer<std::expected<std::optional<std::string>, Error>> get(
      const wrpc::CallContext& /*context*/, std::string_view key) override {
    return valueOf(*values_, key);
  }
  wrpc::Answer<std::expected<Pairs, Error>> getAll(const wrpc::CallContext& /*context*/) override {
    return pairsOf(*values_);
  }

 private:
  const std::shared_ptr<const Values> values_;
};

namespace contract_store = contract::wasi::config::store;
namespace contract_runtime = contract::wasi::config::runtime;

}  // namespace

std::shared_ptr<wrpc::Invoker> serveConfig(Values values) {
  const auto shared = std::make_shared<const Values>(std::move(values));
  std::vector<wrpc::Interface> interfaces;
  interfaces.push_back(contract_store::serve(
      std::make_shared<Handler<contract_store::Handler, contract_store::Error>>(shared)));
  interfaces.push_back(contract_runtime::serve(
      std::make_shared<Handler<contract_runtime::Handler, contract_runtime::ConfigError>>(shared)));
  return std::make_shared<wrpc::ServiceInvoker>(std::move(interfaces));
}

}  // namespace nimbus::config
