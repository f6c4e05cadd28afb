#pragma once

#include <optional>
#include <string>

#include "wash/output/bottom_line.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {

// Shows, while it lives, that git clones a repository. Where git and ssh may ask (for a password,
// whether a host is known) they do so on the terminal itself: then that is said by a plain line at
// once, and no line is rewritten until the end, which would go over the question.
class CloneLine {
 public:
  enum class Git { kMayAsk, kAsksNothing };
  // `line` outlives it.
  CloneLine(StatusLine& line, const std::string& url, Git git);
  CloneLine(const CloneLine&) = delete;
  CloneLine& operator=(const CloneLine&) = delete;
  ~CloneLine();

 private:
  StatusLine& line_;
  std::optional<ScreenTaken> taken_;
  std::optional<StatusLine::Id> shown_;
};

}  // namespace nimbus::wash
