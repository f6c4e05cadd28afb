#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"
#include "wit/packages.h"

namespace nimbus::witdeps {

// One version of a package from a registry, and the digest of its binary.
struct LockedPackage {
  wit::PackageRef package;  // with a version
  std::string registry;     // may be empty
  std::string requirement;  // what was asked for: "=0.2.3"
  oci::Digest digest;

  friend bool operator==(const LockedPackage&, const LockedPackage&) = default;
};

// A package whose place is named by `wit.sources`, and what was found there.
struct LockedSource {
  wit::PackageRef package;
  std::string source;  // as it is configured
  std::string digest;  // "sha256:…" of what was downloaded, or "git:" and the name of a commit

  friend bool operator==(const LockedSource&, const LockedSource&) = default;
};

// What the dependencies of a project were when they were fetched: docs/formats/wkg-lock.md. The
// packages are as wkg of the Bytecode Alliance reads and writes them; `sources` is ours, and
// ignored by it.
class LockFile {
 public:
  // kInvalidArgument, "<file>:<line>: <what>"; kUnsupported: of a version that is not known.
  [[nodiscard]] static Result<LockFile> parse(std::string_view text, std::string_view file_name);
  // The same content gives the same text.
  [[nodiscard]] std::string text() const;

  [[nodiscard]] const LockedPackage* find(const wit::PackageRef& package) const
      [[clang::lifetimebound]];
  [[nodiscard]] const LockedSource* findSource(const wit::PackageRef& package) const
      [[clang::lifetimebound]];

  // Take the place of what was there for the package.
  void put(LockedPackage locked);
  void put(LockedSource locked);

  [[nodiscard]] const std::vector<LockedPackage>& packages() const { return packages_; }
  [[nodiscard]] const std::vector<LockedSource>& sources() const { return sources_; }
  [[nodiscard]] bool empty() const { return packages_.empty() && sources_.empty(); }

  friend bool operator==(const LockFile&, const LockFile&) = default;

 private:
  std::vector<LockedPackage> packages_;  // both in the order of their packages
  std::vector<LockedSource> sources_;
};

}  // namespace nimbus::witdeps
