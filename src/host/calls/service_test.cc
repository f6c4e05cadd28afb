#include "host/calls/service.h"

#include <gtest/gtest.h>

#include <vector>

namespace nimbus::host {
namespace {

TEST(ServicePlaces, AreTheShardsWithTheFewest) {
  const auto places = std::make_shared<ServicePlaces>(3);
  std::vector<std::shared_ptr<const std::size_t>> taken;
  for (const std::size_t expected : {0U, 1U, 2U, 0U}) {
    taken.push_back(places->take());
    EXPECT_EQ(*taken.back(), expected);
  }
  taken[2].reset();
  EXPECT_EQ(*places->take(), 2U);
  const auto copy = taken[1];
  taken[1].reset();
  taken[2] = places->take();
  EXPECT_EQ(*taken[2], 2U) << "a copy keeps the place";
}

TEST(ServicePlaces, AreGivenBackAfterTheirOwnerToo) {
  auto places = std::make_shared<ServicePlaces>(1);
  const auto place = places->take();
  places.reset();
  EXPECT_EQ(*place, 0U);
}

TEST(ServiceState, HasANameEach) {
  EXPECT_EQ(serviceStateName(ServiceState::kStarting), "Starting");
  EXPECT_EQ(serviceStateName(ServiceState::kRunning), "Running");
  EXPECT_EQ(serviceStateName(ServiceState::kRestarting), "Restarting");
  EXPECT_EQ(serviceStateName(ServiceState::kCompleted), "Completed");
  EXPECT_EQ(serviceStateName(ServiceState::kFailed), "Failed");
}

}  // namespace
}  // namespace nimbus::host
