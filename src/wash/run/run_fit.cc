#include "wash/run/run_fit.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/code_point.h"
#include "base/escape.h"

namespace nimbus::wash {
namespace {

bool handlesHttp(const wit::ComponentInfo& info) {
  const wit::RunKind kind = wit::runKind(info);
  return kind == wit::RunKind::kHttpP2 || kind == wit::RunKind::kHttpP3;
}

bool importsPackage(const wit::ComponentInfo& info, std::string_view package) {
  return std::ranges::any_of(info.imports, [&](const wit::ExternName& import) {
    const std::string_view name = import.parts.package;
    return name.substr(0, name.find('@')) == package;
  });
}

}  // namespace

Result<void> checkFits(const RunDemands& demands, std::string_view path,
                       const wit::ComponentInfo& info) {
  if (handlesHttp(info) && !demands.arguments.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} handles HTTP, and takes no arguments: {}", path,
                            fmt::join(demands.arguments, " ")));
  for (const std::string& argument : demands.arguments) {
    if (firstInvalidUtf8(argument))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("what guests see of their arguments is UTF-8, and {} is not",
                              inQuotes(argument)));
  }
  if (!handlesHttp(info) && !demands.http_flags.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a command, and serves no HTTP: {} is for components that do",
                            path, fmt::join(demands.http_flags, ", ")));
  for (const std::string& provider : demands.providers) {
    const std::string_view package = std::string_view(provider).substr(0, provider.find('='));
    if (!importsPackage(info, package))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--provider {}: {} imports nothing of {}", provider, path, package));
  }
  return {};
}

}  // namespace nimbus::wash
