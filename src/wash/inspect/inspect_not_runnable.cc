// Why a binary cannot be run, in one line.

#include <fmt/format.h>

#include <algorithm>

#include "base/escape.h"
#include "wash/inspect/inspect.h"

namespace nimbus::wash {
namespace {

using wit::ComponentInfo;

constexpr std::size_t kMostNames = 8;
constexpr std::string_view kNeeded =
    "running it needs an export of wasi:http/incoming-handler@0.2.x, wasi:http/handler@0.3.x or "
    "wasi:cli/run@0.2.x or 0.3.x";

std::string namesText(const std::vector<wit::ExternName>& names) {
  std::string text;
  const std::size_t shown = std::min(names.size(), kMostNames);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    appendEscaped(text, names[i].name);
  }
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

std::string exportsText(const ComponentInfo& info) {
  return info.exports.empty() ? "exports nothing" : "exports " + namesText(info.exports);
}

bool isRunnableInterface(const wit::ExternName& exported) {
  const std::string& interface = exported.parts.interface;
  return interface == "wasi:http/incoming-handler" || interface == "wasi:http/handler" ||
         interface == "wasi:cli/run";
}

std::string explainModule(const ComponentInfo& info) {
  const std::string imports =
      info.imports.empty() ? "" : fmt::format("imports from {} and ", namesText(info.imports));
  return fmt::format(
      "a core module that {}{}; running it needs a component, or a preview 1 module, which exports "
      "_start or has its world in it",
      imports, exportsText(info));
}

}  // namespace

std::string explainNotRunnable(const ComponentInfo& info) {
  if (info.kind == wit::BinaryKind::kModule) return explainModule(info);
  const auto stranger = std::ranges::find_if(info.exports, isRunnableInterface);
  if (stranger != info.exports.end()) {
    const std::string name = escaped(stranger->name);
    const bool is_draft = stranger->parts.version.contains('-');
    return fmt::format("a component that exports {}, {}; {}", name,
                       is_draft ? "a draft, which this host does not run"
                                : "a version or kind that this host does not run",
                       kNeeded);
  }
  return fmt::format("a component that {}; {}", exportsText(info), kNeeded);
}

}  // namespace nimbus::wash
