#include "wash/terminal/clone_line.h"

#include "base/escape.h"

namespace nimbus::wash {

CloneLine::CloneLine(StatusLine& line, const std::string& url, Git git) : line_(line) {
  const std::string what = "Cloning " + url;
  if (git == Git::kAsksNothing) {
    shown_ = line_.begin(what);
    return;
  }
  taken_.emplace();
  line_.print(escaped(what) + "\n");
}

CloneLine::~CloneLine() {
  if (shown_) line_.end(*shown_);
}

}  // namespace nimbus::wash
