// Names, metadata and world of arbitrary bytes, and components taken apart. Half of the inputs get
// a component's header, so that the fuzzer need not find it.

#include <cstddef>
#include <cstdint>
#include <string>

#include "wit/component_info.h"
#include "wit/split.h"
#include "wit/tools.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus;
  if (size == 0) return 0;
  std::string bytes;
  if (data[0] % 2 == 1) bytes.assign("\0asm\x0d\0\x01\0", 8);
  bytes += asText({data + 1, size - 1});

  const auto info = wit::inspectComponent(asBytes(bytes));
  if (!info && info.error().code() == ErrorCode::kInternal) __builtin_trap();
  if (info) static_cast<void>(wit::runKind(*info));
  static_cast<void>(wit::witText(asBytes(bytes)));

  const auto split = wit::splitModules(asBytes(bytes), {});
  if (!split && split.error().code() == ErrorCode::kInternal) __builtin_trap();
  // In parts it is as valid as it was whole.
  if (!split || !*split || !wit::validate(asBytes(bytes), wit::Proposals::kAll)) return 0;
  if (!wit::validate((*split)->rest.view(), wit::Proposals::kAll)) __builtin_trap();
  return 0;
}
