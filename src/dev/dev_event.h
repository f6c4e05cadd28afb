#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace nimbus::dev {

// Where the time from a saved file to new code went.
struct ReloadTimes {
  Duration settle{};  // until things were quiet
  Duration scan{};    // what has changed?
  Duration build{};   // the project's own build
  Duration read{};    // reading the components, and how they fit together
  Duration load{};    // compiling and linking
  Duration swap{};    // the routes of all shards
  Duration total{};   // from the first change

  [[nodiscard]] Duration withoutBuild() const { return total - build; }
};

// One thing that happened in a session, for people and programs.
struct DevEvent {
  enum class Kind {
    kChanged,   // `paths` of sources
    kBuilding,  // of `component`
    kBuilt,
    kBuildFailed,   // `message` says why
    kConfigured,    // the configuration was read anew
    kConfigFailed,  // and cannot be used
    kServing,       // the first generation takes requests
    kReloaded,      // a newer one does
    kUnchanged,     // it is what is serving already: the build's, or what a file holds again
    kLoadFailed,    // what was built cannot run; what served before goes on
    // Of the service `component`; `message` tells it.
    kServiceRunning,
    kServiceRestarting,
    kServiceCompleted,
    kServiceFailed,
    kPublished,  // a port of this machine leads to the service `component`; `message` tells it
    kWarning,
  };
  Kind kind;
  std::string component = {};
  std::string message = {};
  std::optional<ErrorCode> code = {};  // of what failed, where it is an error
  std::vector<std::string> paths = {};
  std::uint64_t generation = 0;
  bool takes_requests = true;  // of kServing: else there is nothing but the service `component`
  ReloadTimes times = {};
};

// "build-failed"
[[nodiscard]] std::string_view eventName(DevEvent::Kind kind);

// What takes a session's time, so that somebody who waits can be shown it.
enum class DevWork { kBuild, kCompile };

// Told of events, on the control shard.
class DevReporter {
 public:
  virtual ~DevReporter() = default;
  virtual void report(const DevEvent& event) = 0;
  // Work begins, on components or images of these names, and goes on until end(). One at a time.
  virtual void begin(DevWork work, std::string_view names) = 0;
  virtual void end() = 0;
};

}  // namespace nimbus::dev
