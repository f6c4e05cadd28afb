// Any WWW-Authenticate field is read in bounds, and the addresses in it too.
#include <cstdint>

#include "oci/challenge.h"
#include "oci/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto challenges = nimbus::oci::parseChallenges(text);
  if (!challenges) return 0;
  for (const auto& challenge : *challenges) (void)nimbus::oci::Url::parse(challenge.realm);
  return 0;
}
