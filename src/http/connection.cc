#include "http/connection.h"

#include <chrono>
#include <ctime>

#include <fmt/format.h>

namespace nimbus::http {
namespace {

struct CachedDate {
  TimePoint valid_until{};
  char text[32] = {};
  std::size_t size = 0;
};

// RFC 9110 5.6.7, always in English.
void render(CachedDate& date, std::chrono::system_clock::time_point wall) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(wall);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const auto end =
      fmt::format_to_n(date.text, sizeof(date.text), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon],
                       parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  date.size = end.size;
}

}  // namespace

std::string_view httpDate(TimePoint now) {
  thread_local CachedDate date;
  if (now >= date.valid_until) {
    const auto wall = std::chrono::system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(wall);
    render(date, second);
    date.valid_until = now + (second + std::chrono::seconds(1) - wall);
  }
  return {date.text, date.size};
}

void recordExchange(const ConnectionEnvironment& environment, const AccessRecord& record) {
  if (const ExchangeMetrics* metrics = environment.exchange_metrics) {
    const std::size_t status_class = record.status / 100;
    if (status_class >= 1 && status_class <= metrics->responses.size()) {
      metrics->responses[status_class - 1]->add();
    }
    metrics->duration_seconds->observe(std::chrono::duration<double>(record.duration).count());
  }
  if (environment.access_log != nullptr) environment.access_log->record(record);
}

}  // namespace nimbus::http
