// A reference that is taken says the same once it is written and read again.
#include <cstdint>
#include <cstdlib>

#include "oci/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nimbus::oci::Reference;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)nimbus::oci::looksLikeReference(text);
  const auto reference = Reference::parse(text);
  if (!reference) return 0;
  const auto again = Reference::parse(reference->text());
  if (!again || *again != *reference) std::abort();
  return 0;
}
