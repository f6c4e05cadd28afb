#include "http/route_table.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.h"
#include "http/authority.h"
#include "http/http1_fields.h"

namespace nimbus::http {
namespace {

// RFC 1035: no longer name exists.
constexpr std::size_t kMaxHostBytes = 255;

// The host of an authority without port and final dot.
std::string_view hostOf(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) authority = authority.substr(0, colon);
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return authority;
}

// The same in lower case, as the table keeps it, without allocating but for IPv6 addresses. Empty
// if it is longer than any host can be.
class HostName {
 public:
  explicit HostName(std::string_view authority) {
    const std::string_view host = hostOf(authority);
    if (const auto normal = normalIpv6Host(host)) {
      keep(*normal);
    } else if (host.size() <= kMaxHostBytes) {
      keep(host);
    }
  }
  [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

 private:
  void keep(std::string_view host) {
    size_ = host.size();
    for (std::size_t i = 0; i < size_; ++i) text_[i] = lowerAscii(host[i]);
  }

  std::array<char, kMaxHostBytes> text_;
  std::size_t size_ = 0;
};

// Without slashes at the end: "/api/" claims the same as "/api", and "/" is "".
std::string_view withoutFinalSlashes(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::uint32_t segmentsOf(std::string_view path) {
  return static_cast<std::uint32_t>(std::ranges::count(path, '/'));
}

// Where the first `segments` segments of the path end.
std::size_t prefixEnd(std::string_view path, std::uint32_t segments) {
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < segments; ++i) {
    at = path.find('/', at + 1);
    if (at == std::string_view::npos) return path.size();
  }
  return at;
}

// Adds a method to the value of an `allow` field unless it is there.
void allow(std::string& list, std::string_view method) {
  bool listed = false;
  forEachListMember(list, [&](std::string_view member) { listed |= member == method; });
  if (listed) return;
  if (!list.empty()) list += ", ";
  list += method;
}

}  // namespace

// Routes for the same host and path form a list, those with methods first.
struct RouteIndex::Route {
  Route* next = nullptr;
  Paths::value_type* key = nullptr;
  Hosts::value_type* host = nullptr;
  std::unique_ptr<const std::vector<std::string>> methods;  // null: any
  std::uint32_t slot = 0;

  [[nodiscard]] bool takes(std::string_view method) const {
    return methods == nullptr || std::ranges::find(*methods, method) != methods->end();
  }
  [[nodiscard]] bool conflictsWith(const std::vector<std::string>& others) const {
    if (methods == nullptr || others.empty()) return methods == nullptr && others.empty();
    return std::ranges::any_of(others, [this](const std::string& other) { return takes(other); });
  }
};

RouteIndex::~RouteIndex() {
  for (const Slot& slot : slots_) delete slot.route;
}

std::uint32_t RouteIndex::takeSlot(Route& route) {
  std::uint32_t number = 0;
  if (free_slots_.empty()) {
    number = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    number = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[number].route = &route;
  return number;
}

std::expected<RouteId, RouteId> RouteIndex::insert(const RoutePattern& pattern) {
  std::string name = lowerAscii(hostOf(pattern.host));
  if (auto normal = normalIpv6Host(name)) name = *std::move(normal);
  const std::string_view path = withoutFinalSlashes(pattern.path);
  auto host = hosts_.find(name);
  if (host != hosts_.end()) {
    const auto found = paths_.find(PathView{host->second.number, path});
    for (Route* route = found == paths_.end() ? nullptr : found->second; route != nullptr;
         route = route->next) {
      if (route->conflictsWith(pattern.methods)) {
        return std::unexpected(RouteId{route->slot, slots_[route->slot].generation});
      }
    }
  } else {
    host = hosts_.try_emplace(name, Host{.number = next_host_++}).first;
    if (name.starts_with("*.")) suffixes_ += 1;
  }
  host->second.routes += 1;
  host->second.deepest = std::max(host->second.deepest, segmentsOf(path));

  auto route = std::make_unique<Route>();
  route->host = &*host;
  if (!pattern.methods.empty()) {
    route->methods = std::make_unique<const std::vector<std::string>>(pattern.methods);
  }
  const auto key =
      paths_.try_emplace(PathKey{host->second.number, std::string(path)}, nullptr).first;
  route->key = &*key;
  Route** place = &key->second;
  while (route->methods == nullptr && *place != nullptr) place = &(*place)->next;
  route->next = *place;
  *place = route.get();
  route->slot = takeSlot(*route);
  size_ += 1;
  Route* kept = route.release();
  return RouteId{kept->slot, slots_[kept->slot].generation};
}

bool RouteIndex::contains(RouteId id) const {
  return id.slot < slots_.size() && slots_[id.slot].generation == id.generation &&
         slots_[id.slot].route != nullptr;
}

bool RouteIndex::erase(RouteId id) {
  if (!contains(id)) return false;
  const std::unique_ptr<Route> route(std::exchange(slots_[id.slot].route, nullptr));
  slots_[id.slot].generation += 1;
  free_slots_.push_back(id.slot);
  Route** place = &route->key->second;
  while (*place != route.get()) place = &(*place)->next;
  *place = route->next;
  if (route->key->second == nullptr) paths_.erase(paths_.find(route->key->first));
  if (--route->host->second.routes == 0) {
    if (route->host->first.starts_with("*.")) suffixes_ -= 1;
    hosts_.erase(hosts_.find(route->host->first));
  }
  size_ -= 1;
  return true;
}

RouteIndex::Match RouteIndex::match(std::string_view authority, std::string_view path,
                                    std::string_view method) const {
  Match match;
  const HostName name(authority);
  path = path.substr(0, path.find('?'));
  // No name begins with "*.": it would find the pattern itself.
  const bool plain = !name.view().empty() && !name.view().starts_with("*.");
  if (plain && matchHost(name.view(), path, method, match)) return match;
  if (plain && suffixes_ > 0) {
    // One character before the suffix's dot becomes the "*" of the key.
    std::array<char, kMaxHostBytes + 1> text;
    std::ranges::copy(name.view(), text.begin());
    for (std::size_t dot = name.view().find('.', 1); dot != std::string_view::npos;
         dot = name.view().find('.', dot + 1)) {
      text[dot - 1] = '*';
      if (matchHost({&text[dot - 1], name.view().size() - dot + 1}, path, method, match)) {
        return match;
      }
    }
  }
  matchHost({}, path, method, match);
  return match;
}

// True if that host has a route for the request; else `match` knows how near it came.
bool RouteIndex::matchHost(std::string_view key, std::string_view path, std::string_view method,
                           Match& match) const {
  const auto host = hosts_.find(key);
  if (host == hosts_.end()) return false;
  if (match.miss == RouteMiss::kNoHost) match.miss = RouteMiss::kNoPath;
  std::uint32_t segments = std::min(segmentsOf(path), host->second.deepest);
  if (path == "*") segments = 0;
  std::size_t end = prefixEnd(path, segments);
  while (true) {
    const auto found = paths_.find(PathView{host->second.number, path.substr(0, end)});
    if (found != paths_.end() && matchRoutes(found->second, method, match)) return true;
    if (end == 0) return false;
    end = path.rfind('/', end - 1);
    if (end == std::string_view::npos) return false;
  }
}

bool RouteIndex::matchRoutes(const Route* first, std::string_view method, Match& match) {
  for (const Route* route = first; route != nullptr; route = route->next) {
    if (!route->takes(method)) continue;
    match.slot = route->slot;
    return true;
  }
  match.miss = RouteMiss::kMethodNotAllowed;
  for (const Route* route = first; route != nullptr; route = route->next) {
    for (const std::string& allowed : *route->methods) allow(match.allow, allowed);
  }
  return false;
}

}  // namespace nimbus::http
