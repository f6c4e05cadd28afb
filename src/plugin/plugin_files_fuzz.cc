// Files of the plugins' folder: what is taken says the same once it is written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plugin/grant.h"
#include "plugin/grant_format.h"
#include "plugin/info_json.h"
#include "plugin/plugin_lock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus::plugin;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto info = parseInfoJson(text)) {
    const auto again = parseInfoJson(infoJson(*info));
    if (!again || *again != *info) std::abort();
  }
  if (const auto lock = parseLock(text)) {
    const auto again = parseLock(formatLock(*lock));
    if (!again || *again != *lock) std::abort();
  }
  if (const auto grants = parseGrants(text)) {
    const auto again = parseGrants(formatGrants(*grants));
    if (!again || *again != *grants) std::abort();
  }
  (void)parseAllowRule(text);
  return 0;
}
