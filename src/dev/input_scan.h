#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "dev/ignore_rules.h"
#include "engine/digest.h"

namespace nimbus::dev {

// What a build reads: each file by its path from the project's folder, and the digest of what is in
// it. Two equal inputs need one build.
using Inputs = std::map<std::string, engine::Sha256>;

// The paths that are not the same in both, sorted.
[[nodiscard]] std::vector<std::string> changedPaths(const Inputs& before, const Inputs& after);

struct InputScanLimits {
  std::size_t max_files = 100'000;
  // Of a file that is read; a larger one counts as changed when its size or times are.
  std::uint64_t max_file_bytes = 16ULL << 20;
};

// Looks at the files of a project. A file whose stamp says that it has not changed is not read
// again. Blocks; one thread at a time.
class InputScan {
 public:
  InputScan(std::string root, const Clock& clock, InputScanLimits limits = {});

  // Symbolic links count by where they lead to, and are not followed. A file that cannot be read,
  // or vanishes meanwhile, counts as not there. kResourceExhausted: too many files; kIo: the folder
  // cannot be read.
  [[nodiscard]] Result<Inputs> run(const IgnoreRules& rules);

 private:
  struct Known {
    FileStamp stamp;
    engine::Sha256 digest;
    bool settled;  // changed again, it will have another stamp
  };
  using KnownFiles = std::map<std::string, Known>;
  class Walk;

  const std::string root_;
  const Clock& clock_;
  const InputScanLimits limits_;
  KnownFiles known_;
};

}  // namespace nimbus::dev
