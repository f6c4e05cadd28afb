#pragma once

#include <memory>
#include <string_view>

#include "wrpc/invoker.h"

namespace nimbus::logging {

enum class Level { kTrace, kDebug, kInfo, kWarn, kError, kCritical };

// Where records go. Any thread; must not block.
class Sink {
 public:
  virtual ~Sink() = default;
  // `context` groups the records of one consumer, and may be empty.
  virtual void record(const wrpc::Consumer& from, Level level, std::string_view context,
                      std::string_view message) = 0;
};

// A sink as wasi:logging/logging@0.1.0-draft.
[[nodiscard]] std::shared_ptr<wrpc::Invoker> serveLogging(std::shared_ptr<Sink> sink);

}  // namespace nimbus::logging
