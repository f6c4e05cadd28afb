#include "base/rate_limit.h"

#include <string>

namespace nimbus {

bool RateLimit::pass() {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  if (second_.exchange(now, std::memory_order_relaxed) != now) {
    passed_.store(0, std::memory_order_relaxed);
  }
  if (passed_.fetch_add(1, std::memory_order_relaxed) < per_second_) return true;
  suppressed_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void LimitedLogger::write(LogLevel level, std::string_view message,
                          std::initializer_list<LogField> fields) {
  if (!limit_.pass()) return;
  const std::uint64_t suppressed = limit_.takeSuppressed();
  if (suppressed > 0)
    log_.write(level, "records like the next were held back",
               {{"count", std::to_string(suppressed)}});
  log_.write(level, message, fields);
}

}  // namespace nimbus
