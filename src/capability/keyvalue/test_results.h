#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "base/result.h"

// What came of a call, for expectations that also hold where it is not as expected. For tests only.
namespace nimbus::keyvalue {

inline testing::AssertionResult succeeded(const auto& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().describe();
}

// What it failed by; nothing if it did not.
inline std::optional<ErrorCode> codeOf(const auto& result) {
  return result ? std::nullopt : std::optional(result.error().code());
}

}  // namespace nimbus::keyvalue
