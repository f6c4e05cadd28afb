#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/digest.h"
#include "engine/import_types.h"
#include "engine/slice_history.h"
#include "rust/engine.h"
#include "wit/component_info.h"
#include "wit/compose.h"
#include "wrpc/invoker.h"

namespace nimbus::engine {

// What a component is run as, by what it exports; a library only serves calls of its exports.
enum class ComponentKind { kHttpP2, kHttpP3, kCommandP2, kCommandP3, kLibrary };

[[nodiscard]] std::string_view kindName(ComponentKind kind);  // "http-p2", …
[[nodiscard]] inline bool isHttp(ComponentKind kind) {
  return kind == ComponentKind::kHttpP2 || kind == ComponentKind::kHttpP3;
}

// An import that the engine does not have itself: an Invoker must provide it (import_set.h).
struct ComponentImport {
  struct Function {
    std::string wire_name;  // "get", "bucket.get", "bucket" for the constructor
    std::uint32_t index = 0;
    bool is_async = false;
    std::shared_ptr<const wrpc::TupleShape> results = nullptr;  // null: not known beforehand
  };
  std::string name;       // as in the binary: an interface or a label; empty: the world itself
  std::string interface;  // that it implements: the same unless the name is a label
  std::vector<Function> functions;  // none: it defines resources that other imports use
  // It takes HTTP requests, and has no functions: a RequestTarget must serve it (import_set.h).
  bool takes_requests = false;

  // Something must provide it.
  [[nodiscard]] bool isCalled() const { return takes_requests || !functions.empty(); }
};

// One component, or several composed into one, compiled and with its imports resolved: what
// instances are made from. Shared by all workloads whose component has the same digest; immutable
// but for slices(); any thread.
class Component {
 public:
  struct Parts {
    Sha256 digest;
    ComponentKind kind;
    wit::ComponentInfo info;
    std::size_t slots;  // components inside that see a context of their own; at least 1
    std::vector<wit::Composition::Label> labels;  // of the imports that are one component's own
    ImportTypes types;
    // Taken out of it, and kept for the next one that has the same.
    std::vector<std::shared_ptr<const NimbusCoreModule>> modules;
    NimbusComponent* component;  // taken over
    NimbusLinked* linked;        // taken over
  };
  // Keeps of `types` what its imports need.
  explicit Component(Parts parts);
  ~Component();
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  [[nodiscard]] const Sha256& digest() const { return parts_.digest; }
  [[nodiscard]] ComponentKind kind() const { return parts_.kind; }
  [[nodiscard]] const wit::ComponentInfo& info() const { return parts_.info; }
  // At the positions by which the engine knows them.
  [[nodiscard]] const std::vector<ComponentImport>& imports() const { return imports_; }
  // Instances need a context joined of as many: GuestContext::join.
  [[nodiscard]] std::size_t slots() const { return parts_.slots; }
  // For an import under a label that composing gave it: whose import it is, and its name there.
  [[nodiscard]] const wit::Composition::Label* findLabel(std::string_view import_name) const;
  [[nodiscard]] const NimbusComponentNeeds& needs() const { return needs_; }
  [[nodiscard]] const NimbusLinked* linked() const { return parts_.linked; }
  // Of all its guests; the one thing that changes.
  [[nodiscard]] SliceHistory& slices() const { return slices_; }

 private:
  Parts parts_;
  std::vector<ComponentImport> imports_;
  NimbusComponentNeeds needs_{};
  mutable SliceHistory slices_;
};

}  // namespace nimbus::engine
