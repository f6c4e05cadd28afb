#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "project/tool_version.h"

namespace nimbus::project {

// Which versions of a tool a project takes. Each kind of manifest has its own notation;
// pre-releases are told apart by none of the tools that this is used for, so their marks do not
// count.
class VersionRange {
 public:
  // "1.85" and all that is newer. Nothing if it is no version.
  [[nodiscard]] static std::optional<VersionRange> atLeast(std::string_view text);
  // As in package.json: ">=18 <21 || ^22.1", "20.x", "1.2 - 2.3" (node-semver).
  [[nodiscard]] static std::optional<VersionRange> ofNpm(std::string_view text);
  // As in pyproject.toml: ">=3.10,<4", "~=3.11", "==3.12.*" (PEP 440, version specifiers).
  [[nodiscard]] static std::optional<VersionRange> ofPython(std::string_view text);

  [[nodiscard]] bool contains(const ToolVersion& version) const;

 private:
  // From `lower` on, and before `upper`; without those there is no end. `outside`: all others.
  struct Interval {
    std::optional<ToolVersion> lower;
    std::optional<ToolVersion> upper;
    bool outside = false;

    [[nodiscard]] bool contains(const ToolVersion& version) const;
  };
  // All of them.
  using Together = std::vector<Interval>;

  static std::optional<Together> npmSet(std::string_view text);
  static std::optional<Interval> npmComparator(std::string_view text);
  static std::optional<Interval> pythonClause(std::string_view text);

  std::vector<Together> alternatives_;  // one of them
};

}  // namespace nimbus::project
