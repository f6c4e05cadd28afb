// Manifests and host configurations from outside bytes. What parses must be written as JSON that
// reads back as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/code_point.h"
#include "host/host_config.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {
namespace {

void checkError(const Error& error) {
  NIMBUS_CHECK(!error.message().empty());
  NIMBUS_CHECK(!firstInvalidUtf8(error.message()));
  NIMBUS_CHECK(!error.message().contains('\n'));
}

void parseBoth(std::string_view text) {
  const auto config = parseHostConfig(text, "fuzz", "/base");
  if (!config) checkError(config.error());
  const auto spec = parseManifest(text, "fuzz", "/base");
  if (!spec) return checkError(spec.error());
  if (const auto runnable = checkRunnable(*spec); !runnable) checkError(runnable.error());
  const std::string json = toJson(*spec);
  const auto again = parseStoredManifest(json, "json");
  NIMBUS_CHECK(again.has_value());
  NIMBUS_CHECK(*again == *spec);
  NIMBUS_CHECK(toJson(*again) == json);
}

}  // namespace
}  // namespace nimbus::host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus::host::parseBoth(nimbus::asText({data, size}));
  return 0;
}
