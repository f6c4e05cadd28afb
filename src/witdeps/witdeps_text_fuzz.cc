// Lock files, configurations of wkg, documents of registries, sources, edits of WIT text and the
// items in it. The first byte says which. What is read is written and read back as the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "witdeps/lock_file.h"
#include "witdeps/package_items.h"
#include "witdeps/registry_map.h"
#include "witdeps/source.h"
#include "witdeps/world_edit.h"

namespace nimbus::witdeps {
namespace {

void checkLock(std::string_view text) {
  const auto lock = LockFile::parse(text, "f");
  if (!lock) return;
  const auto again = LockFile::parse(lock->text(), "f");
  NIMBUS_CHECK(again.has_value());
  NIMBUS_CHECK(*again == *lock);
}

void checkRegistries(std::string_view text) {
  RegistryMap map;
  (void)map.addConfig(text, "f");
  (void)map.find({"wasi:http", "0.2.3"});
  if (const auto metadata = RegistryMetadata::parse(text, "wasi.dev"))
    NIMBUS_CHECK(!metadata->registry.empty());
}

void checkSource(std::string_view text) {
  const auto source = parseSource(text);
  if (!source) return;
  if (const auto* git = std::get_if<GitSource>(&*source)) {
    NIMBUS_CHECK(!git->url.starts_with('-') && !git->ref.starts_with('-'));
  }
}

// What was added is there once, and what is removed is there no more.
void checkEdit(std::string_view text) {
  const ImportRef import = *ImportRef::parse("fuzz:fuzz/fuzz@1.0.0");
  const auto added = addImport(text, "", import);
  if (!added) return;
  const auto again = addImport(*added, "", import);
  NIMBUS_CHECK(again.has_value());
  NIMBUS_CHECK(*again == *added);
  const std::string removed = removeImports(*added, import);
  NIMBUS_CHECK(removeImports(removed, import) == removed);
}

// What an item is does not depend on layout.
void checkItems(std::string_view text) {
  const PackageItems items = itemsOf(text);
  NIMBUS_CHECK(differingItems(items, items).empty());
  NIMBUS_CHECK(itemsOf("// A note.\n" + std::string(text)) == items);
}

}  // namespace
}  // namespace nimbus::witdeps

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus::witdeps;
  if (size == 0) return 0;
  const std::string_view text = nimbus::asText(nimbus::ByteView(data + 1, size - 1));
  switch (data[0] % 8) {
    case 0: checkLock(text); break;
    case 1: checkRegistries(text); break;
    case 2: checkSource(text); break;
    case 3: checkEdit(text); break;
    default: checkItems(text); break;
  }
  return 0;
}
