#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/manifest/manifest.h"
#include "wit/component_info.h"

namespace nimbus::host {

// An import of one member of a workload that another one serves; both by index
// (WorkloadSpec::member).
struct ComponentLink {
  std::size_t importer = 0;
  std::string import_name;
  std::size_t exporter = 0;
  std::string export_name;
  std::string called_because;  // why calls leave the caller's instance; empty: composed

  friend bool operator==(const ComponentLink&, const ComponentLink&) = default;
};

[[nodiscard]] bool isHttpHandler(const wit::InterfaceName& name);
// Whether an export is an interface that other components may import by calls.
[[nodiscard]] bool isOfferedInterface(const wit::ExternName& name);

// Which imports of a workload's components are exports of others: an interface that exactly one
// other component exports, in a version compatible by the rule of Wasmtime's linker.
//
// Components that export what they import are links of a chain, such as HTTP middleware: each gets
// the next one after it in the manifest, and others get the first; the last one's import is left to
// the host. An entry of hostInterfaces with `provider: component:NAME` comes before all that: who
// imports what it speaks of, under its name, is linked to that component by calls. An import that
// several export otherwise is kInvalidArgument, and names them; so is a middleware of HTTP with
// nothing behind it. The service imports like any other and serves none: who imports what only it
// exports is told so (kUnsupported). A shared component (SharedSpec) serves HTTP requests alone.
// `infos`: of all members. In the order of the members and of
// their imports.
[[nodiscard]] Result<std::vector<ComponentLink>> linkComponents(
    const WorkloadSpec& spec, std::span<const wit::ComponentInfo> infos);

}  // namespace nimbus::host
