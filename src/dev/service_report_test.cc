#include "dev/service_report.h"

#include <gtest/gtest.h>

namespace nimbus::dev {
namespace {

using host::ServiceState;
using Kind = DevEvent::Kind;

DevEvent told(host::ServiceProgress progress) {
  return eventOf({"default/dev", "watch", 3, std::move(progress)});
}

TEST(ServiceReport, NamesTheServiceAndWhatItDoes) {
  const DevEvent first = told({.state = ServiceState::kRunning});
  EXPECT_EQ(first.kind, Kind::kServiceRunning);
  EXPECT_EQ(first.component, "watch");
  EXPECT_EQ(first.generation, 3U);
  EXPECT_EQ(first.message, "service watch runs");
  EXPECT_EQ(told({.state = ServiceState::kRunning, .restarts = 1}).message,
            "service watch runs, started again once");
  EXPECT_EQ(told({.state = ServiceState::kRunning, .restarts = 2}).message,
            "service watch runs, started again 2 times");
}

TEST(ServiceReport, TellsWhyItFailedAndWhatFollows) {
  host::ServiceProgress progress{.state = ServiceState::kRestarting, .reason = "a trap"};
  progress.next_start = progress.since + std::chrono::milliseconds(400);
  const DevEvent again = told(progress);
  EXPECT_EQ(again.kind, Kind::kServiceRestarting);
  EXPECT_EQ(again.message, "service watch failed and is started again in 0.4 s: a trap");
  const DevEvent failed = told({.state = ServiceState::kFailed, .reason = "a trap"});
  EXPECT_EQ(failed.kind, Kind::kServiceFailed);
  EXPECT_EQ(failed.message, "service watch failed for good: a trap");
  const DevEvent completed = told({.state = ServiceState::kCompleted});
  EXPECT_EQ(completed.kind, Kind::kServiceCompleted);
  EXPECT_EQ(completed.message, "service watch has completed");
}

}  // namespace
}  // namespace nimbus::dev
