#include "engine/component.h"

#include <algorithm>
#include <utility>

#include "engine/ffi.h"

namespace nimbus::engine {

std::string_view kindName(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kHttpP2: return "http-p2";
    case ComponentKind::kHttpP3: return "http-p3";
    case ComponentKind::kCommandP2: return "command-p2";
    case ComponentKind::kCommandP3: return "command-p3";
    case ComponentKind::kLibrary: return "library";
  }
  return "unknown";
}

namespace {

std::vector<ComponentImport> importsOf(const NimbusLinked* linked, const ImportTypes& types) {
  std::vector<ComponentImport> imports;
  const std::size_t import_count = nimbus_linked_import_count(linked);
  for (std::size_t i = 0; i < import_count; ++i) {
    NimbusImport import{};
    nimbus_linked_import(linked, i, &import);
    imports.push_back({.name = std::string(toView(import.name)),
                       .interface = std::string(toView(import.interface)),
                       .functions = {},
                       .takes_requests = import.takes_requests != 0});
  }
  const std::size_t function_count = nimbus_linked_function_count(linked);
  for (std::size_t i = 0; i < function_count; ++i) {
    NimbusImportFunction function{};
    nimbus_linked_function(linked, i, &function);
    ComponentImport& import = imports[function.import_index];
    import.functions.push_back({.wire_name = std::string(toView(function.wire_name)),
                                .index = static_cast<std::uint32_t>(i),
                                .is_async = function.is_async != 0,
                                .results = types.results(import.name, toView(function.wire_name))});
  }
  return imports;
}

}  // namespace

Component::Component(Parts parts) : parts_(std::move(parts)) {
  imports_ = importsOf(parts_.linked, std::exchange(parts_.types, {}));
  nimbus_component_needs(parts_.component, &needs_);
  // Not known of what it imports: one memory at least, for which the largest is taken.
  if (!parts_.modules.empty()) {
    needs_.memories = std::max<std::uint32_t>(1, needs_.memories);
    needs_.max_initial_memory_bytes = parts_.info.largestInitialMemoryBytes();
  }
}

Component::~Component() {
  nimbus_linked_free(parts_.linked);
  nimbus_component_free(parts_.component);
}

const wit::Composition::Label* Component::findLabel(std::string_view import_name) const {
  const auto found = std::ranges::find(parts_.labels, import_name, &wit::Composition::Label::label);
  return found == parts_.labels.end() ? nullptr : &*found;
}

}  // namespace nimbus::engine
