#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "project/config.h"

namespace nimbus::project {

// Collects what is wrong with one source, at most kMaxProblems; the rest is counted.
class ProblemList {
 public:
  explicit ProblemList(std::string where) : where_(std::move(where)) {}

  void report(std::uint32_t line, std::string message) {
    count_ += 1;
    if (problems_.size() >= kMaxProblems) return;
    const auto at = std::ranges::upper_bound(problems_, line, {}, &ConfigProblem::line);
    problems_.insert(at, {where_, line, std::move(message)});
  }
  [[nodiscard]] bool any() const { return count_ > 0; }
  [[nodiscard]] std::size_t count() const { return count_; }

  // In the order of their lines.
  [[nodiscard]] std::vector<ConfigProblem> take() { return std::move(problems_); }

 private:
  std::string where_;
  std::vector<ConfigProblem> problems_;
  std::size_t count_ = 0;
};

}  // namespace nimbus::project
