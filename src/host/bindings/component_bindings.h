#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "capability/logging/logging.h"
#include "engine/import_set.h"
#include "host/bindings/bindings.h"
#include "host/bindings/providers.h"
#include "host/manifest/manifest.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// An import that is not the engine's own, of a component or of one that was composed into it.
struct WantedImport {
  const ComponentSpec* owner;  // whose import it is
  std::string name;            // as the owner has it: the interface, or a label
  std::string interface;       // "wasi:keyvalue/store@0.2.0-draft"
  std::string composed_name;   // as in the binary: the same, unless composing gave it a label
};

// Who serves it. Imports of one binding share consumer and Invoker, and so their resources.
struct BoundImport {
  WantedImport import;
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer;
  std::shared_ptr<engine::RequestTarget> requests;  // instead of both, if it takes HTTP requests
};

struct ComponentBindings {
  std::vector<BoundImport> imports;
  std::vector<BindingUse> uses;
};

// An import that another component of the workload serves, which is linked by calls.
struct CalledImport {
  const ComponentSpec* owner;
  std::string name;         // as the owner has it
  std::string export_name;  // of the component that serves it
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer;   // one for all that the owner imports from it
  std::shared_ptr<engine::RequestTarget> requests;  // instead of both, if it takes HTTP requests
};

struct BindingParties {
  const WorkloadSpec& workload;
  std::uint64_t generation;
  CallGraph& calls;  // outlives the bindings
  // Where the records of a component go.
  std::function<std::shared_ptr<logging::Sink>(const ComponentSpec&)> log_of;
};

// Finds for each import the manifest's entry that speaks of it, and binds it to that provider:
// an import under a label to the entry of that name, any other to one without a name. kNotFound if
// there is none, naming each such import and what would provide it. On the control shard.
[[nodiscard]] Result<ComponentBindings> bindImports(const BindingParties& parties,
                                                    std::span<const WantedImport> imports,
                                                    Providers& providers, BindingTable& table);

}  // namespace nimbus::host
