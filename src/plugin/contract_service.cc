#include "plugin/contract_service.h"

#include <array>

#include "plugin/abi.h"
#include "wrpc/service.h"

namespace nimbus::plugin {
namespace {

constexpr std::array kAll{Abi::kWasmcloud001, Abi::kWasmcloud002, Abi::kNimbus010};

}  // namespace

std::vector<std::string> contractInterfaces() {
  std::vector<std::string> names;
  for (const Abi abi : kAll) names.emplace_back(adapterOf(abi).typesInterface());
  return names;
}

std::shared_ptr<wrpc::Invoker> contractsWithoutRunners() {
  std::vector<wrpc::Interface> interfaces;
  for (const Abi abi : kAll) interfaces.push_back(adapterOf(abi).serve());
  return std::make_shared<wrpc::ServiceInvoker>(std::move(interfaces));
}

}  // namespace nimbus::plugin
