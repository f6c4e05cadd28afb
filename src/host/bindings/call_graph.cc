#include "host/bindings/call_graph.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nimbus::host {
namespace {

std::string nodeOf(std::string_view workload, std::string_view component) {
  return fmt::format("{}/{}", workload, component);
}

}  // namespace

class CallGraph::Edge {
 public:
  Edge(Entries& entries, Entries::iterator place) : entries_(entries), place_(place) {}
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;
  ~Edge() { entries_.erase(place_); }

 private:
  Entries& entries_;
  const Entries::iterator place_;
};

// Looks for a way from one component to another; depth is bounded by the components there are, and
// each is looked at once. With a stack of its own, because who writes manifests chooses the depth.
struct CallGraph::Search {
  const Entries& entries;
  const Caller& caller;  // edges of its workload's other generations do not count

  std::vector<std::string> way(const std::string& from, const std::string& to) const {
    std::map<std::string, std::string> reached_from{{from, ""}};
    std::vector<std::string> open{from};
    while (!open.empty()) {
      const std::string node = std::move(open.back());
      open.pop_back();
      if (node == to) return back(reached_from, to);
      const auto [begin, end] = entries.equal_range(node);
      for (auto edge = begin; edge != end; ++edge) {
        const Entry& entry = edge->second;
        if (entry.workload == caller.workload && entry.generation != caller.generation) continue;
        if (reached_from.emplace(entry.to, node).second) open.push_back(entry.to);
      }
    }
    return {};
  }

  static std::vector<std::string> back(const std::map<std::string, std::string>& reached_from,
                                       const std::string& to) {
    std::vector<std::string> way;
    for (std::string node = to; !node.empty(); node = reached_from.at(node))
      way.insert(way.begin(), node);
    return way;
  }
};

Result<std::shared_ptr<CallGraph::Edge>> CallGraph::add(const Caller& caller,
                                                        const Called& called) {
  const std::string from = nodeOf(caller.workload, caller.component);
  const std::string to = nodeOf(called.workload, called.component);
  const auto way = Search{entries_, caller}.way(to, from);
  if (!way.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("components would call each other in a cycle, which never ends: {} -> "
                            "{}",
                            from, fmt::join(way, " -> ")));
  const auto place = entries_.emplace(from, Entry{caller.workload, caller.generation, to});
  return std::make_shared<Edge>(entries_, place);
}

}  // namespace nimbus::host
