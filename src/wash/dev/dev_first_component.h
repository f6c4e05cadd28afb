#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "plugin/hook_context.h"
#include "wash/plugins/plugins.h"

namespace nimbus::wash {

// The component that `wash dev` began with, for the hooks behind it: where it lies
// (`dev.component_path`), and for plugins of the older contracts, which cannot read files of the
// project, its bytes (`dev.component_bytes_base64`), unless they are too many. Any thread.
class DevFirstComponent {
 public:
  explicit DevFirstComponent(const Plugins& plugins);

  // Of every good build; the first one counts.
  void note(const std::string& path);
  // kResourceExhausted: there is no room for it in the context.
  [[nodiscard]] Result<void> tell(plugin::HookContext& context) const;

 private:
  const bool bytes_wanted_;
  mutable std::mutex mutex_;
  std::optional<std::string> path_;
  std::optional<std::string> bytes_;  // read at once: later builds replace the file
};

}  // namespace nimbus::wash
