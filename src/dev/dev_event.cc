#include "dev/dev_event.h"

namespace nimbus::dev {

std::string_view eventName(DevEvent::Kind kind) {
  switch (kind) {
    case DevEvent::Kind::kChanged: return "changed";
    case DevEvent::Kind::kBuilding: return "building";
    case DevEvent::Kind::kBuilt: return "built";
    case DevEvent::Kind::kBuildFailed: return "build-failed";
    case DevEvent::Kind::kConfigured: return "configured";
    case DevEvent::Kind::kConfigFailed: return "config-failed";
    case DevEvent::Kind::kServing: return "serving";
    case DevEvent::Kind::kReloaded: return "reloaded";
    case DevEvent::Kind::kUnchanged: return "unchanged";
    case DevEvent::Kind::kLoadFailed: return "load-failed";
    case DevEvent::Kind::kServiceRunning: return "service-running";
    case DevEvent::Kind::kServiceRestarting: return "service-restarting";
    case DevEvent::Kind::kServiceCompleted: return "service-completed";
    case DevEvent::Kind::kServiceFailed: return "service-failed";
    case DevEvent::Kind::kPublished: return "published";
    case DevEvent::Kind::kWarning: return "warning";
  }
  return "unknown";
}

}  // namespace nimbus::dev
