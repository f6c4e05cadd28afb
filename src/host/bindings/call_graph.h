#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::host {

// Which components may call which, over all workloads of this host: a call that came round to its
// own beginning would need one more instance of everything on its way, without end. On the control
// shard; outlives what it gives out.
class CallGraph {
 public:
  // One generation of a workload, in which a caller is.
  struct Caller {
    std::string workload;  // "<namespace>/<name>"
    std::uint64_t generation = 0;
    std::string component;
  };
  struct Called {
    std::string workload;
    std::string component;
  };
  // As long as it lives, the one may call the other.
  class Edge;

  // kInvalidArgument if that closed a cycle, with all who are on it. Other generations of the
  // caller's workload do not count: this one takes their place.
  [[nodiscard]] Result<std::shared_ptr<Edge>> add(const Caller& caller, const Called& called);

 private:
  struct Entry {
    std::string workload;
    std::uint64_t generation;
    std::string to;
  };
  using Entries = std::multimap<std::string, Entry, std::less<>>;  // by who calls

  struct Search;
  Entries entries_;
};

}  // namespace nimbus::host
