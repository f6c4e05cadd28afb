#include "project/languages/package_manager.h"

#include "project/languages/results.h"

namespace nimbus::project {

std::string packageManagerOf(const std::filesystem::path& folder,
                             const TypeScriptSettings& settings) {
  if (isThere(folder / "pnpm-lock.yaml")) return "pnpm";
  if (isThere(folder / "yarn.lock")) return "yarn";
  return settings.package_manager;
}

}  // namespace nimbus::project
