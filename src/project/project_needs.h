#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "project/settings.h"
#include "project/version_range.h"

namespace nimbus::project {

// A version that a file of the project asks for.
struct VersionDemand {
  std::string tool;                   // as data/toolchains.yaml names it
  std::string key;                    // "rust-version"
  std::string file;                   // "Cargo.toml"
  std::string wanted;                 // as it stands there: "1.85"
  std::optional<VersionRange> range;  // nothing: it cannot be understood
};

// What a project needs of other people's programs, by its own files.
struct ProjectNeeds {
  // Of what is built as "c": whether it is C++.
  enum class Cxx {
    kNo,
    kLikely,  // there are such files, which may be of tests or tools for this machine
    kYes,     // build.language says so
  };
  std::set<std::string> tools;  // beyond those of its language: make, cmake, npm, …
  Cxx cxx = Cxx::kNo;
  std::vector<VersionDemand> versions;
  std::vector<std::string> problems;  // files that cannot be read: "package.json:3: …"
};

// `variables` are those of the environment that tools go by (CMAKE_GENERATOR). Files that are not
// there ask for nothing. Of a Cargo.toml whose rust-version is its workspace's, that one counts.
[[nodiscard]] ProjectNeeds needsOf(const std::string& folder, std::string_view language,
                                   const BuildSettings& build, const StringMap& variables);

// Of a go.mod: its lines `go` and `toolchain`.
[[nodiscard]] std::vector<VersionDemand> goModDemands(std::string_view text);

}  // namespace nimbus::project
