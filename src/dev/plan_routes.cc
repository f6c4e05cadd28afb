#include "dev/plan_routes.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/route_claim.h"
#include "host/manifest/text_rules.h"

namespace nimbus::dev {
namespace {

Result<std::string> componentOf(const project::RouteSettings& settings,
                                std::span<const PlannedComponent> components) {
  if (settings.component.empty()) {
    const auto first = std::ranges::find_if(components, &PlannedComponent::isForRequests);
    if (first != components.end()) return first->spec.name;
    return std::ranges::find_if(components, &PlannedComponent::service)->spec.name;
  }
  const auto found = std::ranges::find_if(components, [&](const PlannedComponent& component) {
    return component.spec.name == settings.component;
  });
  if (found == components.end())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no component {}", inQuotes(settings.component)));
  if (found->host_plugin)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is of dev.host_plugins, which serve no requests",
                            inQuotes(settings.component)));
  return settings.component;
}

Result<host::RouteSpec> routeOf(const project::RouteSettings& settings,
                                std::span<const PlannedComponent> components) {
  host::RouteSpec route;
  if (!settings.host.empty()) {
    TRY(route.host, host::normalRouteHost(settings.host));
  }
  if (!settings.path.empty()) {
    TRY(route.path, host::normalRoutePath(settings.path));
  }
  for (const std::string& method : settings.methods) {
    TRY_VOID(host::checkRouteMethod(method));
    if (isOneOf(route.methods, method))
      return fail(ErrorCode::kInvalidArgument, "duplicate method " + method);
    route.methods.push_back(method);
  }
  TRY(route.component, componentOf(settings, components));
  return route;
}

}  // namespace

Result<std::vector<host::RouteSpec>> planRoutes(const std::vector<project::RouteSettings>& settings,
                                                std::span<const PlannedComponent> components) {
  std::vector<host::RouteSpec> routes;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const std::string name = fmt::format("dev.routes[{}]", i);
    auto route = routeOf(settings[i], components);
    if (!route)
      return fail(route.error().code(), fmt::format("{}: {}", name, route.error().message()));
    const auto same = std::ranges::find_if(
        routes, [&](const host::RouteSpec& other) { return host::sameClaim(other, *route); });
    if (same != routes.end())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is for the same requests as dev.routes[{}]", name,
                              same - routes.begin()));
    routes.push_back(*std::move(route));
  }
  return routes;
}

}  // namespace nimbus::dev
