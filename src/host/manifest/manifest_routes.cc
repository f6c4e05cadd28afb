#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/manifest_reader.h"
#include "host/manifest/route_claim.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

// The normal form of a route's host or path; what is wrong with it is reported.
void takeNormal(YamlMap& map, std::string_view key, Result<std::string> normal, std::string& into) {
  if (normal) {
    into = *std::move(normal);
  } else {
    map.problem(key, fmt::format("{}: {}", map.pathOf(key), normal.error().message()));
  }
}

void readMethods(ManifestContext& context, YamlMap& map, RouteSpec& route) {
  const auto add = [&](std::uint32_t line, const std::string& method) {
    if (const auto good = checkRouteMethod(method); !good)
      context.problems.report(line, fmt::format("{}: {}", map.path(), good.error().message()));
    else if (isOneOf(route.methods, method))
      context.problems.report(line, fmt::format("{}: duplicate method {}", map.path(), method));
    else
      route.methods.push_back(method);
  };
  const YamlNode* single = map.find("method");
  if (single != nullptr)
    if (const auto text = map.text("method")) add(single->line, *text);
  if (single != nullptr && map.has("methods"))
    map.problem("methods", fmt::format("{}: expected one of method and methods", map.path()));
  const YamlNode* list = map.find("methods");
  map.eachText("methods",
               [&](const YamlNode& node, const std::string& text) { add(node.line, text); });
  if (list != nullptr && list->kind == YamlNode::Kind::kSequence && list->items.empty())
    map.problem("methods", fmt::format("{} is empty; leave it out to take every method",
                                       map.pathOf("methods")));
}

void readRouteComponent(const WorkloadSpec& spec, YamlMap& map, RouteSpec& route) {
  const auto named = map.text("component");
  if (!named && spec.components.size() <= 1 && spec.memberCount() > 0) {
    route.component = spec.member(0).name;  // or else the service
  } else if (!named && spec.components.size() > 1 && !map.has("component")) {
    map.problem("path", fmt::format("{}.component is missing; the workload has {} components",
                                    map.path(), spec.components.size()));
  } else if (named) {
    route.component = *named;
    const bool known = std::ranges::any_of(
        spec.members(), [&](const ComponentSpec& other) { return other.name == *named; });
    if (!known)
      map.problem("component", fmt::format("{}: the workload has no component {}",
                                           map.pathOf("component"), inQuotes(*named)));
  }
}

void readRoute(ManifestContext& context, YamlMap map) {
  RouteSpec route;
  if (const auto host = map.text("host"))
    takeNormal(map, "host", normalRouteHost(*host), route.host);
  if (const auto path = map.text("path"))
    takeNormal(map, "path", normalRoutePath(*path), route.path);
  readMethods(context, map, route);
  readRouteComponent(context.spec, map, route);
  map.finish();
  std::vector<RouteSpec>& routes = context.spec.routes;
  const auto same =
      std::ranges::find_if(routes, [&](const RouteSpec& other) { return sameClaim(other, route); });
  if (same != routes.end())
    map.problem(map.has("path") ? "path" : "host",
                fmt::format("{} claims the same requests as http.routes[{}]", map.path(),
                            same - routes.begin()));
  routes.push_back(std::move(route));
}

bool servesHttp(const HostInterface& host_interface) {
  return host_interface.namespace_name == "wasi" && host_interface.package == "http" &&
         (host_interface.interfaces.empty() ||
          isOneOf(host_interface.interfaces, "incoming-handler") ||
          isOneOf(host_interface.interfaces, "handler"));
}

// A route written out takes precedence over one that follows from an interface.
void addInterfaceRoute(ManifestContext& context, std::string_view text, std::uint32_t line) {
  const auto host = normalRouteHost(text);
  if (!host || host->empty())
    return context.problems.report(
        line,
        fmt::format("hostInterfaces: {}", host ? "the host is empty" : host.error().message()));
  RouteSpec route{.host = *host, .methods = {}, .component = context.spec.member(0).name};
  const bool written = std::ranges::any_of(
      context.spec.routes, [&](const RouteSpec& other) { return sameClaim(other, route); });
  if (!written) context.spec.routes.push_back(std::move(route));
}

// wasmCloud's way to name hosts: `host` and the comma list `host-aliases` in the configuration of
// wasi:http, meant for the first component, or for the service if there is nothing else.
void addInterfaceRoutes(ManifestContext& context, const YamlNode& list) {
  if (context.spec.memberCount() == 0) return;
  const std::size_t count = std::min(list.items.size(), context.spec.host_interfaces.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!servesHttp(context.spec.host_interfaces[i])) continue;
    const std::uint32_t line = list.items[i].line;
    const StringMap& config = context.spec.host_interfaces[i].config;
    if (const auto host = config.find("host"); host != config.end())
      addInterfaceRoute(context, trim(host->second), line);
    const auto aliases = config.find("host-aliases");
    if (aliases == config.end()) continue;
    for (const std::string_view alias : split(aliases->second, ','))
      if (!trim(alias).empty()) addInterfaceRoute(context, trim(alias), line);
  }
}

}  // namespace

void readRoutes(ManifestContext& context, YamlMap& body) {
  if (auto http = body.map("http")) {
    http->eachMap("routes", kMaxRoutes, [&](YamlMap map) { readRoute(context, std::move(map)); });
    http->finish();
  }
  const YamlNode* interfaces = body.find("hostInterfaces");
  if (interfaces != nullptr) addInterfaceRoutes(context, *interfaces);
  if (context.spec.routes.size() > kMaxRoutes)
    body.problem("http", fmt::format("more than {} routes", kMaxRoutes));
}

}  // namespace nimbus::host
