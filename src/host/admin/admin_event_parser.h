#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::host {

// One event of an event stream.
struct AdminEvent {
  std::string id;    // for Last-Event-ID; the newest one seen so far if this event has none
  std::string kind;  // "running", …; "missed" if some were lost
  std::string data;  // JSON
};

// Cuts a stream of server-sent events (HTML living standard 9.2.6) into events as bytes arrive.
class AdminEventParser {
 public:
  static constexpr std::size_t kMaxEventBytes = 1024 * 1024;

  explicit AdminEventParser(std::function<void(const AdminEvent&)> each) : each_(std::move(each)) {}

  // kResourceExhausted: an event larger than kMaxEventBytes.
  [[nodiscard]] Result<void> feed(std::string_view bytes);

 private:
  void line(std::string_view text);

  std::function<void(const AdminEvent&)> each_;
  std::string partial_;  // of a line
  AdminEvent event_;
};

}  // namespace nimbus::host
