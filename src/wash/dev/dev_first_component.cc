#include "wash/dev/dev_first_component.h"

#include <algorithm>
#include <utility>

#include "base/files.h"
#include "oci/base64.h"
#include "plugin/hook_runner.h"

namespace nimbus::wash {
namespace {

// As much as fits into a context in base 64, beside other things.
constexpr std::size_t kMaxBytes =
    plugin::HookContext::kMaxTotalBytes / 4 * 3 - (std::size_t{1} << 20);

bool wantsBytes(const plugin::InstalledPlugin& installed) {
  const plugin::PluginInfo& info = installed.plugin.info;
  return info.abi != plugin::Abi::kNimbus010 &&
         plugin::hasHook(info, plugin::types::Phase::kAfter, "dev");
}

}  // namespace

DevFirstComponent::DevFirstComponent(const Plugins& plugins)
    : bytes_wanted_(std::ranges::any_of(plugins.installed(), wantsBytes)) {}

void DevFirstComponent::note(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (path_) return;
  if (bytes_wanted_) {
    auto bytes = readFile(path, kMaxBytes);
    if (!bytes && bytes.error().code() == ErrorCode::kNotFound) return;  // what is not built here
    if (bytes) bytes_ = *std::move(bytes);
  }
  path_ = path;
}

Result<void> DevFirstComponent::tell(plugin::HookContext& context) const {
  const std::lock_guard lock(mutex_);
  if (!path_) return {};
  TRY_VOID(context.set("dev.component_path", *path_));
  if (!bytes_) return {};
  TRY_VOID(context.set("dev.component_bytes_base64", oci::base64Encoded(*bytes_)));
  return {};
}

}  // namespace nimbus::wash
