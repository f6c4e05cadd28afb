#include "engine/component.h"

#include <algorithm>

namespace nimbus::engine {

std::string_view kindName(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kHttpP2: return "http-p2";
    case ComponentKind::kHttpP3: return "http-p3";
    case ComponentKind::kCommandP2: return "command-p2";
    case ComponentKind::kCommandP3: return "command-p3";
  }
  return "unknown";
}

Component::Component(Parts parts) : parts_(std::move(parts)) {
  nimbus_component_needs(parts_.component, &needs_);
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
