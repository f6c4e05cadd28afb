#pragma once

#include <string_view>

#include "base/log.h"

namespace nimbus::host {

// A log that has another place for what guests print: it takes these lines as they are, and all of
// them, where other logs get records about at most so many a second.
class GuestLines : public Logger {
 public:
  // A line without its end, of stream 1 or 2. Any thread; must not block.
  virtual void print(int stream, std::string_view line) = 0;
};

}  // namespace nimbus::host
