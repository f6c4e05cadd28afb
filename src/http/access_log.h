#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace nimbus::http {

// One answered request, as the access log sees it.
struct AccessRecord {
  std::string_view peer;
  std::string_view method;
  std::string_view authority;
  std::string_view path;
  std::string_view version;  // "HTTP/1.1", "HTTP/2"
  std::uint16_t status = 0;
  std::uint64_t request_bytes = 0;   // content only
  std::uint64_t response_bytes = 0;  // content only
  std::chrono::nanoseconds duration{};
  bool complete = true;  // false: the client went away or the response was cut off
};

// Lines of text (Common Log Format with host, duration and completeness added) or JSON. record()
// only formats into a buffer of its shard; a thread of the log's own writes the buffers when one
// has grown, and at least every second, so that a slow disk never stops a shard. When the disk
// cannot keep up, or takes nothing, or nobody reads, records are dropped and counted there. Any
// thread.
class AccessLog {
 public:
  virtual ~AccessLog() = default;  // writes what is left
  virtual void record(const AccessRecord& record) = 0;
  // Writes all recorded so far before it returns; to what has a reader for two seconds at most.
  virtual void flush() = 0;
  // Opens a file anew after log rotation; the old one stays in use if that fails.
  [[nodiscard]] virtual Result<void> reopen() = 0;
};

// `path` may be "-" for standard output, and a pipe that somebody reads. `on_problem` is told once
// each time that the file takes no more, on the log's thread.
[[nodiscard]] Result<std::unique_ptr<AccessLog>> openAccessLog(
    const std::string& path, LogFormat format,
    std::function<void(const Error&)> on_problem = nullptr);

}  // namespace nimbus::http
