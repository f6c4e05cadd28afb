#include "engine/trap_reason.h"

#include "base/text.h"

namespace nimbus::engine {

std::string trapReason(std::string_view message) {
  constexpr std::string_view kPlace = "error while executing at wasm backtrace:";
  constexpr std::string_view kCause = "Caused by:";
  std::string_view first = message.substr(0, message.find('\n'));
  const std::size_t cause = message.rfind(kCause);
  if (!first.ends_with(kPlace) || cause == std::string_view::npos) return std::string(first);
  first.remove_suffix(kPlace.size());
  const std::string_view last = trim(message.substr(cause + kCause.size()));
  return std::string(first) + std::string(last.substr(0, last.find('\n')));
}

}  // namespace nimbus::engine
