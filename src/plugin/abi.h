#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "plugin/contract.h"
#include "plugin/export_caller.h"
#include "plugin/plugin_info.h"
#include "plugin/runner_services.h"
#include "wrpc/handles.h"
#include "wrpc/service.h"

namespace nimbus::plugin {

// One contract between `wash` and plugins: what of it is served to an instance, and how an
// instance is called. What the newest contract cannot say to an older one is left out.
//
// Stateless; any thread. An error that the plugin itself returned is kInvalidArgument with its
// message; everything else is a failure of the call.
class AbiAdapter {
 public:
  virtual ~AbiAdapter() = default;

  // "nimbus:wash/types@0.1.0"
  [[nodiscard]] virtual std::string_view typesInterface() const = 0;
  [[nodiscard]] virtual std::string_view pluginInterface() const = 0;

  // The interface that plugins import: resources only.
  [[nodiscard]] virtual wrpc::Interface serve() const = 0;
  [[nodiscard]] virtual const wrpc::ResourceType& runnerType() const = 0;
  // `services` outlives it.
  [[nodiscard]] virtual std::unique_ptr<wrpc::Resource> makeRunner(
      RunnerServices& services) const = 0;

  using Runner = ExportCaller::Handle;
  // What the plugin says of itself; not checked, and without what its binary says.
  [[nodiscard]] virtual Task<Result<PluginInfo>> info(ExportCaller& caller) const = 0;
  [[nodiscard]] virtual Task<Result<void>> initialize(ExportCaller& caller,
                                                      Runner runner) const = 0;
  [[nodiscard]] virtual Task<Result<std::string>> run(ExportCaller& caller, Runner runner,
                                                      types::Invocation invocation) const = 0;
  [[nodiscard]] virtual Task<Result<std::string>> hook(ExportCaller& caller, Runner runner,
                                                       types::Event event) const = 0;
  // The hook that older contracts have for plugins that serve `wash dev`; an empty text where there
  // is none.
  [[nodiscard]] virtual Task<Result<std::string>> devRegister(ExportCaller& caller,
                                                              Runner runner) const = 0;
  [[nodiscard]] virtual Task<Result<std::vector<types::Finding>>> check(ExportCaller& caller,
                                                                        Runner runner) const = 0;
};

[[nodiscard]] const AbiAdapter& adapterOf(Abi abi);

// The contract whose plugin interface stands among these exports; kUnsupported if there is none
// that is known here, or several.
[[nodiscard]] Result<Abi> abiOf(const std::vector<std::string>& exports);

}  // namespace nimbus::plugin
