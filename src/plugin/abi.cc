#include "plugin/abi.h"

#include <algorithm>
#include <array>
#include <optional>

#include "plugin/nimbus_abi.h"
#include "plugin/wasmcloud_abi.h"

namespace nimbus::plugin {

const AbiAdapter& adapterOf(Abi abi) {
  switch (abi) {
    case Abi::kWasmcloud001: return wasmcloudAbi001();
    case Abi::kWasmcloud002: return wasmcloudAbi002();
    case Abi::kNimbus010: break;
  }
  return nimbusAbi();
}

Result<Abi> abiOf(const std::vector<std::string>& exports) {
  std::optional<Abi> found;
  for (const Abi abi : {Abi::kWasmcloud001, Abi::kWasmcloud002, Abi::kNimbus010}) {
    if (std::ranges::find(exports, adapterOf(abi).pluginInterface()) == exports.end()) continue;
    if (found) return fail(ErrorCode::kUnsupported, "the component is a plugin in two versions");
    found = abi;
  }
  if (found) return *found;
  const auto other = std::ranges::find_if(
      exports, [](const std::string& name) { return name.contains(":wash/plugin@"); });
  if (other != exports.end()) {
    return fail(ErrorCode::kUnsupported, "the component exports " + *other +
                                             ", a version of plugins that is not known here");
  }
  return fail(ErrorCode::kUnsupported,
              "the component is no plugin: it does not export nimbus:wash/plugin@0.1.0, "
              "wasmcloud:wash/plugin@0.0.2 or wasmcloud:wash/plugin@0.0.1");
}

}  // namespace nimbus::plugin
