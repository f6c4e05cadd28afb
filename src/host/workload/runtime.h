#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "host/bindings/bindings.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {

// An import of a component that another component of the workload serves.
struct LinkStatus {
  std::string import_name;
  std::string component;  // that serves it
  std::string how;        // "composed": a call is a call inside of one instance
  std::string reason;

  friend bool operator==(const LinkStatus&, const LinkStatus&) = default;
};

// What a deployment tells about itself at one moment, summed over the shards.
struct ComponentStatus {
  std::string name;
  std::string digest;  // "sha256:<hex>" of the component
  std::string kind;    // "http-p2", "http-p3", …; "inside" if only others call it
  std::vector<LinkStatus> links;
  std::uint64_t instances = 0;  // alive now
  std::uint64_t calls_in_flight = 0;
  std::uint64_t calls_queued = 0;
  std::uint64_t calls_total = 0;
  std::uint64_t failures_total = 0;
  std::vector<BindingStatus> bindings;
};

enum class ServiceState {
  kStarting,  // not begun yet
  kRunning,
  kRestarting,  // it has failed and is started again after a pause
  kCompleted,   // it has ended well
  kFailed,      // it has failed, and too often
};
[[nodiscard]] std::string_view serviceStateName(ServiceState state);  // "Running", …

// How a service gets on.
struct ServiceProgress {
  ServiceState state = ServiceState::kStarting;
  std::string reason = {};     // why it failed last, if that is why it does not run
  std::uint64_t restarts = 0;  // of this generation
  std::chrono::system_clock::time_point since = {};                      // it is in that state
  std::optional<std::chrono::system_clock::time_point> next_start = {};  // of kRestarting
};

struct ServiceStatus {
  ComponentStatus component;  // calls in total: how often it was started
  ServiceProgress progress;
};

// A change of a service's state.
struct ServiceNews {
  std::string workload;
  std::string service;  // its name
  std::uint64_t generation;
  ServiceProgress progress;
};

// A generation that the data plane has ended by itself, with all its guests, though it keeps its
// routes: a request gets 503.
struct EndedNews {
  std::string workload;
  std::uint64_t generation;
  std::string reason;
};

// One generation of one workload, ready to serve: components compiled and pre-instantiated. Made
// and destroyed on the control shard; its parts on the serving shards are its own business.
class Deployment {
 public:
  virtual ~Deployment() = default;
  [[nodiscard]] virtual const WorkloadSpec& spec() const = 0;
  [[nodiscard]] virtual std::uint64_t generation() const = 0;
  [[nodiscard]] virtual std::vector<ComponentStatus> components() const = 0;
  // None: the workload has no service.
  [[nodiscard]] virtual std::optional<ServiceStatus> service() const = 0;
};

// The data plane as the control plane sees it. All calls come from the control shard.
class WorkloadRuntime {
 public:
  virtual ~WorkloadRuntime() = default;

  // Brings onto this host what the workload names by image, however long that takes: it waits for
  // others and takes nobody's place. Gives the spec to prepare. Errors: kNotFound,
  // kPermissionDenied, kUnavailable, kDeadlineExceeded, … with the name of the component.
  enum class Freshness { kAsManifestSays, kCacheWillDo };
  [[nodiscard]] virtual Task<Result<std::shared_ptr<const WorkloadSpec>>> fetch(
      std::shared_ptr<const WorkloadSpec> spec, Freshness freshness) = 0;

  // Loads and compiles (in the background), checks imports and pre-instantiates. What must be
  // compiled waits for others that are, what is loaded or in the code cache does not. Nothing
  // serves yet, and nothing is left behind when it fails: kInvalidArgument, kNotFound, kUnsupported
  // with the name of what is missing, kResourceExhausted; kUnavailable, kDeadlineExceeded if what
  // it needs is not there yet. Nor when it is given up, but for the code cache: what has begun to
  // be compiled is compiled to its end.
  [[nodiscard]] virtual Task<Result<std::shared_ptr<Deployment>>> prepare(
      std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation) = 0;

  // The same for several that take effect together: what they import from each other is looked for
  // in these. If one fails, the first error and none of them. One such call at a time.
  [[nodiscard]] virtual Task<Result<std::vector<std::shared_ptr<Deployment>>>> prepareTogether(
      std::vector<std::shared_ptr<const WorkloadSpec>> specs, std::uint64_t generation) = 0;

  // Routes go from `previous` to `next`; either may be null (first deployment, removal).
  struct Replacement {
    std::shared_ptr<Deployment> previous;
    std::shared_ptr<Deployment> next;
  };
  // Complete when every shard routes anew; requests already running stay where they are. Each shard
  // changes all of them at one moment, so a route may go from one workload to another. Before the
  // routes the services: that of `previous` ends, then that of `next` begins, never two at a time.
  [[nodiscard]] virtual Task<void> swapTogether(std::vector<Replacement> replacements) = 0;
  [[nodiscard]] Task<void> swap(std::shared_ptr<Deployment> previous,
                                std::shared_ptr<Deployment> next) {
    return swapTogether({{std::move(previous), std::move(next)}});
  }

  // Lets what runs on a deployment without routes finish: requests by their own limits, all else
  // for at most `bound`, then it is ended.
  [[nodiscard]] virtual Task<void> retire(std::shared_ptr<Deployment> deployment,
                                          Duration bound) = 0;

  // Who is told what services of deployments do, the last one to ask; null: nobody.
  virtual void onServiceNews(std::function<void(const ServiceNews&)> tell) = 0;
  // Likewise, of generations that were ended.
  virtual void onEndedNews(std::function<void(const EndedNews&)> tell) = 0;
};

}  // namespace nimbus::host
