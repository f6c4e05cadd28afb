// Answers of token servers, credential programs and Docker's configuration are read in bounds.
#include <cstdint>
#include <cstdlib>

#include "http/headers.h"
#include "oci/credentials.h"
#include "oci/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus::oci;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto token = parseToken(text); token && !nimbus::http::isFieldValue(token->text))
    std::abort();
  (void)parseHelperAnswer(text);
  (void)parseDockerConfig(text, "r.example");
  return 0;
}
