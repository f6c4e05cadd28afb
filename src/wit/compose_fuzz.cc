// An arbitrary component composed with itself and with one of ours. The first byte says which of
// its imports are linked; half of the inputs get a component's header.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wit/compose.h"
#include "wit/tools.h"

namespace {

using namespace nimbus;

const Bytes& ours() {
  static const Bytes component = *wit::watToWasm(R"((component
    (import "wasi:cli/environment@0.2.0" (instance
      (export "get-environment" (func (result (list (tuple string string)))))))
    (import "demo:pair/backend@0.1.0" (instance $b (export "f" (func))))
    (export "demo:pair/frontend@0.1.0" (instance $b))))");
  return component;
}

// Links every import of the first part that the second exports in a compatible version.
void link(wit::Composition& composition, const wit::ComponentInfo& importer,
          const wit::ComponentInfo& exporter) {
  for (const wit::ExternName& import : importer.imports) {
    for (const wit::ExternName& exported : exporter.exports) {
      if (!wit::interfaceMatches(import.parts.interface, import.parts.version, exported.name))
        continue;
      composition.links.push_back({0, import.name, 1, exported.name});
    }
  }
}

void composeBoth(const Bytes& first, const Bytes& second, bool linked) {
  const auto importer = wit::inspectComponent(first.view());
  const auto exporter = wit::inspectComponent(second.view());
  if (!importer || !exporter) return;
  wit::Composition composition;
  composition.parts = {{"first", first, *importer, ""}, {"second", second, *exporter, ""}};
  if (linked) link(composition, *importer, *exporter);
  composition.labels = wit::labelsFor(composition);
  const auto once = wit::compose(composition);
  if (!once) return;
  const auto again = wit::compose(composition);
  if (!again || asText(once->view()) != asText(again->view())) __builtin_trap();
  if (!wit::inspectComponent(once->view())) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string bytes;
  if (data[0] % 2 == 1) bytes.assign("\0asm\x0d\0\x01\0", 8);
  bytes += asText({data + 1, size - 1});
  const Bytes fuzzed = Bytes::take(std::move(bytes));
  const bool linked = (data[0] & 2) != 0;
  composeBoth(ours(), fuzzed, linked);
  composeBoth(fuzzed, ours(), linked);
  composeBoth(fuzzed, fuzzed, linked);
  return 0;
}
