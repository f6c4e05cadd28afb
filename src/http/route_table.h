#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nimbus::http {

// Names one route of one table; never used again after its route is gone.
struct RouteId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const RouteId&, const RouteId&) = default;
};

// One claim on requests. A request goes to the most specific route that takes it: exact host before
// `*.suffix` (longer first; at least one label stands for the `*`) before any host, then the
// longest path prefix (whole segments; the query does not count), then a route with methods before
// one without. Hosts ignore case, port, a final dot
// and how an IPv6 address is written; paths are compared as they were sent.
struct RoutePattern {
  std::string host = "";                  // "a.example", "*.example", or "" for any
  std::string path = "/";                 // "/api" takes "/api", "/api/x" and "/api?x", not "/apix"
  std::vector<std::string> methods = {};  // empty: any
};

enum class RouteMiss {
  kNoHost,            // no route is for that host
  kNoPath,            // … and for that path
  kMethodNotAllowed,  // … and for that method
};

// The part of RouteTable that does not depend on the target. Internal to it.
class RouteIndex {
 public:
  RouteIndex() = default;
  RouteIndex(const RouteIndex&) = delete;
  RouteIndex& operator=(const RouteIndex&) = delete;
  ~RouteIndex();

  [[nodiscard]] std::expected<RouteId, RouteId> insert(const RoutePattern& pattern);
  bool erase(RouteId id);
  [[nodiscard]] bool contains(RouteId id) const;
  [[nodiscard]] std::size_t size() const { return size_; }

  struct Match {
    std::optional<std::uint32_t> slot;
    RouteMiss miss = RouteMiss::kNoHost;
    std::string allow;  // kMethodNotAllowed: "GET, POST"
  };
  [[nodiscard]] Match match(std::string_view authority, std::string_view path,
                            std::string_view method) const;

 private:
  struct Host {
    std::uint32_t number = 0;
    std::uint32_t routes = 0;
    std::uint32_t deepest = 0;  // most segments of a path that its routes ever had
  };
  struct Route;
  struct PathKey {
    std::uint32_t host;
    std::string path;
  };
  struct PathView {
    std::uint32_t host;
    std::string_view path;
  };
  // noexcept: the maps then store no hashes, which matters with many thousand routes.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(const PathView& key) const noexcept {
      return std::hash<std::string_view>{}(key.path) ^ (key.host * 0x9e3779b97f4a7c15ULL);
    }
    std::size_t operator()(const PathKey& key) const noexcept {
      return (*this)(PathView{key.host, key.path});
    }
  };
  struct PathEqual {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return a.host == b.host && a.path == b.path;
    }
  };
  struct Slot {
    Route* route = nullptr;
    std::uint32_t generation = 0;
  };
  using Hosts = std::unordered_map<std::string, Host, TextHash, std::equal_to<>>;
  using Paths = std::unordered_map<PathKey, Route*, PathHash, PathEqual>;

  [[nodiscard]] std::uint32_t takeSlot(Route& route);
  bool matchHost(std::string_view key, std::string_view path, std::string_view method,
                 Match& match) const;
  static bool matchRoutes(const Route* first, std::string_view method, Match& match);

  Hosts hosts_;  // by "a.example", "*.example", ""
  Paths paths_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t next_host_ = 0;
  std::uint32_t suffixes_ = 0;  // how many hosts begin with "*."
  std::size_t size_ = 0;
};

// The routes of one shard. Look-up, insertion and removal cost the same however many hosts and
// routes there are. Not thread safe.
template <typename Target>
class RouteTable {
 public:
  // The new route's id, or that of the route that claims the same: same host and path, and both
  // take any method, or both name one and the same.
  [[nodiscard]] std::expected<RouteId, RouteId> insert(const RoutePattern& pattern, Target target) {
    auto id = index_.insert(pattern);
    if (!id) return id;
    if (targets_.size() <= id->slot) targets_.resize(id->slot + 1);
    targets_[id->slot].emplace(std::move(target));
    return id;
  }

  // False if there is no such route any more.
  bool erase(RouteId id) {
    if (!index_.erase(id)) return false;
    targets_[id.slot].reset();
    return true;
  }

  // Null if the route is gone.
  [[nodiscard]] Target* find(RouteId id) [[clang::lifetimebound]] {
    return index_.contains(id) ? &*targets_[id.slot] : nullptr;
  }

  struct Match {
    Target* target = nullptr;  // null: see `miss`; valid until the route is erased or one inserted
    RouteMiss miss = RouteMiss::kNoHost;
    std::string allow;  // value of the `allow` field for kMethodNotAllowed
  };
  // `path` is RequestHead::path: with query, or "*", which only routes for "/" take.
  [[nodiscard]] Match match(std::string_view authority, std::string_view path,
                            std::string_view method) [[clang::lifetimebound]] {
    RouteIndex::Match found = index_.match(authority, path, method);
    if (found.slot) return {.target = &*targets_[*found.slot], .allow = {}};
    return {.miss = found.miss, .allow = std::move(found.allow)};
  }

  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  RouteIndex index_;
  std::vector<std::optional<Target>> targets_;
};

}  // namespace nimbus::http
