#include "dev/service_report.h"

#include <fmt/format.h>

namespace nimbus::dev {
namespace {

using host::ServiceState;

std::string pauseText(const host::ServiceProgress& progress) {
  if (!progress.next_start) return "soon";
  const auto pause = *progress.next_start - progress.since;
  return fmt::format("in {:.1f} s", std::chrono::duration<double>(pause).count());
}

std::string timesText(std::uint64_t restarts) {
  return restarts == 1 ? "once" : fmt::format("{} times", restarts);
}

}  // namespace

DevEvent eventOf(const host::ServiceNews& news) {
  const host::ServiceProgress& progress = news.progress;
  const std::string name = "service " + news.service;
  const auto event = [&](DevEvent::Kind kind, std::string message) {
    return DevEvent{.kind = kind,
                    .component = news.service,
                    .message = std::move(message),
                    .generation = news.generation};
  };
  switch (progress.state) {
    case ServiceState::kRestarting:
      return event(DevEvent::Kind::kServiceRestarting,
                   fmt::format("{} failed and is started again {}: {}", name, pauseText(progress),
                               progress.reason));
    case ServiceState::kCompleted:
      return event(DevEvent::Kind::kServiceCompleted, name + " has completed");
    case ServiceState::kFailed:
      return event(DevEvent::Kind::kServiceFailed,
                   fmt::format("{} failed for good: {}", name, progress.reason));
    case ServiceState::kStarting:
    case ServiceState::kRunning: break;
  }
  return event(DevEvent::Kind::kServiceRunning,
               progress.restarts == 0
                   ? name + " runs"
                   : fmt::format("{} runs, started again {}", name, timesText(progress.restarts)));
}

}  // namespace nimbus::dev
