#include "host/manifest/provider_ref.h"

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kForms =
    "expected the name of a built-in provider, unix:PATH, tcp:HOST:PORT, nats:PREFIX, "
    "component:NAME or workload:[NAMESPACE/]NAME/COMPONENT";

std::unexpected<Error> invalid(std::string_view text) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is not a provider; {}", inQuotes(text), kForms));
}

Result<ProviderRef> parseComponent(std::string_view text, std::string_view name) {
  if (!isDnsLabel(name)) return invalid(text);
  return ComponentProvider{.workload = "", .component = std::string(name)};
}

Result<ProviderRef> parseWorkload(std::string_view text, std::string_view path) {
  const auto parts = split(path, '/');
  if (parts.size() != 2 && parts.size() != 3) return invalid(text);
  for (const std::string_view part : parts)
    if (!isDnsLabel(part)) return invalid(text);
  const std::string_view workload = path.substr(0, path.rfind('/'));
  return ComponentProvider{.workload = std::string(workload),
                           .component = std::string(parts.back())};
}

}  // namespace

Result<ProviderRef> parseProviderRef(std::string_view text) {
  if (isDnsLabel(text)) return BuiltInProvider{std::string(text)};
  const auto scheme = splitOnce(text, ':');
  if (!scheme) return invalid(text);
  if (scheme->first == "component") return parseComponent(text, scheme->second);
  if (scheme->first == "workload") return parseWorkload(text, scheme->second);
  if (scheme->first == "given" && isDnsName(scheme->second))
    return GivenProvider{std::string(scheme->second)};
  if (scheme->first != "unix" && scheme->first != "tcp" && scheme->first != "nats")
    return invalid(text);
  TRY(auto address, wrpc::ProviderAddress::parse(text));
  if (address.transport == wrpc::ProviderAddress::Transport::kTcp && address.port == 0)
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is not a provider: nobody can be reached at port 0", inQuotes(text)));
  return address;
}

}  // namespace nimbus::host
