#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "dev/plan.h"
#include "project/settings.h"

namespace nimbus::dev {

// The routes of `dev.routes`, each to one of the components, of which the project's own is the
// first; if none is named to the first that is no service, or else to the service.
// kInvalidArgument, "dev.routes[1]: …": a host, path or method that is none, a component
// that is not there or serves no requests, or two routes for the same requests.
[[nodiscard]] Result<std::vector<host::RouteSpec>> planRoutes(
    const std::vector<project::RouteSettings>& settings,
    std::span<const PlannedComponent> components);

}  // namespace nimbus::dev
