#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dev/input_scan.h"

namespace nimbus::dev {

// Which files of a project its own build writes among the sources: else a build that stamps a file
// would start the next one for ever.
//
// Who changed a file during a build cannot be told, so such a change starts one more build. A file
// that changes during each of several builds, of which each was started by nothing else, is
// recognised as the build's, and its changes during builds count no more; changes between builds
// always count. The later of these builds wait for a pause (`isSuspicious`), in which somebody who
// keeps saving the file would save it, too. A build that leaves a recognised file as it is shows
// that it is not the build's after all.
class BuildOutputs {
 public:
  static constexpr int kRecognisedAfter = 5;

  // A build has ended: with these inputs it began, these there are now. Gives the files that are
  // recognised only now.
  std::vector<std::string> buildEnded(const Inputs& before, const Inputs& after);

  // The inputs that count as built after that build.
  [[nodiscard]] Inputs builtInputs(const Inputs& before, const Inputs& after) const;

  // Whether a build would be started by nothing but the last ones: wait for a pause before it.
  [[nodiscard]] bool isSuspicious(const Inputs& now) const;

 private:
  static constexpr int kSuspiciousAfter = 2;

  Inputs last_after_;
  std::map<std::string, int> streak_;  // builds in a row that changed a file
  std::set<std::string> outputs_;
};

}  // namespace nimbus::dev
